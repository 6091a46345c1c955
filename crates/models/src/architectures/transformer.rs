//! What transformers share: the perceptron of each token, and residual sums that training sometimes skips.

use kernels::{Activation, Nonlinearity::Gelu, blocked::ConvolutionShape};

use crate::graph::{GraphBuilder, Value};

/// To `hidden` channels, GELU, and back: each pixel by itself. The layers are linear ones, or 1×1 convolutions, which are the same with
/// weights of another shape.
pub(super) fn perceptron(
    g: &mut GraphBuilder,
    x: Value,
    modules: [&str; 2],
    hidden: usize,
    convolutions: bool,
) -> Value {
    let out = g.channels(x);
    let x = layer(g, x, modules[0], hidden, convolutions);
    let x = g.nonlinear(x, Gelu);
    layer(g, x, modules[1], out, convolutions)
}

/// A layer of a perceptron.
pub(super) fn layer(g: &mut GraphBuilder, x: Value, module: &str, out: usize, is_convolution: bool) -> Value {
    if !is_convolution {
        return g.linear_of_pixels(x, module, out, true);
    }
    let shape = ConvolutionShape::same([g.channels(x), out], 1, 1);
    g.convolution(x, module, shape, true, Activation::None)
}

/// A branch of a block plus what the block read; training skips the branch for this share of the images.
pub(super) fn residual(g: &mut GraphBuilder, branch: Value, x: Value, skipped: f64) -> Value {
    let branch = if skipped > 0.0 { g.stochastic_depth(branch, skipped as f32) } else { branch };
    g.add(branch, x, Activation::None)
}

/// How often block `index` of `count` is skipped: from never to `most`, in equal steps.
pub(super) fn skipped(most: f64, index: usize, count: usize) -> f64 {
    if count > 1 { most * index as f64 / (count - 1) as f64 } else { 0.0 }
}
