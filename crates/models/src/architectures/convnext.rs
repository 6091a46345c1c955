//! ConvNeXt with torchvision's names (Liu et al. 2022): 7×7 depthwise convolutions between what transformers have otherwise.

use kernels::{Activation, blocked::ConvolutionShape};

use super::transformer::{perceptron, residual, skipped};
use crate::graph::{Graph, GraphBuilder, Value};

const EPSILON: f64 = 1e-6;

/// A size: channels and blocks of each stage, and how often the last block is skipped in training.
#[derive(Debug, Clone, Copy)]
struct Size {
    channels: [usize; 4],
    depths: [usize; 4],
    skipped: f64,
}

/// ConvNeXt-T.
pub(crate) fn tiny(classes: usize) -> Graph {
    network(Size { channels: [96, 192, 384, 768], depths: [3, 3, 9, 3], skipped: 0.1 }, classes)
}

/// ConvNeXt-S.
pub(crate) fn small(classes: usize) -> Graph {
    network(Size { channels: [96, 192, 384, 768], depths: [3, 3, 27, 3], skipped: 0.4 }, classes)
}

/// ConvNeXt-B.
pub(crate) fn base(classes: usize) -> Graph {
    network(Size { channels: [128, 256, 512, 1024], depths: [3, 3, 27, 3], skipped: 0.5 }, classes)
}

/// ConvNeXt-L.
pub(crate) fn large(classes: usize) -> Graph {
    network(Size { channels: [192, 384, 768, 1536], depths: [3, 3, 27, 3], skipped: 0.5 }, classes)
}

fn network(size: Size, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let x = patches(&mut g, images, "features.0.0", size.channels[0], 4);
    let mut x = g.layer_norm(x, "features.0.1", EPSILON);
    let (mut index, count) = (0, size.depths.iter().sum());
    for (stage, depth) in size.depths.into_iter().enumerate() {
        if stage > 0 {
            let module = format!("features.{}", 2 * stage);
            x = g.layer_norm(x, &format!("{module}.0"), EPSILON);
            x = patches(&mut g, x, &format!("{module}.1"), size.channels[stage], 2);
        }
        for place in 0..depth {
            let module = format!("features.{}.{place}", 2 * stage + 1);
            x = block(&mut g, x, &module, skipped(size.skipped, index, count));
            index += 1;
        }
    }
    let x = g.global_avg_pool(x);
    let latent = g.layer_norm(x, "classifier.0", EPSILON);
    g.head(latent, "classifier.2", classes)
}

/// Squares that do not overlap, each to one pixel.
fn patches(g: &mut GraphBuilder, x: Value, module: &str, out: usize, side: usize) -> Value {
    let shape =
        ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([g.channels(x), out], side, side) };
    g.convolution(x, module, shape, true, Activation::None)
}

fn block(g: &mut GraphBuilder, x: Value, name: &str, skipped: f64) -> Value {
    let channels = g.channels(x);
    let depthwise = ConvolutionShape { groups: channels, ..ConvolutionShape::same([channels; 2], 7, 1) };
    let y = g.convolution(x, &format!("{name}.block.0"), depthwise, true, Activation::None);
    let y = g.layer_norm(y, &format!("{name}.block.2"), EPSILON);
    let y = perceptron(g, y, [&format!("{name}.block.3"), &format!("{name}.block.5")], 4 * channels);
    let y = g.scale_channels(y, &format!("{name}.layer_scale"), &[channels, 1, 1]);
    residual(g, y, x, skipped)
}
