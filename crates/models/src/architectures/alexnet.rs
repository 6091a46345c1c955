//! AlexNet for larger images, with torchvision's names (Krizhevsky 2014).

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use crate::graph::{Graph, GraphBuilder};

const POOL: Pool2d = Pool2d::new(3, 2);

/// Five convolutions and three linear layers.
pub(crate) fn alexnet(classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let stem = ConvolutionShape { padding: [2; 2], ..ConvolutionShape::same([3, 64], 11, 4) };
    let x = g.convolution(images, "features.0", stem, true, Activation::Relu);
    let x = g.max_pool(x, POOL);
    let mut x =
        g.convolution(x, "features.3", ConvolutionShape::same([64, 192], 5, 1), true, Activation::Relu);
    x = g.max_pool(x, POOL);
    for (module, out) in [(6, 384), (8, 256), (10, 256)] {
        let shape = ConvolutionShape::same([g.channels(x), out], 3, 1);
        x = g.convolution(x, &format!("features.{module}"), shape, true, Activation::Relu);
    }
    x = g.max_pool(x, POOL);
    let x = g.adaptive_avg_pool(x, [6, 6]);
    let x = g.dropout(x, 0.5);
    let x = g.linear(x, "classifier.1", [6, 6], 4096, Activation::Relu);
    let x = g.dropout(x, 0.5);
    let latent = g.linear(x, "classifier.4", [1, 1], 4096, Activation::Relu);
    g.head(latent, "classifier.6", classes)
}
