//! ConvNeXt (Liu et al. 2022): 7×7 depthwise convolutions between what transformers have otherwise; and ConvNeXt v2 (Woo et al. 2023),
//! which normalises responses in its perceptrons. With torchvision's names where torchvision has the network, with timm's otherwise.

use kernels::{Activation, Nonlinearity::Gelu, blocked::ConvolutionShape};

use super::transformer::{layer, perceptron, residual, skipped};
use crate::graph::{Graph, GraphBuilder, Value};

const EPSILON: f64 = 1e-6;

/// A size: side of the first patches, channels of the first stage (each later one has twice as many), blocks of each stage, and how
/// often the last block is skipped in training.
#[derive(Debug, Clone, Copy)]
struct Size {
    patch: usize,
    channels: usize,
    depths: [usize; 4],
    skipped: f64,
}

const fn size(channels: usize, depths: [usize; 4], skipped: f64) -> Size {
    Size { patch: 4, channels, depths, skipped }
}

/// What the modules are called.
#[derive(Debug, Clone, Copy)]
struct Names {
    /// The first convolution and its norm.
    stem: [&'static str; 2],
    /// The norm and the convolution before a later stage.
    between: fn(usize) -> [String; 2],
    /// A block of a stage.
    block: fn(usize, usize) -> String,
    /// In a block: the depthwise convolution, the norm, the perceptron's layers, and what its second version has or else the first.
    parts: [&'static str; 5],
    last: Last,
    /// Whether the perceptron's layers are convolutions.
    convolutions: bool,
    /// The last norm and the classifier.
    head: [&'static str; 2],
}

/// What tells the versions apart.
#[derive(Debug, Clone, Copy)]
enum Last {
    /// Factors of the channels of a block's result; their shape, besides the channels.
    Factors(&'static [usize]),
    /// A norm of responses between the perceptron's layers.
    Responses,
}

const TORCHVISION: Names = Names {
    stem: ["features.0.0", "features.0.1"],
    between: |stage| [0, 1].map(|part| format!("features.{}.{part}", 2 * stage)),
    block: |stage, place| format!("features.{}.{place}", 2 * stage + 1),
    parts: ["block.0", "block.2", "block.3", "block.5", "layer_scale"],
    last: Last::Factors(&[1, 1]),
    convolutions: false,
    head: ["classifier.0", "classifier.2"],
};

const TIMM: Names = Names {
    stem: ["stem.0", "stem.1"],
    between: |stage| [0, 1].map(|part| format!("stages.{stage}.downsample.{part}")),
    block: |stage, place| format!("stages.{stage}.blocks.{place}"),
    parts: ["conv_dw", "norm", "mlp.fc1", "mlp.fc2", "gamma"],
    last: Last::Factors(&[]),
    convolutions: true,
    head: ["head.norm", "head.fc"],
};

const SECOND: Names =
    Names { parts: ["conv_dw", "norm", "mlp.fc1", "mlp.fc2", "mlp.grn"], last: Last::Responses, ..TIMM };

/// ConvNeXt-T.
pub(crate) fn tiny(classes: usize) -> Graph {
    network(size(96, [3, 3, 9, 3], 0.1), TORCHVISION, classes)
}

/// ConvNeXt-S.
pub(crate) fn small(classes: usize) -> Graph {
    network(size(96, [3, 3, 27, 3], 0.4), TORCHVISION, classes)
}

/// ConvNeXt-B.
pub(crate) fn base(classes: usize) -> Graph {
    network(size(128, [3, 3, 27, 3], 0.5), TORCHVISION, classes)
}

/// ConvNeXt-L.
pub(crate) fn large(classes: usize) -> Graph {
    network(size(192, [3, 3, 27, 3], 0.5), TORCHVISION, classes)
}

/// timm's small ones, of this many channels in the first stage: atto 40, femto 48, pico 64.
pub(crate) fn timm<const CHANNELS: usize>(classes: usize) -> Graph {
    network(size(CHANNELS, [2, 2, 6, 2], 0.0), TIMM, classes)
}

/// timm's ConvNeXt nano.
pub(crate) fn nano(classes: usize) -> Graph {
    network(size(80, [2, 2, 8, 2], 0.0), TIMM, classes)
}

/// timm's ConvNeXt atto for images of 32 pixels: its first patches are single pixels.
pub(crate) fn cifar(classes: usize) -> Graph {
    network(Size { patch: 1, ..size(40, [2, 2, 6, 2], 0.0) }, TIMM, classes)
}

/// ConvNeXt v2 of this many channels in the first stage: atto 40, femto 48, pico 64, nano 80.
pub(crate) fn second<const CHANNELS: usize>(classes: usize) -> Graph {
    let depths = if CHANNELS == 80 { [2, 2, 8, 2] } else { [2, 2, 6, 2] };
    network(size(CHANNELS, depths, 0.0), SECOND, classes)
}

/// ConvNeXt v2-T.
pub(crate) fn second_tiny(classes: usize) -> Graph {
    network(size(96, [3, 3, 9, 3], 0.0), Names { convolutions: false, ..SECOND }, classes)
}

/// ConvNeXt v2-B.
pub(crate) fn second_base(classes: usize) -> Graph {
    network(size(128, [3, 3, 27, 3], 0.0), Names { convolutions: false, ..SECOND }, classes)
}

fn network(size: Size, names: Names, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let x = patches(&mut g, images, names.stem[0], size.channels, size.patch);
    let mut x = g.layer_norm(x, names.stem[1], EPSILON);
    let (mut index, count) = (0, size.depths.iter().sum());
    for (stage, depth) in size.depths.into_iter().enumerate() {
        if stage > 0 {
            let [norm, convolution] = (names.between)(stage);
            x = g.layer_norm(x, &norm, EPSILON);
            x = patches(&mut g, x, &convolution, size.channels << stage, 2);
        }
        for place in 0..depth {
            x = block(&mut g, x, (names, stage, place), skipped(size.skipped, index, count));
            index += 1;
        }
    }
    let x = g.global_avg_pool(x);
    let latent = g.layer_norm(x, names.head[0], EPSILON);
    g.head(latent, names.head[1], classes)
}

/// Squares that do not overlap, each to one pixel.
fn patches(g: &mut GraphBuilder, x: Value, module: &str, out: usize, side: usize) -> Value {
    let shape =
        ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([g.channels(x), out], side, side) };
    g.convolution(x, module, shape, true, Activation::None)
}

fn block(
    g: &mut GraphBuilder,
    x: Value,
    (names, stage, place): (Names, usize, usize),
    skipped: f64,
) -> Value {
    let channels = g.channels(x);
    let [depthwise, norm, first, second, last] =
        names.parts.map(|part| format!("{}.{part}", (names.block)(stage, place)));
    let shape = ConvolutionShape { groups: channels, ..ConvolutionShape::same([channels; 2], 7, 1) };
    let y = g.convolution(x, &depthwise, shape, true, Activation::None);
    let y = g.layer_norm(y, &norm, EPSILON);
    let y = match names.last {
        Last::Factors(axes) => {
            let y = perceptron(g, y, [&first, &second], 4 * channels, names.convolutions);
            let shape: Vec<usize> = [channels].into_iter().chain(axes.iter().copied()).collect();
            g.scale_channels(y, &last, &shape)
        }
        Last::Responses => {
            let y = layer(g, y, &first, 4 * channels, names.convolutions);
            let y = g.nonlinear(y, Gelu);
            let y = g.response_norm(y, &last, EPSILON);
            layer(g, y, &second, channels, names.convolutions)
        }
    };
    residual(g, y, x, skipped)
}
