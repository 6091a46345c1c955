//! How long each step of a network takes: where the time goes.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use kernels::blocked::Dims;

use crate::{
    graph::TokenOp,
    plan::{Kind, Step},
};

/// Which way a step is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Values.
    Forward,
    /// Gradients.
    Backward,
}

/// What one step has taken, of all passes together.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTime {
    /// Which way it was run.
    pub direction: Direction,
    /// What it computes, with PyTorch's name of its module where it has one.
    pub step: String,
    /// Channels, rows and columns of what it computes.
    pub size: [usize; 3],
    /// How often it was run.
    pub runs: usize,
    /// Products and sums of one run, by the definition; of convolutions and attention alone.
    pub operations: u64,
    /// Bytes of what one run reads and writes at least: values and gradients, not weights.
    pub bytes: u64,
    /// All runs together.
    pub time: Duration,
}

/// Adds up the time of each step of the passes of a classifier on the CPU engine.
///
/// ```
/// # use std::sync::Arc;
/// # use candle_core::{Device, Tensor};
/// # use models::{Architecture, Classifier, Normaliser, Stopwatch};
/// # let resnet: Architecture = "resnet20".parse()?;
/// # let zeros = |(name, shape): (&String, &Vec<usize>)| {
/// #     Ok((name.clone(), Tensor::zeros(shape.as_slice(), candle_core::DType::F32, &Device::Cpu)?))
/// # };
/// # let weights = resnet.graph(10).shapes().iter().map(zeros).collect::<candle_core::Result<_>>()?;
/// # let network = Classifier::new(resnet, 10, Normaliser::CIFAR10, &weights)?;
/// let stopwatch = Arc::new(Stopwatch::default());
/// network.time_steps(&stopwatch);
/// network.freeze()?.input_gradient(&Tensor::zeros((2, 3, 32, 32), candle_core::DType::F32, &Device::Cpu)?, &[3, 7])?;
/// let first = &stopwatch.times()[1];
/// assert_eq!((first.step.as_str(), first.size), ("conv1: 3×3 convolution of 3", [16, 32, 32]));
/// // A product and a sum for each of 27 weights of 16 channels of 2 · 1024 pixels.
/// assert_eq!(first.operations, 2 * 27 * 16 * 2048);
/// # Ok::<(), models::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Stopwatch {
    times: Mutex<BTreeMap<(Direction, usize), StepTime>>,
}

impl Stopwatch {
    /// What each step has taken so far: first the steps forward, in their order, then those backward.
    pub fn times(&self) -> Vec<StepTime> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn add(&self, direction: Direction, step: &Step, ran: Ran) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let time = times.entry((direction, step.out)).or_insert_with(|| ran.first(direction, step));
        time.runs += 1;
        time.time += ran.since.elapsed();
    }
}

/// One run of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) since: Instant,
    /// What it read, and what it computed.
    pub(crate) from: Dims,
    pub(crate) to: Dims,
    /// How many gradients a backward step computes: of weights, of what was read.
    pub(crate) gradients: u64,
}

impl Ran {
    fn first(self, direction: Direction, step: &Step) -> StepTime {
        let Self { from, to, .. } = self;
        let values = |dims: Dims| (dims.images * dims.channels * dims.pixels()) as u64;
        let times = if direction == Direction::Backward { self.gradients } else { 1 };
        StepTime {
            direction,
            step: words(&step.kind),
            size: [to.channels, to.height, to.width],
            runs: 0,
            operations: times * operations(&step.kind, self),
            bytes: times * 4 * (values(from) + values(to)),
            time: Duration::ZERO,
        }
    }
}

/// Products and sums of a step forward.
fn operations(kind: &Kind, Ran { to, from, .. }: Ran) -> u64 {
    let count = match kind {
        Kind::Convolution { module: Some(_), shape, .. } => to.images * to.pixels() * shape.weights(),
        Kind::Tokens { op: TokenOp::Attention(attention), .. } => {
            let groups = attention.partition.groups([from.height, from.width]);
            let attended = groups.map_or(0, |groups| groups[0].tokens.len());
            2 * to.images * to.channels * to.pixels() * attended
        }
        _ => 0,
    };
    2 * count as u64
}

/// What a step computes, in words.
fn words(kind: &Kind) -> String {
    match kind {
        Kind::Convolution { module: Some(module), shape, .. } => {
            let ([rows, columns], stride) = (shape.kernel, shape.stride);
            let stride = if stride == 1 { String::new() } else { format!(" every {stride} pixels") };
            let groups =
                if shape.groups == 1 { String::new() } else { format!(" in {} groups", shape.groups) };
            format!("{module}: {rows}×{columns} convolution of {}{stride}{groups}", shape.inputs)
        }
        Kind::BatchNorm { norm, .. } => format!("{}: batch-norm", norm.module),
        Kind::Nonlinear { function, .. } => format!("{function:?}"),
        Kind::Tokens { op, .. } => variant(op),
        other => variant(other),
    }
}

/// The name of a variant, and of its module if that comes first.
fn variant(of: &impl Debug) -> String {
    let text = format!("{of:?}");
    let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    text[..end].to_owned()
}
