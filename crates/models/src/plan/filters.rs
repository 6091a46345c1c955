//! The weights of a plan's convolutions: as they are, or with a batch-norm in them.

use std::borrow::Cow;

use kernels::blocked::ConvolutionShape;

use super::{
    norms::{Affine, Weights},
    step::Epilogue,
};
use crate::graph::parameter;

/// The weights of a convolution as its epilogue has them, (O, C / groups, kH, kW), and what the epilogue adds to each channel.
pub(crate) fn filter<'a>(
    weights: &Weights<'a>,
    module: Option<&str>,
    shape: ConvolutionShape,
    epilogue: Option<&Epilogue>,
) -> (Cow<'a, [f32]>, Option<Vec<f32>>) {
    let Some(module) = module else { return (Cow::Owned(identity(shape)), None) };
    let weight = weights[parameter(module, "weight").as_str()];
    let Some(epilogue) = epilogue else { return (Cow::Borrowed(weight), None) };
    let bias = epilogue.bias.then_some(module);
    if let Some(norm) = &epilogue.norm {
        let mut norm = Affine::from_weights(weights, norm);
        norm.take_in(weights, bias);
        return (Cow::Owned(norm.fold(weight)), Some(norm.shift));
    }
    let shift =
        bias.map_or(vec![0.0; shape.outputs], |module| weights[parameter(module, "bias").as_str()].to_vec());
    (Cow::Borrowed(weight), Some(shift))
}

/// 1×1 weights that copy channel c to channel c + margin.
fn identity(shape: ConvolutionShape) -> Vec<f32> {
    let margin = (shape.outputs - shape.inputs) / 2;
    let mut weights = vec![0.0; shape.outputs * shape.inputs];
    (0..shape.inputs).for_each(|c| weights[(c + margin) * shape.inputs + c] = 1.0);
    weights
}
