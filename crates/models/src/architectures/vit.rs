//! Vision transformers with torchvision's names (Dosovitskiy et al. 2021), for images of 224×224 pixels.

use kernels::{Activation, Partition, blocked::ConvolutionShape};

use super::transformer::{perceptron, residual};
use crate::graph::{Graph, GraphBuilder, SelfAttention, Value};

const EPSILON: f64 = 1e-6;
const SIDE: usize = 224;

/// A size: the side of a patch, blocks, heads, and channels; perceptrons are four times as wide inside.
#[derive(Debug, Clone, Copy)]
struct Size {
    patch: usize,
    depth: usize,
    heads: usize,
    channels: usize,
}

/// ViT-B with patches of this side.
pub(crate) fn base<const PATCH: usize>(classes: usize) -> Graph {
    network(Size { patch: PATCH, depth: 12, heads: 12, channels: 768 }, classes)
}

/// ViT-L with patches of this side.
pub(crate) fn large<const PATCH: usize>(classes: usize) -> Graph {
    network(Size { patch: PATCH, depth: 24, heads: 16, channels: 1024 }, classes)
}

/// ViT-H with patches of 14 pixels.
pub(crate) fn huge(classes: usize) -> Graph {
    network(Size { patch: 14, depth: 32, heads: 16, channels: 1280 }, classes)
}

fn network(size: Size, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let shape = ConvolutionShape {
        padding: [0; 2],
        ..ConvolutionShape::same([3, size.channels], size.patch, size.patch)
    };
    let x = g.convolution(images, "conv_proj", shape, true, Activation::None);
    let x = g.prepend_tokens(x, "class_token", 1);
    let patches = SIDE / size.patch;
    let mut x = g.add_positions(x, "encoder.pos_embedding", patches * patches + 1);
    for index in 0..size.depth {
        x = block(&mut g, x, &format!("encoder.layers.encoder_layer_{index}"), size.heads);
    }
    let x = g.layer_norm(x, "encoder.ln", EPSILON);
    let latent = g.pixel(x, 0);
    g.head(latent, "heads.head", classes)
}

fn block(g: &mut GraphBuilder, x: Value, name: &str, heads: usize) -> Value {
    let channels = g.channels(x);
    let y = g.layer_norm(x, &format!("{name}.ln_1"), EPSILON);
    let y = g.linear_of_pixels(y, &format!("{name}.self_attention.in_proj_"), 3 * channels, true);
    let scale = ((channels / heads) as f32).sqrt().recip();
    let y = g.attention(y, SelfAttention { heads, scale, partition: Partition::Whole, bias: None });
    let y = g.linear_of_pixels(y, &format!("{name}.self_attention.out_proj"), channels, true);
    let x = residual(g, y, x, 0.0);
    let y = g.layer_norm(x, &format!("{name}.ln_2"), EPSILON);
    let y = perceptron(g, y, [&format!("{name}.mlp.0"), &format!("{name}.mlp.3")], 4 * channels);
    residual(g, y, x, 0.0)
}
