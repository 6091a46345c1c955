//! A network as candle's tensors run it.

use std::collections::BTreeMap;

use candle_core::{Device, Result, Tensor};
use kernels::{
    blocked::ConvolutionShape,
    device::{Convolution, Precision, per_channel},
};

use super::shared::Shared;
use crate::{
    dropout::StepKey,
    graph::{Graph, parameter},
    normaliser::Normaliser,
    plan::{Kind, Mode, Plan, Plans, Purpose, Slot, Weights, filter},
};

/// Tensors by PyTorch's names.
pub(super) type Named = BTreeMap<String, Tensor>;

/// A network as it runs on a device.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) plans: Plans,
    pub(super) device: Device,
    precision: Precision,
    /// Mean and standard deviation per channel, (1, 3, 1, 1).
    pub(super) normaliser: [Tensor; 2],
}

/// A pass over a network: with which weights, and what for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) weights: &'a Named,
    pub(super) filters: &'a Filters,
    pub(super) mode: Mode,
    pub(super) purpose: Purpose,
    /// What decides which values dropout keeps.
    pub(super) key: StepKey,
    /// The share of the batch that this process has, if it has not all.
    pub(super) shared: Option<&'a Shared<'a>>,
}

impl Pass<'_> {
    pub(super) fn weight(&self, module: &str, name: &str) -> &Tensor {
        &self.weights[&parameter(module, name)]
    }

    /// Those that batch-norms have to ask for what they sum over the batch.
    pub(super) fn shares_statistics(&self) -> Option<&Shared<'_>> {
        self.shared.filter(|shared| !shared.share.has_own_statistics())
    }

    pub(super) fn wants_parameters(&self) -> bool {
        self.purpose == Purpose::Parameters
    }
}

/// The weights of each convolution as its step has them, (O, C / groups, kH, kW), and what is added to its channels, (1, O, 1, 1).
#[derive(Debug, Default)]
pub(super) struct Filters(pub(super) BTreeMap<Slot, (Tensor, Option<Tensor>)>);

impl Engine {
    pub(super) fn new(
        graph: &Graph,
        normaliser: Normaliser,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        let channels = |values: [f32; 3]| Tensor::new(&values, device)?.reshape((1, 3, 1, 1));
        let normaliser = [channels(normaliser.mean())?, channels(normaliser.std())?];
        Ok(Self { plans: Plans::new(graph), device: device.clone(), precision, normaliser })
    }

    pub(super) fn plan(&self, purpose: Purpose) -> &Plan {
        self.plans.plan_for(purpose)
    }

    /// The weights where they are, for the gradients of parameters.
    pub(super) fn filters(&self, weights: &Named) -> Result<Filters> {
        let mut filters = Filters::default();
        for step in &self.plan(Purpose::Parameters).steps {
            let Kind::Convolution { module, shape, epilogue, .. } = &step.kind else { continue };
            let filter = match module {
                Some(module) => {
                    let has_bias = epilogue.as_ref().is_some_and(|epilogue| epilogue.bias);
                    let bias = has_bias.then(|| &weights[&parameter(module, "bias")]);
                    let shift = bias.map(per_channel).transpose()?;
                    (weights[&parameter(module, "weight")].reshape(sizes(*shape))?, shift)
                }
                None => (self.upload(&filter(&Weights::new(), None, *shape, None).0, *shape)?, None),
            };
            filters.0.insert(step.out, filter);
        }
        Ok(filters)
    }

    /// The weights with the batch-norms in them, for passes that change nothing; they are folded on the host.
    pub(super) fn folded_filters(&self, weights: &Named) -> Result<Filters> {
        let values =
            |(name, tensor): (&String, &Tensor)| Ok((name.clone(), tensor.flatten_all()?.to_vec1::<f32>()?));
        let values: BTreeMap<String, Vec<f32>> = weights.iter().map(values).collect::<Result<_>>()?;
        let borrowed = values.iter().map(|(name, values)| (name.as_str(), values.as_slice())).collect();
        let mut filters = Filters::default();
        for step in &self.plan(Purpose::Pixels).steps {
            let Kind::Convolution { module, shape, epilogue, .. } = &step.kind else { continue };
            let (weight, shift) = filter(&borrowed, module.as_deref(), *shape, epilogue.as_ref());
            let has_shift = epilogue.as_ref().is_some_and(|epilogue| epilogue.has_shift());
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

    pub(super) fn convolution(&self, x: &[usize], shape: ConvolutionShape) -> Result<Convolution> {
        let x = x.try_into().map_err(|_| candle_core::Error::Msg(format!("images of {x:?}")))?;
        Convolution::new(x, shape, self.precision)
    }
}

/// Numbers of channels, for candle to gather by.
pub(super) fn indices(channels: &[usize], device: &Device) -> Result<Tensor> {
    let numbers: Vec<u32> = channels.iter().map(|&channel| channel as u32).collect();
    Tensor::new(numbers, device)
}

/// (O, C / groups, kH, kW).
fn sizes(shape: ConvolutionShape) -> (usize, usize, usize, usize) {
    let [rows, columns] = shape.kernel;
    (shape.outputs, shape.inputs / shape.groups, rows, columns)
}
