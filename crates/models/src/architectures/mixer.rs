//! MLP-Mixer with timm's names (Tolstikhin et al. 2021): perceptrons over the patches of a channel and over the channels of a patch, in
//! turn.

use kernels::{Activation, blocked::ConvolutionShape};

use super::transformer::{perceptron, residual};
use crate::graph::{Graph, GraphBuilder, Value};

const EPSILON: f64 = 1e-6;
/// Pixels of a side.
const IMAGE: usize = 224;

/// Mixer-S with patches of this side.
pub(crate) fn small<const PATCH: usize>(classes: usize) -> Graph {
    network(PATCH, 8, 512, classes)
}

/// Mixer-B with patches of this side.
pub(crate) fn base<const PATCH: usize>(classes: usize) -> Graph {
    network(PATCH, 12, 768, classes)
}

fn network(patch: usize, depth: usize, channels: usize, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let shape = ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([3, channels], patch, patch) };
    let x = g.convolution(images, "stem.proj", shape, true, Activation::None);
    let patches = (IMAGE / patch).pow(2);
    // Patches in a column, as those that come back from channels are.
    let x = g.swap(x, patches);
    let mut x = g.swap(x, channels);
    for index in 0..depth {
        x = block(&mut g, x, &format!("blocks.{index}"), patches);
    }
    let x = g.layer_norm(x, "norm", EPSILON);
    let latent = g.global_avg_pool(x);
    g.head(latent, "head", classes)
}

fn block(g: &mut GraphBuilder, x: Value, name: &str, patches: usize) -> Value {
    let channels = g.channels(x);
    let layers = |kind: &str| [1, 2].map(|layer| format!("{name}.mlp_{kind}.fc{layer}"));
    let [of_tokens, of_channels] = ["tokens", "channels"].map(layers);
    let y = g.layer_norm(x, &format!("{name}.norm1"), EPSILON);
    let y = g.swap(y, patches);
    let y = perceptron(g, y, of_tokens.each_ref().map(String::as_str), channels / 2, false);
    let y = g.swap(y, channels);
    let x = residual(g, y, x, 0.0);
    let y = g.layer_norm(x, &format!("{name}.norm2"), EPSILON);
    let y = perceptron(g, y, of_channels.each_ref().map(String::as_str), 4 * channels, false);
    residual(g, y, x, 0.0)
}
