//! Runs a network forward and backward with candle's tensors and the operations of [`kernels::device`], on the device that the
//! weights are on.
//!
//! The steps are those of the blocked engine's plan; here each value is a tensor (N, C, H, W). The backward pass is written out,
//! step by step: candle's autograd would keep every intermediate value and compute gradients that nobody asked for.

mod backward;
mod forward;
mod network;

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};
use kernels::{
    blocked::ConvolutionShape,
    device::{Convolution, Math},
};

use crate::{
    Normaliser,
    backend::{Mode, Purpose},
    engine::{
        filter, identity_weights,
        plan::{Kind, Plan, Slot},
    },
    graph::Graph,
};
pub(crate) use network::TensorNetwork;

/// Tensors by PyTorch's names.
type Named = BTreeMap<String, Tensor>;

/// A network as it runs on a device.
#[derive(Debug)]
struct TensorEngine {
    plan: Plan,
    /// The plan of passes that change nothing: batch-norm is part of the convolutions.
    folded: Plan,
    device: Device,
    math: Math,
    /// Mean and standard deviation per channel, (1, 3, 1, 1).
    normaliser: [Tensor; 2],
}

/// A pass over a network: with which weights, and what for.
#[derive(Debug, Clone, Copy)]
struct Pass<'a> {
    weights: &'a Named,
    filters: &'a Filters,
    mode: Mode,
    purpose: Purpose,
    /// What decides which values dropout keeps.
    key: u64,
}

impl Pass<'_> {
    fn weight(&self, module: &str, name: &str) -> &Tensor {
        &self.weights[&format!("{module}.{name}")]
    }
}

/// The weights of each convolution as its step has them, (O, C / groups, kH, kW), and what is added to its channels, (1, O, 1, 1).
#[derive(Debug, Default)]
struct Filters(BTreeMap<Slot, (Tensor, Option<Tensor>)>);

impl TensorEngine {
    fn new(graph: &Graph, normaliser: Normaliser, device: &Device, math: Math) -> Result<Self> {
        let channels = |values: [f32; 3]| Tensor::new(&values, device)?.reshape((1, 3, 1, 1));
        let normaliser = [channels(normaliser.mean())?, channels(normaliser.std())?];
        let plan = Plan::new(graph);
        let folded = plan.folded();
        Ok(Self { plan, folded, device: device.clone(), math, normaliser })
    }

    fn plan(&self, purpose: Purpose) -> &Plan {
        if purpose == Purpose::Parameters { &self.plan } else { &self.folded }
    }

    /// The weights where they are, for the gradients of parameters.
    fn filters(&self, weights: &Named) -> Result<Filters> {
        let mut filters = Filters::default();
        for step in &self.plan.steps {
            let Kind::Convolution { module, shape, tail, .. } = &step.kind else { continue };
            let filter = match module {
                Some(module) => {
                    let bias = tail.as_ref().filter(|tail| tail.bias).map(|_| format!("{module}.bias"));
                    let shift = bias.map(|name| kernels::device::per_channel(&weights[&name])).transpose()?;
                    (weights[&format!("{module}.weight")].reshape(sizes(*shape))?, shift)
                }
                None => (self.upload(&identity_weights(*shape), *shape)?, None),
            };
            filters.0.insert(step.out, filter);
        }
        Ok(filters)
    }

    /// The weights with the batch-norms in them, for passes that change nothing; they are folded on the host.
    fn folded_filters(&self, weights: &Named) -> Result<Filters> {
        let values =
            |(name, tensor): (&String, &Tensor)| Ok((name.clone(), tensor.flatten_all()?.to_vec1::<f32>()?));
        let values: BTreeMap<String, Vec<f32>> = weights.iter().map(values).collect::<Result<_>>()?;
        let borrowed = values.iter().map(|(name, values)| (name.as_str(), values.as_slice())).collect();
        let mut filters = Filters::default();
        for step in &self.folded.steps {
            let Kind::Convolution { module, shape, tail, .. } = &step.kind else { continue };
            let (weight, shift) = filter(&borrowed, module.as_deref(), *shape, tail.as_ref());
            let has_shift = tail.as_ref().is_some_and(|tail| tail.bias || tail.norm.is_some());
            let shift = shift
                .filter(|_| has_shift)
                .map(|shift| Tensor::from_vec(shift, (1, shape.outputs, 1, 1), &self.device));
            filters.0.insert(step.out, (self.upload(&weight, *shape)?, shift.transpose()?));
        }
        Ok(filters)
    }

    fn upload(&self, weight: &[f32], shape: ConvolutionShape) -> Result<Tensor> {
        Tensor::from_slice(weight, sizes(shape), &self.device)
    }

    fn convolution(&self, x: &[usize], shape: ConvolutionShape) -> Result<Convolution> {
        let x = x.try_into().map_err(|_| candle_core::Error::Msg(format!("images of {x:?}")))?;
        Convolution::new(x, shape, self.math)
    }

    /// Whether a slot holds the normalised pixels, whose gradient training does not need.
    fn reads_pixels(&self, slot: Slot) -> bool {
        self.plan.steps.iter().any(|step| step.out == slot && matches!(step.kind, Kind::Normalise))
    }
}

/// (O, C / groups, kH, kW).
fn sizes(shape: ConvolutionShape) -> (usize, usize, usize, usize) {
    let [rows, columns] = shape.kernel;
    (shape.outputs, shape.inputs / shape.groups, rows, columns)
}
