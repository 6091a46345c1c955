//! What transformers share: the perceptron of each token, and residual sums that training sometimes skips.

use kernels::Nonlinearity::Gelu;

use crate::graph::{GraphBuilder, Value};

/// To `hidden` channels, GELU, and back: each pixel by itself.
pub(super) fn perceptron(g: &mut GraphBuilder, x: Value, modules: [&str; 2], hidden: usize) -> Value {
    let out = g.channels(x);
    let x = g.linear_of_pixels(x, modules[0], hidden, true);
    let x = g.nonlinear(x, Gelu);
    g.linear_of_pixels(x, modules[1], out, true)
}

/// A branch of a block plus what the block read; training skips the branch for this share of the images.
pub(super) fn residual(g: &mut GraphBuilder, branch: Value, x: Value, skipped: f64) -> Value {
    let branch = if skipped > 0.0 { g.stochastic_depth(branch, skipped as f32) } else { branch };
    g.add(branch, x, kernels::Activation::None)
}

/// How often block `index` of `count` is skipped: from never to `most`, in equal steps.
pub(super) fn skipped(most: f64, index: usize, count: usize) -> f64 {
    if count > 1 { most * index as f64 / (count - 1) as f64 } else { 0.0 }
}
