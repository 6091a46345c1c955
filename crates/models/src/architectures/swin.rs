//! Swin transformers with torchvision's names (Liu et al. 2021): attention within windows, every other time shifted by half of one.

use kernels::{Activation, Partition, blocked::ConvolutionShape};

use super::transformer::{perceptron, residual, skipped};
use crate::graph::{Graph, GraphBuilder, RelativeBias, SelfAttention, Value};

const EPSILON: f64 = 1e-5;
const WINDOW: usize = 7;

/// A size: channels of the first stage (each later one has twice as many), blocks and heads of each stage, and how often the last
/// block is skipped in training.
#[derive(Debug, Clone, Copy)]
struct Size {
    channels: usize,
    depths: [usize; 4],
    heads: [usize; 4],
    skipped: f64,
}

/// Swin-T.
pub(crate) fn tiny(classes: usize) -> Graph {
    network(Size { channels: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], skipped: 0.2 }, classes)
}

/// Swin-S.
pub(crate) fn small(classes: usize) -> Graph {
    network(Size { channels: 96, depths: [2, 2, 18, 2], heads: [3, 6, 12, 24], skipped: 0.3 }, classes)
}

/// Swin-B.
pub(crate) fn base(classes: usize) -> Graph {
    network(Size { channels: 128, depths: [2, 2, 18, 2], heads: [4, 8, 16, 32], skipped: 0.5 }, classes)
}

fn network(size: Size, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let shape = ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([3, size.channels], 4, 4) };
    let x = g.convolution(images, "features.0.0", shape, true, Activation::None);
    let mut x = g.layer_norm(x, "features.0.2", EPSILON);
    let (mut index, count) = (0, size.depths.iter().sum());
    for (stage, depth) in size.depths.into_iter().enumerate() {
        if stage > 0 {
            x = merge(&mut g, x, &format!("features.{}", 2 * stage));
        }
        for place in 0..depth {
            let shift = if place % 2 == 1 { WINDOW / 2 } else { 0 };
            let (name, heads) = (format!("features.{}.{place}", 2 * stage + 1), size.heads[stage]);
            x = block(&mut g, x, &name, [heads, shift], skipped(size.skipped, index, count));
            index += 1;
        }
    }
    let x = g.layer_norm(x, "norm", EPSILON);
    let latent = g.global_avg_pool(x);
    g.head(latent, "head", classes)
}

/// Squares of four pixels to one of twice the channels.
fn merge(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let channels = g.channels(x);
    let x = g.merge_squares(x);
    let x = g.layer_norm(x, &format!("{name}.norm"), EPSILON);
    g.linear_of_pixels(x, &format!("{name}.reduction"), 2 * channels, false)
}

fn block(g: &mut GraphBuilder, x: Value, name: &str, [heads, shift]: [usize; 2], skipped: f64) -> Value {
    let channels = g.channels(x);
    let y = g.layer_norm(x, &format!("{name}.norm1"), EPSILON);
    let y = g.linear_of_pixels(y, &format!("{name}.attn.qkv"), 3 * channels, true);
    let attention = SelfAttention {
        heads,
        scale: ((channels / heads) as f32).sqrt().recip(),
        partition: Partition::Windows { size: [WINDOW; 2], shift: [shift; 2] },
        bias: Some(RelativeBias {
            table: format!("{name}.attn.relative_position_bias_table"),
            window: [WINDOW; 2],
        }),
    };
    let y = g.attention(y, attention);
    let y = g.linear_of_pixels(y, &format!("{name}.attn.proj"), channels, true);
    let x = residual(g, y, x, skipped);
    let y = g.layer_norm(x, &format!("{name}.norm2"), EPSILON);
    let y = perceptron(g, y, [&format!("{name}.mlp.0"), &format!("{name}.mlp.3")], 4 * channels, false);
    residual(g, y, x, skipped)
}
