//! Swin transformers with torchvision's names (Liu et al. 2021): attention within windows, every other time shifted by half of one. And
//! their second version (Liu et al. 2022): attention by cosines, what distance adds from a perceptron, norms behind the branches; with
//! torchvision's names, and timm's of larger windows.

use kernels::{Activation, Partition, blocked::ConvolutionShape};

use super::transformer::{perceptron, residual, skipped};
use crate::graph::{BiasNumbers, Graph, GraphBuilder, RelativeBias, SelfAttention, Shift, Value};

const EPSILON: f64 = 1e-5;
/// Values between the layers of the perceptron of distances.
const HIDDEN: usize = 512;

/// A size: channels of the first stage (each later one has twice as many), blocks and heads of each stage, and how often the last
/// block is skipped in training.
#[derive(Debug, Clone, Copy)]
struct Size {
    channels: usize,
    depths: [usize; 4],
    heads: [usize; 4],
    skipped: f64,
}

const TINY: Size = Size { channels: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24], skipped: 0.2 };
const SMALL: Size = Size { depths: [2, 2, 18, 2], skipped: 0.3, ..TINY };
const BASE: Size = Size { channels: 128, depths: [2, 2, 18, 2], heads: [4, 8, 16, 32], skipped: 0.5 };

/// What tells the versions apart.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// The second version.
    is_second: bool,
    /// Sides of the windows of each stage.
    windows: [usize; 4],
    /// Whether queries and values have a bias of their own each, as timm has it, and not one with the keys, whose part is not used.
    separate: bool,
    names: Names,
}

/// What the modules are called.
#[derive(Debug, Clone, Copy)]
struct Names {
    /// The first convolution and its norm.
    stem: [&'static str; 2],
    /// What lies before a later stage.
    between: fn(usize) -> String,
    /// A block of a stage.
    block: fn(usize, usize) -> String,
    /// The layers of a block's perceptron.
    perceptron: [&'static str; 2],
    head: &'static str,
}

const TORCHVISION: Names = Names {
    stem: ["features.0.0", "features.0.2"],
    between: |stage| format!("features.{}", 2 * stage),
    block: |stage, place| format!("features.{}.{place}", 2 * stage + 1),
    perceptron: ["mlp.0", "mlp.3"],
    head: "head",
};

const TIMM: Names = Names {
    stem: ["patch_embed.proj", "patch_embed.norm"],
    between: |stage| format!("layers.{stage}.downsample"),
    block: |stage, place| format!("layers.{stage}.blocks.{place}"),
    perceptron: ["mlp.fc1", "mlp.fc2"],
    head: "head.fc",
};

const FIRST: Form = Form { is_second: false, windows: [7; 4], separate: false, names: TORCHVISION };
const SECOND: Form = Form { is_second: true, windows: [8; 4], ..FIRST };
/// For images of 256 pixels, whose last planes are half a window wide.
const LARGE_WINDOWS: Form = Form { windows: [16, 16, 16, 8], separate: true, names: TIMM, is_second: true };

/// Swin-T.
pub(crate) fn tiny(classes: usize) -> Graph {
    network(TINY, FIRST, classes)
}

/// Swin-S.
pub(crate) fn small(classes: usize) -> Graph {
    network(SMALL, FIRST, classes)
}

/// Swin-B.
pub(crate) fn base(classes: usize) -> Graph {
    network(BASE, FIRST, classes)
}

/// Swin v2-T.
pub(crate) fn tiny_v2(classes: usize) -> Graph {
    network(TINY, SECOND, classes)
}

/// Swin v2-S.
pub(crate) fn small_v2(classes: usize) -> Graph {
    network(SMALL, SECOND, classes)
}

/// Swin v2-B.
pub(crate) fn base_v2(classes: usize) -> Graph {
    network(BASE, SECOND, classes)
}

/// timm's Swin v2-T with windows of 16 pixels.
pub(crate) fn tiny_window16(classes: usize) -> Graph {
    network(Size { skipped: 0.1, ..TINY }, LARGE_WINDOWS, classes)
}

/// timm's Swin v2-S with windows of 16 pixels.
pub(crate) fn small_window16(classes: usize) -> Graph {
    network(Size { skipped: 0.1, ..SMALL }, LARGE_WINDOWS, classes)
}

/// timm's Swin v2-B with windows of 16 pixels.
pub(crate) fn base_window16(classes: usize) -> Graph {
    network(Size { skipped: 0.1, ..BASE }, LARGE_WINDOWS, classes)
}

fn network(size: Size, form: Form, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let shape = ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([3, size.channels], 4, 4) };
    let x = g.convolution(images, form.names.stem[0], shape, true, Activation::None);
    let mut x = g.layer_norm(x, form.names.stem[1], EPSILON);
    let (mut index, count) = (0, size.depths.iter().sum());
    for (stage, depth) in size.depths.into_iter().enumerate() {
        if stage > 0 {
            x = form.merge(&mut g, x, &(form.names.between)(stage));
        }
        for place in 0..depth {
            let name = (form.names.block)(stage, place);
            let block = Block { form, name: &name, heads: size.heads[stage], window: form.windows[stage] };
            let shift = if place % 2 == 1 { block.window / 2 } else { 0 };
            x = block.add(&mut g, x, shift, skipped(size.skipped, index, count));
            index += 1;
        }
    }
    let x = g.layer_norm(x, "norm", EPSILON);
    let latent = g.global_avg_pool(x);
    g.head(latent, form.names.head, classes)
}

impl Form {
    /// Squares of four pixels to one of twice the channels.
    fn merge(self, g: &mut GraphBuilder, x: Value, name: &str) -> Value {
        let channels = g.channels(x);
        let (norm, reduction) = (format!("{name}.norm"), format!("{name}.reduction"));
        let x = g.merge_squares(x);
        if self.is_second {
            let x = g.linear_of_pixels(x, &reduction, 2 * channels, false);
            return g.layer_norm(x, &norm, EPSILON);
        }
        let x = g.layer_norm(x, &norm, EPSILON);
        g.linear_of_pixels(x, &reduction, 2 * channels, false)
    }
}

/// Where a block is, and what it has.
#[derive(Debug, Clone, Copy)]
struct Block<'a> {
    form: Form,
    name: &'a str,
    heads: usize,
    window: usize,
}

