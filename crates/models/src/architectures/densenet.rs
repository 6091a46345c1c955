//! Densely connected networks (Huang et al. 2017): every layer of a block reads the channels of all layers before it.
//!
//! Those for 32×32 images are kuangliu's, as in the `robustness` library. (Its version leaves out the last ReLU's gate in the
//! backward pass, by an oversight; the gradients here are those of the function that the network computes.) Those for larger
//! images are torchvision's: they differ in stem, names, and the order in which channels are put side by side.

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use crate::graph::{Graph, GraphBuilder, Value};

/// Layers of each block, and how many channels a layer adds.
type Form = ([usize; 4], usize);

const fn layers(count: usize) -> Form {
    match count {
        121 => ([6, 12, 24, 16], 32),
        161 => ([6, 12, 36, 24], 48),
        169 => ([6, 12, 32, 32], 32),
        201 => ([6, 12, 48, 32], 32),
        _ => panic!("a DenseNet has 121, 161, 169 or 201 layers"),
    }
}

/// `densenet121` … `densenet201` for 32×32 images.
pub(crate) fn cifar<const LAYERS: usize>(classes: usize) -> Graph {
    small(const { layers(LAYERS) }, classes)
}

/// `densenet_cifar`: DenseNet-121 with layers of 12 channels.
pub(crate) fn densenet_cifar(classes: usize) -> Graph {
    small(([6, 12, 24, 16], 12), classes)
}

fn small((depths, growth): Form, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = g.conv(images, "conv1", 2 * growth, 3, 1);
    for (block, depth) in depths.into_iter().enumerate() {
        for index in 0..depth {
            let name = format!("dense{}.{index}", block + 1);
            let y = layer(&mut g, x, &name, ["bn1", "conv1", "bn2", "conv2"], growth);
            x = g.concatenate(&[y, x]);
        }
        if block + 1 < depths.len() {
            x = transition(&mut g, x, &format!("trans{}", block + 1), ["bn", "conv"]);
        }
    }
    let x = g.batch_norm(x, "bn", Activation::Relu);
    let latent = g.global_avg_pool(x);
    g.head(latent, "linear", classes)
}

/// `densenet121` … `densenet201` for larger images.
pub(crate) fn imagenet<const LAYERS: usize>(classes: usize) -> Graph {
    let (depths, growth) = const { layers(LAYERS) };
    let (mut g, images) = GraphBuilder::images(3);
    let x = g.conv(images, "features.conv0", 2 * growth, 7, 2);
    let x = g.batch_norm(x, "features.norm0", Activation::Relu);
    let mut x = g.max_pool(x, Pool2d { padding: 1, ..Pool2d::new(3, 2) });
    for (block, depth) in depths.into_iter().enumerate() {
        for index in 0..depth {
            let name = format!("features.denseblock{}.denselayer{}", block + 1, index + 1);
            let y = layer(&mut g, x, &name, ["norm1", "conv1", "norm2", "conv2"], growth);
            x = g.concatenate(&[x, y]);
        }
        if block + 1 < depths.len() {
            x = transition(&mut g, x, &format!("features.transition{}", block + 1), ["norm", "conv"]);
        }
    }
    let x = g.batch_norm(x, "features.norm5", Activation::Relu);
    let latent = g.global_avg_pool(x);
    g.head(latent, "classifier", classes)
}

/// Batch-norm, ReLU, 1×1 to four times the growth, and the same to 3×3 and the growth.
fn layer(g: &mut GraphBuilder, x: Value, name: &str, parts: [&str; 4], growth: usize) -> Value {
    let [norm1, conv1, norm2, conv2] = parts.map(|part| format!("{name}.{part}"));
    let y = g.batch_norm(x, &norm1, Activation::Relu);
    let y = g.conv(y, &conv1, 4 * growth, 1, 1);
    let y = g.batch_norm(y, &norm2, Activation::Relu);
    g.convolution(y, &conv2, ConvolutionShape::same([4 * growth, growth], 3, 1), false, Activation::None)
}

/// Half the channels, rounded down, and half the rows and columns.
fn transition(g: &mut GraphBuilder, x: Value, name: &str, parts: [&str; 2]) -> Value {
    let [norm, conv] = parts.map(|part| format!("{name}.{part}"));
    let half = g.channels(x) / 2;
    let y = g.batch_norm(x, &norm, Activation::Relu);
    let y = g.conv(y, &conv, half, 1, 1);
    g.avg_pool(y, Pool2d::new(2, 2))
}
