//! SqueezeNet for larger images, with torchvision's names (Iandola et al. 2016): few channels by 1×1 convolutions, more by 1×1 and
//! 3×3 side by side; the classes are the channels of the last convolution.

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use crate::graph::{Graph, GraphBuilder, Value};

const POOL: Pool2d = Pool2d { ceil: true, ..Pool2d::new(3, 2) };

/// A module of `features` behind the stem and its ReLU.
#[derive(Clone, Copy)]
enum Layer {
    Pool,
    /// Channels after squeezing, and of each half after expanding.
    Fire(usize, usize),
}

use Layer::{Fire, Pool};

/// Version 1.0.
pub(crate) fn squeezenet1_0(classes: usize) -> Graph {
    let layers = [
        Pool,
        Fire(16, 64),
        Fire(16, 64),
        Fire(32, 128),
        Pool,
        Fire(32, 128),
        Fire(48, 192),
        Fire(48, 192),
        Fire(64, 256),
        Pool,
        Fire(64, 256),
    ];
    squeezenet((96, 7), &layers, classes)
}

/// Version 1.1: a smaller stem and earlier pooling.
pub(crate) fn squeezenet1_1(classes: usize) -> Graph {
    let layers = [
        Pool,
        Fire(16, 64),
        Fire(16, 64),
        Pool,
        Fire(32, 128),
        Fire(32, 128),
        Pool,
        Fire(48, 192),
        Fire(48, 192),
        Fire(64, 256),
        Fire(64, 256),
    ];
    squeezenet((64, 3), &layers, classes)
}

fn squeezenet((width, kernel): (usize, usize), layers: &[Layer], classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let stem = ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([3, width], kernel, 2) };
    let mut x = g.convolution(images, "features.0", stem, true, Activation::Relu);
    for (index, layer) in layers.iter().enumerate() {
        x = match *layer {
            Pool => g.max_pool(x, POOL),
            Fire(squeezed, expanded) => {
                fire(&mut g, x, &format!("features.{}", index + 2), squeezed, expanded)
            }
        };
    }
    let x = g.dropout(x, 0.5);
    let latent = rectified(&mut g, x, "classifier.1", classes, 1);
    let logits = g.global_avg_pool(latent);
    g.finish(latent, logits)
}

fn fire(g: &mut GraphBuilder, x: Value, name: &str, squeezed: usize, expanded: usize) -> Value {
    let x = rectified(g, x, &format!("{name}.squeeze"), squeezed, 1);
    let halves = [("expand1x1", 1), ("expand3x3", 3)];
    let halves = halves.map(|(part, kernel)| rectified(g, x, &format!("{name}.{part}"), expanded, kernel));
    g.concatenate(&halves)
}

fn rectified(g: &mut GraphBuilder, x: Value, module: &str, out: usize, kernel: usize) -> Value {
    let shape = ConvolutionShape::same([g.channels(x), out], kernel, 1);
    g.convolution(x, module, shape, true, Activation::Relu)
}
