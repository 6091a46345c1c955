//! Where the time of a network goes, step by step: its share, its rate in GFLOP/s and in GB/s.
//!
//! ```text
//! cargo bench -p benches --bench layers -- vit_small_patch16_224 16 224 pixels
//! ```
//! The arguments are the network, images of a batch, their side, and `pixels` (the gradient of the pixels), `training` (the gradients of all
//! weights) or `logits`. With `kinds` behind them steps of one kind are added up, with `bf16` factors are rounded. Operations are those of
//! the definition, so that what needs fewer shows a higher rate. `benches/torch_networks.py` compares the rates with PyTorch's.
#![allow(clippy::print_stdout, reason = "a table for people")]

use std::{collections::BTreeMap, error::Error, sync::Arc, time::Instant};

use benches::numbers;
use candle_core::{Device, Tensor};
use models::{Architecture, Backend, Classifier, Direction, Normaliser, Precision, StepTime, Stopwatch};

/// Passes that are counted, after one that is not.
const PASSES: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let is_option = |word: &String| ["kinds", "bf16"].contains(&word.as_str());
    let words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let (options, arguments): (Vec<String>, Vec<String>) = words.partition(is_option);
    let has = |option: &str| options.iter().any(|word| word == option);
    let argument = |place: usize, default: &str| arguments.get(place).map_or(default, |word| word).to_owned();
    let architecture: Architecture = argument(0, "resnet18").parse()?;
    let (images, side): (usize, usize) = (argument(1, "32").parse()?, argument(2, "32").parse()?);
    let what = argument(3, "pixels");

    let weights = training::initialise(&architecture.graph(1000).shapes(), 0)?;
    let backend = Backend::Cpu(if has("bf16") { Precision::Bf16 } else { Precision::Full });
    let mut network = Classifier::on(&backend, architecture, 1000, Normaliser::IMAGENET, &weights)?;
    let pixels: Vec<f32> = numbers(1, images * 3 * side * side).iter().map(|x| 0.5 + 0.5 * x).collect();
    let pixels = Tensor::from_vec(pixels, (images, 3, side, side), &Device::Cpu)?;
    let labels: Vec<u32> = (0..images as u32).collect();
    let frozen = network.freeze()?;
    let pass = |network: &mut Classifier| -> Result<(), Box<dyn Error>> {
        match what.as_str() {
            "training" => drop(network.parameter_gradients(&pixels, &labels)?),
            "logits" => drop(frozen.logits(&pixels)?),
            _ => drop(frozen.input_gradient(&pixels, &labels)?),
        }
        Ok(())
    };
    pass(&mut network)?;
    let stopwatch = Arc::new(Stopwatch::default());
    network.time_steps(&stopwatch);
    let (started, before) = (Instant::now(), processor_seconds());
    (0..PASSES).try_for_each(|_| pass(&mut network))?;
    let seconds = started.elapsed().as_secs_f64();
    let rate = |seconds: f64| (PASSES * images) as f64 / seconds;
    println!(
        "{:.2} images/s, {:.2} images/s of processor time",
        rate(seconds),
        rate(processor_seconds() - before)
    );
    let times = stopwatch.times();
    let times = if has("kinds") { by_kind(times) } else { times };
    print_table(&times, seconds);
    Ok(())
}

/// Processor time of this program so far, all threads together, as Linux counts it, in hundredths; not a number elsewhere.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, in brackets, the twelfth and the thirteenth field: in programs and in the system for them.
    let fields = text.rsplit(") ").next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: Option<f64> = fields.map(|field| field.parse::<f64>().ok()).sum();
    ticks.filter(|ticks| *ticks > 0.0).map_or(f64::NAN, |ticks| ticks / 100.0)
}

/// Steps of one kind and direction added up, the longest first.
fn by_kind(times: Vec<StepTime>) -> Vec<StepTime> {
    let mut kinds: BTreeMap<(Direction, String), StepTime> = BTreeMap::new();
    for time in times {
        let kind = time.step.rsplit(": ").next().unwrap_or_default().to_owned();
        let key = (time.direction, kind.clone());
        let sum = kinds.entry(key).or_insert_with(|| StepTime {
            step: kind,
            runs: 0,
            operations: 0,
            bytes: 0,
            time: std::time::Duration::ZERO,
            ..time.clone()
        });
        sum.operations += time.operations;
        sum.bytes += time.bytes;
        sum.time += time.time;
        sum.runs = time.runs;
    }
    let mut kinds: Vec<StepTime> = kinds.into_values().collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.time));
    kinds
}

fn print_table(times: &[StepTime], seconds: f64) {
    println!("{:>6} {:>9} {:>8} {:>7}  step", "share", "ms", "GFLOP/s", "GB/s");
    for time in times {
        let once = time.time.as_secs_f64() / time.runs as f64;
        let rate = |count: u64| count as f64 / once / 1e9;
        let direction = if time.direction == Direction::Forward { "→" } else { "←" };
        let [channels, height, width] = time.size;
        println!(
            "{:>5.1}% {:>9.2} {:>8.0} {:>7.1}  {direction} {} → {channels} @{height}×{width}",
            100.0 * time.time.as_secs_f64() / seconds,
            1e3 * once,
            rate(time.operations),
            rate(time.bytes),
            time.step,
        );
    }
    let share: f64 = times.iter().map(|time| time.time.as_secs_f64()).sum();
    println!(
        "{:>5.1}% in steps; the rest packs weights, converts pixels and computes the loss",
        100.0 * share / seconds
    );
}
