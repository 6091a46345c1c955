//! The passes, by the stride of the convolution.

use super::{
    super::{
        epilogue::Epilogue,
        parts::Portion,
        simd::{InstructionSet, Lane},
        tensor::{Arena, Blocked, Dims, Mask},
    },
    pass::{Forward, InputGradient},
    passes::convolve,
    scheme::Scheme,
    strided::Strided,
    unit::Unit,
    weight_gradient::{fold, sums},
    weights::Transformed,
};

/// (N, depth, H, W) → (N, rows, H', W'), finished if that is wanted.
pub(crate) fn forward(
    x: &Blocked,
    weights: &Transformed,
    to: Dims,
    epilogue: Option<Epilogue<'_>>,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Option<Mask>) {
    match weights.stride {
        1 => convolve::<Forward<Unit>>(x, weights, to, epilogue, instructions, arena),
        _ => convolve::<Forward<Strided>>(x, weights, to, epilogue, instructions, arena),
    }
}

/// (N, rows, H', W') → (N, depth, H, W).
pub(crate) fn input_gradient(
    g: &Blocked,
    weights: &Transformed,
    to: Dims,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    match weights.stride {
        1 => convolve::<InputGradient<Unit>>(g, weights, to, None, instructions, arena).0,
        _ => convolve::<InputGradient<Strided>>(g, weights, to, None, instructions, arena).0,
    }
}

/// The sums of the gradient of the weights over each part of a batch, or over all of it.
pub(crate) fn weight_sums(
    x: &Blocked,
    g: &Blocked,
    weights: &Transformed,
    piece: Portion<'_>,
    how: (InstructionSet, &Arena),
) -> Vec<Vec<Lane>> {
    match weights.stride {
        1 => sums::<Unit>(x, g, piece, weights.factors, how),
        _ => sums::<Strided>(x, g, piece, weights.factors, how),
    }
}

/// The gradient of the weights, (outputs, inputs, 3, 3), from the sums of all parts.
pub(crate) fn weights_of_sums(
    parts: &[&[Lane]],
    weights: &Transformed,
    [outputs, inputs]: [usize; 2],
    instructions: InstructionSet,
) -> Vec<f32> {
    match weights.stride {
        1 => fold(&Unit::G, parts, outputs, inputs, instructions),
        _ => fold(&Strided::G, parts, outputs, inputs, instructions),
    }
}
