//! VGG for larger images, with torchvision's names (Simonyan & Zisserman 2015): convolutions, with batch-norm or without, and three
//! linear layers with dropout on 7×7 pixels.

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use super::vgg::WIDTHS;
use crate::graph::{Graph, GraphBuilder};

const fn depths(layers: usize) -> [usize; 5] {
    match layers {
        11 => [1, 1, 2, 2, 2],
        13 => [2, 2, 2, 2, 2],
        16 => [2, 2, 3, 3, 3],
        19 => [2, 2, 4, 4, 4],
        _ => panic!("a VGG has 11, 13, 16 or 19 layers"),
    }
}

/// `vgg11` … `vgg19`.
pub(crate) fn plain<const LAYERS: usize>(classes: usize) -> Graph {
    vgg(const { depths(LAYERS) }, false, classes)
}

/// `vgg11_bn` … `vgg19_bn`.
pub(crate) fn normalised<const LAYERS: usize>(classes: usize) -> Graph {
    vgg(const { depths(LAYERS) }, true, classes)
}

fn vgg(depths: [usize; 5], with_norm: bool, classes: usize) -> Graph {
    let (mut g, mut x) = GraphBuilder::images(3);
    // Modules are numbered in their order: convolution, batch-norm if there is one, ReLU, …, pooling.
    let mut module = 0;
    for (width, depth) in WIDTHS.into_iter().zip(depths) {
        for _ in 0..depth {
            let name = format!("features.{module}");
            if with_norm {
                x = g.biased_conv(x, &name, &format!("features.{}", module + 1), width);
                module += 3;
            } else {
                let shape = ConvolutionShape::same([g.channels(x), width], 3, 1);
                x = g.convolution(x, &name, shape, true, Activation::Relu);
                module += 2;
            }
        }
        x = g.max_pool(x, Pool2d::new(2, 2));
        module += 1;
    }
    let x = g.adaptive_avg_pool(x, [7, 7]);
    let x = g.linear(x, "classifier.0", [7, 7], 4096, Activation::Relu);
    let x = g.dropout(x, 0.5);
    let x = g.linear(x, "classifier.3", [1, 1], 4096, Activation::Relu);
    let latent = g.dropout(x, 0.5);
    g.head(latent, "classifier.6", classes)
}
