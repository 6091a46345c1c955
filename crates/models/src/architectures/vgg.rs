//! VGG for 32×32 images: that of the `robustness` library (after kuangliu's CIFAR models), Simonyan & Zisserman's convolutions
//! with batch-norm and a single linear layer.

use kernels::Pool2d;

use crate::graph::{Graph, GraphBuilder};

/// VGG-11.
pub(crate) fn vgg11(classes: usize) -> Graph {
    vgg([1, 1, 2, 2, 2], classes)
}

/// VGG-13.
pub(crate) fn vgg13(classes: usize) -> Graph {
    vgg([2, 2, 2, 2, 2], classes)
}

/// VGG-16.
pub(crate) fn vgg16(classes: usize) -> Graph {
    vgg([2, 2, 3, 3, 3], classes)
}

/// VGG-19.
pub(crate) fn vgg19(classes: usize) -> Graph {
    vgg([2, 2, 4, 4, 4], classes)
}

/// Channels of the convolutions between one pooling and the next.
pub(crate) const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

const HALVE: Pool2d = Pool2d::new(2, 2);

fn vgg(depths: [usize; 5], classes: usize) -> Graph {
    let (mut g, mut x) = GraphBuilder::images(3);
    // Modules are numbered in their order: convolution, batch-norm, ReLU, …, pooling.
    let mut module = 0;
    for (width, depth) in WIDTHS.into_iter().zip(depths) {
        for _ in 0..depth {
            let (conv, norm) = (format!("features.{module}"), format!("features.{}", module + 1));
            x = g.biased_conv(x, &conv, &norm, width);
            module += 3;
        }
        x = g.max_pool(x, HALVE);
        module += 1;
    }
    let latent = g.global_avg_pool(x);
    g.head(latent, "classifier", classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// kuangliu's 9.2 M, 9.4 M, 14.7 M and 20.0 M.
    #[test]
    fn parameter_counts_are_those_of_the_published_models() {
        let count = |graph: Graph| -> usize {
            graph.parameters().values().map(|shape| shape.iter().product::<usize>()).sum()
        };
        let counts = [vgg11, vgg13, vgg16, vgg19].map(|build| count(build(10)));
        assert_eq!(counts, [9_231_114, 9_416_010, 14_728_266, 20_040_522]);
    }

    #[test]
    fn names_are_pytorchs() {
        let shapes = vgg11(10).shapes();
        assert_eq!(shapes["features.4.weight"], [128, 64, 3, 3]);
        assert_eq!(shapes["features.26.running_mean"], [512]);
        assert_eq!(shapes["classifier.weight"], [10, 512]);
    }
}