impl Block<'_> {
    fn name(self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    /// Attention and the perceptron, each with a norm before it, or behind it in the second version.
    fn add(self, g: &mut GraphBuilder, x: Value, shift: usize, skipped: f64) -> Value {
        let [first, second] = self.form.names.perceptron.map(|layer| self.name(layer));
        let hidden = 4 * g.channels(x);
        let perceptron = |g: &mut GraphBuilder, y: Value| perceptron(g, y, [&first, &second], hidden, false);
        let (norm1, norm2) = (self.name("norm1"), self.name("norm2"));
        if self.form.is_second {
            let y = self.attention(g, x, shift);
            let y = g.layer_norm(y, &norm1, EPSILON);
            let x = residual(g, y, x, skipped);
            let y = perceptron(g, x);
            let y = g.layer_norm(y, &norm2, EPSILON);
            return residual(g, y, x, skipped);
        }
        let y = g.layer_norm(x, &norm1, EPSILON);
        let y = self.attention(g, y, shift);
        let x = residual(g, y, x, skipped);
        let y = g.layer_norm(x, &norm2, EPSILON);
        let y = perceptron(g, y);
        residual(g, y, x, skipped)
    }

    fn attention(self, g: &mut GraphBuilder, x: Value, shift: usize) -> Value {
        let (channels, qkv) = (g.channels(x), self.name("attn.qkv"));
        let padding = self.biases(channels);
        let x = if self.form.is_second {
            let x = g.linear_of_pixels(x, &qkv, 3 * channels, false);
            let x = g.shift_channels(x, &padding);
            g.unit_vectors(x, self.heads, &self.name("attn.logit_scale"))
        } else {
            g.linear_of_pixels(x, &qkv, 3 * channels, true)
        };
        let numbers = match self.form.is_second {
            true => BiasNumbers::Perceptron { module: self.name("attn.cpb_mlp"), hidden: HIDDEN },
            false => BiasNumbers::Table(self.name("attn.relative_position_bias_table")),
        };
        let of_lengths = ((channels / self.heads) as f32).sqrt().recip();
        let attention = SelfAttention {
            heads: self.heads,
            scale: if self.form.is_second { 1.0 } else { of_lengths },
            partition: Partition::Windows { size: [self.window; 2], shift: [shift; 2] },
            bias: Some(RelativeBias { numbers, window: [self.window; 2] }),
            padding: Some(padding),
        };
        let y = g.attention(x, attention);
        g.linear_of_pixels(y, &self.name("attn.proj"), channels, true)
    }

    /// The biases of queries, keys and values. Keys have none in the second version: of torchvision's parameter their part is not used.
    fn biases(self, channels: usize) -> Vec<Shift> {
        let shift = |channels: std::ops::Range<usize>, name: &str, first: usize| Shift {
            channels,
            parameter: self.name(name),
            first,
        };
        let (queries, values) = (0..channels, 2 * channels..3 * channels);
        match (self.form.is_second, self.form.separate) {
            (false, _) => vec![shift(0..3 * channels, "attn.qkv.bias", 0)],
            (true, false) => {
                let values = shift(values, "attn.qkv.bias", 2 * channels);
                vec![shift(queries, "attn.qkv.bias", 0), values]
            }
            (true, true) => vec![shift(queries, "attn.q_bias", 0), shift(values, "attn.v_bias", 0)],
        }
    }
}
