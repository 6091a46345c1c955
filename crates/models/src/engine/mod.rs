//! Runs a graph forward and backward on the CPU, in the blocked layout of [`kernels::blocked`].
//!
//! Images are converted once on the way in and once on the way out. A pass keeps what its gradient needs and nothing
//! else: bits of ReLU for the gradient of the pixels, activations too for the gradient of the parameters. Buffers go
//! back to an arena and serve the next layer and the next step.

mod backward;
mod forward;
mod plan;

use std::{borrow::Cow, collections::BTreeMap};

use kernels::blocked::{Arena, Blocked, Convolution, ConvolutionShape, Dims, Mask, Path};

use crate::{Normaliser, graph::Graph};
use plan::{Plan, Slot};

pub(crate) use forward::Tape;

/// Where batch-norm takes its statistics from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// From the batch.
    Train,
    /// From the running statistics.
    Evaluate,
}

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Logits only.
    Evaluation,
    /// The gradient of the pixels.
    Pixels,
    /// The gradients of the parameters.
    Parameters,
}

/// Values by PyTorch's names, borrowed for a pass.
pub(crate) type Weights<'a> = BTreeMap<&'a str, &'a [f32]>;

/// A network as it runs: its steps, its buffers, and its weights packed for the convolutions.
#[derive(Debug)]
pub(crate) struct Engine {
    plan: Plan,
    arena: Arena,
    path: Path,
    normaliser: Normaliser,
}

/// A pass over a network: with which weights, and what for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) weights: &'a Weights<'a>,
    pub(crate) packed: &'a Packed,
    pub(crate) mode: Mode,
    pub(crate) purpose: Purpose,
}

impl Pass<'_> {
    fn weight(&self, module: &str, name: &str) -> &[f32] {
        self.weights[format!("{module}.{name}").as_str()]
    }
}

/// The convolutions of a network with their weights packed, by slot.
pub(crate) type Packed = BTreeMap<Slot, Convolution>;

/// What a value is.
#[derive(Debug)]
enum Value {
    /// Planes of activations.
    Planes(Blocked),
    /// A row of features an image.
    Rows(Vec<f32>),
}

impl Engine {
    /// An engine for a graph.
    pub(crate) fn new(graph: &Graph, normaliser: Normaliser) -> Self {
        Self { plan: Plan::new(graph), arena: Arena::default(), path: Path::current(), normaliser }
    }

    /// Packs the weights of all convolutions; with those of the input gradient if the pass goes backward.
    pub(crate) fn pack(&self, weights: &Weights<'_>, purpose: Purpose) -> Packed {
        let pack = |(out, x, module, shape): Packable<'_>| {
            let backward =
                purpose == Purpose::Pixels || purpose == Purpose::Parameters && !self.reads_pixels(x);
            (out, Convolution::new(&filter(weights, module, shape), shape, backward, self.path))
        };
        self.convolutions().map(pack).collect()
    }

    /// Packs other weights of the network into the same memory.
    pub(crate) fn repack(&self, weights: &Weights<'_>, mut packed: Packed) -> Packed {
        for (out, _, module, shape) in self.convolutions().filter(|(.., module, _)| module.is_some()) {
            if let Some(convolution) = packed.get_mut(&out) {
                convolution.repack(&filter(weights, module, shape));
            }
        }
        packed
    }

    fn convolutions(&self) -> impl Iterator<Item = Packable<'_>> {
        self.plan.steps.iter().filter_map(|step| match &step.kind {
            plan::Kind::Convolution { x, module, shape } => Some((step.out, *x, module.as_deref(), *shape)),
            _ => None,
        })
    }

    /// Whether a slot holds the normalised pixels, whose gradient training does not need.
    fn reads_pixels(&self, slot: Slot) -> bool {
        self.plan.steps.iter().any(|step| step.out == slot && matches!(step.kind, plan::Kind::Normalise))
    }
}

/// A convolution's slot, the slot that it reads, its module if it has weights of its own, and its shape.
type Packable<'a> = (Slot, Slot, Option<&'a str>, ConvolutionShape);

fn filter<'a>(weights: &Weights<'a>, module: Option<&str>, shape: ConvolutionShape) -> Cow<'a, [f32]> {
    match module {
        Some(module) => Cow::Borrowed(weights[format!("{module}.weight").as_str()]),
        None => Cow::Owned(identity_weights(shape)),
    }
}

/// What ReLU let through and which scale batch-norm applied: what the backward pass of a step needs besides values.
#[derive(Debug)]
struct Norm {
    mean: Vec<f32>,
    /// 1 / √(variance + ε).
    inverse_std: Vec<f32>,
    scale: Vec<f32>,
    mask: Option<Mask>,
}

/// 1×1 weights that copy channel c to channel c + margin.
fn identity_weights(shape: ConvolutionShape) -> Vec<f32> {
    let margin = (shape.outputs - shape.inputs) / 2;
    let mut weights = vec![0.0; shape.outputs * shape.inputs];
    (0..shape.inputs).for_each(|c| weights[(c + margin) * shape.inputs + c] = 1.0);
    weights
}

/// The pixels of a batch, (N, 3, H, W) in [0, 1], and their size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pixels<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) dims: Dims,
}
