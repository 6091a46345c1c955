//! The passes, by the stride of the convolution.

use super::{
    super::{
        epilogue::Epilogue,
        simd::InstructionSet,
        tensor::{Arena, Blocked, Dims, Mask},
    },
    pass::{Forward, InputGradient},
    passes::convolve,
    strided::Strided,
    unit::Unit,
    weight_gradient::weight_gradient as of_weights,
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

/// The gradient of the weights, (channels of g, channels of x, 3, 3).
pub(crate) fn weight_gradient(
    x: &Blocked,
    g: &Blocked,
    weights: &Transformed,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<f32> {
    match weights.stride {
        1 => of_weights::<Unit>(x, g, weights.factors, instructions, arena),
        _ => of_weights::<Strided>(x, g, weights.factors, instructions, arena),
    }
}
