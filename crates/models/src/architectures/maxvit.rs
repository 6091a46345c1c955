//! MaxViT with torchvision's names (Tu et al. 2022): an inverted residual, attention within windows, then attention over a grid.

use kernels::{
    Activation,
    Nonlinearity::{Gelu, Sigmoid, Silu, Tanh},
    Partition, Pool2d,
    blocked::ConvolutionShape,
};

use super::{
    mobile::{Layer, Then, block, squeeze_excite},
    transformer::{perceptron, residual, skipped},
};
use crate::graph::{BiasNumbers, Graph, GraphBuilder, NormSettings, RelativeBias, SelfAttention, Value};

const EPSILON: f64 = 1e-5;
const GELU: Then = Then::Function(Gelu);
/// Of a window, and of the grid.
const SIDE: usize = 7;
const HEAD: usize = 32;
const DEPTHS: [usize; 4] = [2, 2, 5, 2];
const CHANNELS: [usize; 4] = [64, 128, 256, 512];

/// MaxViT-T.
pub(crate) fn tiny(classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    g.set_norms(NormSettings { epsilon: 1e-3, momentum: 0.01 });
    let x = block(&mut g, images, "stem.0", Layer::full(64, 3, 2), GELU);
    let shape = ConvolutionShape::same([64, 64], 3, 1);
    let mut x = g.convolution(x, "stem.1.0", shape, true, Activation::None);
    let (mut index, count) = (0, DEPTHS.iter().sum());
    for (stage, depth) in DEPTHS.into_iter().enumerate() {
        for place in 0..depth {
            let name = format!("blocks.{stage}.layers.{place}.layers");
            let (stride, skipped) = (if place == 0 { 2 } else { 1 }, skipped(0.2, index, count));
            x = inverted(&mut g, x, &format!("{name}.MBconv"), [CHANNELS[stage], stride], skipped);
            let size = [SIDE; 2];
            let windows = Partition::Windows { size, shift: [0; 2] };
            x = attend(&mut g, x, &format!("{name}.window_attention"), windows, skipped);
            x = attend(&mut g, x, &format!("{name}.grid_attention"), Partition::Grid { size }, skipped);
            index += 1;
        }
    }
    let x = g.global_avg_pool(x);
    let x = g.layer_norm(x, "classifier.2", EPSILON);
    let channels = g.channels(x);
    let x = g.linear_of_pixels(x, "classifier.3", channels, true);
    let latent = g.nonlinear(x, Tanh);
    let logits = g.linear_of_pixels(latent, "classifier.5", classes, false);
    g.finish(latent, logits)
}

/// An inverted residual with batch-norm before all, and squeeze-and-excitation.
fn inverted(g: &mut GraphBuilder, x: Value, name: &str, [out, stride]: [usize; 2], skipped: f64) -> Value {
    let y = g.batch_norm(x, &format!("{name}.layers.pre_norm"), Activation::None);
    let y = block(g, y, &format!("{name}.layers.conv_a"), Layer::pointwise(4 * out), GELU);
    let y = block(g, y, &format!("{name}.layers.conv_b"), Layer::depthwise(4 * out, 3, stride), GELU);
    let gates = [Then::Function(Silu), Then::Function(Sigmoid)];
    let y = squeeze_excite(g, y, &format!("{name}.layers.squeeze_excitation"), out / 4, gates);
    let shape = ConvolutionShape::same([4 * out, out], 1, 1);
    let y = g.convolution(y, &format!("{name}.layers.conv_c"), shape, true, Activation::None);
    let mut shortcut = x;
    if stride > 1 {
        let shape = ConvolutionShape::same([g.channels(x), out], 1, 1);
        shortcut = g.avg_pool(x, Pool2d { padding: 1, ..Pool2d::new(3, 2) });
        shortcut = g.convolution(shortcut, &format!("{name}.proj.1"), shape, true, Activation::None);
    }
    residual(g, y, shortcut, skipped)
}

/// Attention within the groups of a partition, then the perceptron.
fn attend(g: &mut GraphBuilder, x: Value, name: &str, partition: Partition, skipped: f64) -> Value {
    let channels = g.channels(x);
    let y = g.layer_norm(x, &format!("{name}.attn_layer.0"), EPSILON);
    let y = g.linear_of_pixels(y, &format!("{name}.attn_layer.1.to_qkv"), 3 * channels, true);
    let attention = SelfAttention {
        heads: channels / HEAD,
        // As torchvision has it: of all channels, and not of a head's.
        scale: (channels as f32).sqrt().recip(),
        partition,
        bias: Some(RelativeBias {
            numbers: BiasNumbers::Table(format!("{name}.attn_layer.1.relative_position_bias_table")),
            window: [SIDE; 2],
        }),
        padding: None,
    };
    let y = g.attention(y, attention);
    let y = g.linear_of_pixels(y, &format!("{name}.attn_layer.1.merge"), channels, true);
    let x = residual(g, y, x, skipped);
    let y = g.layer_norm(x, &format!("{name}.mlp_layer.0"), EPSILON);
    let y = perceptron(
        g,
        y,
        [&format!("{name}.mlp_layer.1"), &format!("{name}.mlp_layer.3")],
        4 * channels,
        false,
    );
    residual(g, y, x, skipped)
}
