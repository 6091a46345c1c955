//! Logits of an ONNX file for some images, and the gradient of each image's loss with respect to its pixels.
//!
//! `cargo run -p freqbias-onnx --example pixel_gradient -- model.onnx images.safetensors out.safetensors [cpu|cpu-plain]`
//!
//! `images.safetensors` has `images`, (N, 3, H, W) f32 as the graph takes them, and `labels`, (N) u32; written are `logits` and
//! `gradient`. `tests/python/onnx_graphs.py` compares both with PyTorch's.
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::{collections::HashMap, error::Error, path::Path, time::Instant};

use candle_core::{Device, safetensors};
use models::{Backend, Frozen, Normaliser};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, out, rest @ ..] = &arguments[..] else {
        return Err("expected an ONNX file, a file with images and labels, and a file to write".into());
    };
    let given = safetensors::load(images, &Device::Cpu)?;
    let (images, labels) = (&given["images"], given["labels"].to_vec1::<u32>()?);
    let (_, _, height, width) = images.dims4()?;
    let model = onnx::Model::open(Path::new(model))?;
    let network = model.network([height, width])?;
    println!(
        "{}, opset {}: {} nodes, {} classes",
        model.producer(),
        model.opset(),
        model.nodes(),
        network.classes
    );
    network.notes.iter().for_each(|note| println!("{note}"));
    if let Some(own) = network.own_normaliser {
        println!("the graph normalises: mean {:?}, std {:?}, pixels to {}", own.mean, own.std, own.brightest);
    }
    let kinds =
        network.graph.nodes().iter().filter(|node| matches!(node.op, models::Op::Array { .. })).count();
    println!("{} operations, {kinds} of them on arrays", network.graph.nodes().len());
    if rest.iter().any(|word| word == "--list") {
        for node in network.graph.nodes() {
            let said = format!("{:?}", node.op);
            println!("  {:.150} {:?}", said, node.inputs);
        }
    }
    let backend =
        if rest.iter().any(|word| word == "cpu-plain") { Backend::candle_cpu() } else { Backend::default() };
    let plain = Normaliser::new([0.0; 3], [1.0; 3])?;
    let frozen = Frozen::of_graph(&backend, &network.graph, network.classes, plain, &network.weights)?;
    let begun = Instant::now();
    let found = frozen.input_gradient(images, &labels)?;
    println!("{:.3} s, loss {:.6}", begun.elapsed().as_secs_f64(), found.loss);
    let written = HashMap::from([("logits", found.logits), ("gradient", found.gradient)]);
    safetensors::save(&written, out)?;
    Ok(())
}
