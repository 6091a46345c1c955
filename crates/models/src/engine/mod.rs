//! Runs a graph forward and backward on the CPU, in the blocked layout of [`kernels::blocked`].
//!
//! Images are converted once on the way in and once on the way out. A pass keeps what its gradient needs and nothing
//! else: bits of ReLU for the gradient of the pixels, activations too for the gradient of the parameters. Buffers go
//! back to an arena and serve the next layer and the next step.

mod backward;
mod forward;
mod network;
pub(crate) mod plan;

use std::{borrow::Cow, collections::BTreeMap};

use kernels::{
    Math,
    blocked::{Arena, Convolution, ConvolutionShape, Dims, Mask, Path},
};

use crate::{
    Normaliser,
    backend::{EPSILON, Mode, Purpose},
    graph::Graph,
};
use plan::{Kind, Plan, Slot, Tail};

use forward::Tape;
pub(crate) use network::BlockedNetwork;

/// Values by PyTorch's names, borrowed for a pass.
pub(crate) type Weights<'a> = BTreeMap<&'a str, &'a [f32]>;

/// A network as it runs: its steps, its buffers, and its weights packed for the convolutions.
#[derive(Debug)]
pub(crate) struct Engine {
    plan: Plan,
    /// The plan of passes that change nothing: batch-norm is part of the convolutions.
    folded: Plan,
    arena: Arena,
    path: Path,
    math: Math,
    normaliser: Normaliser,
}

/// A pass over a network: with which weights, and what for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) weights: &'a Weights<'a>,
    pub(crate) packed: &'a Packed,
    pub(crate) mode: Mode,
    pub(crate) purpose: Purpose,
    /// What decides which values dropout keeps.
    pub(crate) key: u64,
}

impl Pass<'_> {
    fn weight(&self, module: &str, name: &str) -> &[f32] {
        self.weights[format!("{module}.{name}").as_str()]
    }
}

/// The convolutions of a network with their weights packed, by slot, and what is added to the results of those with a tail.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    convolutions: BTreeMap<Slot, Convolution>,
    shifts: BTreeMap<Slot, Vec<f32>>,
}

impl Engine {
    /// An engine for a graph.
    pub(crate) fn new(graph: &Graph, normaliser: Normaliser, math: Math) -> Self {
        let plan = Plan::new(graph);
        let folded = plan.folded();
        Self { plan, folded, arena: Arena::default(), path: Path::current(), math, normaliser }
    }

    /// The steps of a pass: only where no parameter's gradient is wanted is batch-norm part of the convolutions.
    fn plan(&self, purpose: Purpose) -> &Plan {
        if purpose == Purpose::Parameters { &self.plan } else { &self.folded }
    }

    /// Packs the weights of all convolutions; with those of the input gradient if the pass goes backward.
    pub(crate) fn pack(&self, weights: &Weights<'_>, purpose: Purpose, mode: Mode) -> Packed {
        let mut packed = Packed::default();
        for step in &self.plan(purpose).steps {
            let Kind::Convolution { x, module, shape, tail } = &step.kind else { continue };
            let (weight, shift) = filter(weights, module.as_deref(), *shape, tail.as_ref());
            let backward =
                purpose == Purpose::Pixels || purpose == Purpose::Parameters && !self.reads_pixels(*x);
            let pack = match mode {
                Mode::Train => Convolution::for_training,
                Mode::Evaluate => Convolution::with,
            };
            let convolution = pack(self.math, &weight, *shape, backward, self.path);
            packed.convolutions.insert(step.out, convolution);
            packed.shifts.extend(shift.map(|shift| (step.out, shift)));
        }
        packed
    }

    /// Packs other weights of the network, for the gradients of its parameters, into the same memory.
    pub(crate) fn repack(&self, weights: &Weights<'_>, mut packed: Packed) -> Packed {
        for step in &self.plan.steps {
            if let Kind::Convolution { module: Some(module), shape, tail, .. } = &step.kind
                && let Some(convolution) = packed.convolutions.get_mut(&step.out)
            {
                let (weight, shift) = filter(weights, Some(module), *shape, tail.as_ref());
                convolution.repack(&weight);
                packed.shifts.extend(shift.map(|shift| (step.out, shift)));
            }
        }
        packed
    }

    /// Whether the network's windows fit on images of this many rows and columns.
    pub(crate) fn fits(&self, size: [usize; 2]) -> bool {
        self.plan.fits(size)
    }

    /// Whether a slot holds the normalised pixels, whose gradient training does not need.
    fn reads_pixels(&self, slot: Slot) -> bool {
        self.plan.steps.iter().any(|step| step.out == slot && matches!(step.kind, Kind::Normalise))
    }
}

/// The weights of a convolution as its tail has them, and what the tail adds to each channel.
pub(crate) fn filter<'a>(
    weights: &Weights<'a>,
    module: Option<&str>,
    shape: ConvolutionShape,
    tail: Option<&Tail>,
) -> (Cow<'a, [f32]>, Option<Vec<f32>>) {
    let Some(module) = module else { return (Cow::Owned(identity_weights(shape)), None) };
    let weight = weights[format!("{module}.weight").as_str()];
    let Some(tail) = tail else { return (Cow::Borrowed(weight), None) };
    let bias = tail.bias.then_some(module);
    if let Some(norm) = &tail.norm {
        let mut norm = Affine::of(weights, norm);
        norm.take_in(weights, bias);
        return (Cow::Owned(norm.fold(weight)), Some(norm.shift));
    }
    let shift =
        bias.map_or(vec![0.0; shape.outputs], |module| weights[format!("{module}.bias").as_str()].to_vec());
    (Cow::Borrowed(weight), Some(shift))
}

/// Batch-norm with the running statistics: x · scale + shift per channel.
struct Affine {
    scale: Vec<f64>,
    shift: Vec<f32>,
}

impl Affine {
    fn of(weights: &Weights<'_>, norm: &str) -> Self {
        let values = |name: &str| {
            let values = weights[format!("{norm}.{name}").as_str()];
            values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>()
        };
        let (gamma, beta) = (values("weight"), values("bias"));
        let (mean, variance) = (values("running_mean"), values("running_var"));
        let scale: Vec<f64> = gamma
            .iter()
            .zip(&variance)
            .map(|(gamma, variance)| gamma / (variance + EPSILON).sqrt())
            .collect();
        let shift = (0..scale.len()).map(|c| (beta[c] - mean[c] * scale[c]) as f32).collect();
        Self { scale, shift }
    }

    /// Adds what a convolution's bias comes to.
    fn take_in(&mut self, weights: &Weights<'_>, bias: Option<&str>) {
        let Some(bias) = bias else { return };
        let bias = weights[format!("{bias}.bias").as_str()];
        for ((shift, scale), &bias) in self.shift.iter_mut().zip(&self.scale).zip(bias) {
            *shift = (f64::from(*shift) + scale * f64::from(bias)) as f32;
        }
    }

    /// Filters, (channels, …), with the scale of their channel.
    fn fold(&self, weight: &[f32]) -> Vec<f32> {
        let filters = weight.chunks(weight.len() / self.scale.len());
        let scaled = |(filter, scale): (&[f32], &f64)| -> Vec<f32> {
            filter.iter().map(|&value| (f64::from(value) * scale) as f32).collect()
        };
        filters.zip(&self.scale).flat_map(scaled).collect()
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
pub(crate) fn identity_weights(shape: ConvolutionShape) -> Vec<f32> {
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
