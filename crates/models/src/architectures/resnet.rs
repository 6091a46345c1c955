//! Residual networks for 32×32 images.
//!
//! [`cifar`] is the ResNet of the `robustness` library (Engstrom et al. 2019, after kuangliu's CIFAR models): a
//! 3×3 stem of 64 channels, no max-pool, four stages. [`he`] is the small one of He et al. 2016, §4.2.

use kernels::Activation::{None, Relu};

use crate::graph::{Graph, GraphBuilder, Value};

/// The shape of a residual block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// 1×1, 3×3, 1×1 to four times the width.
    Bottleneck,
}

impl Block {
    const fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// Channels of the first stage; each further stage has twice as many.
const WIDTH: usize = 64;

/// ResNet-18 of the `robustness` library's CIFAR models.
pub(crate) fn resnet18(classes: usize) -> Graph {
    cifar(Block::Basic, [2, 2, 2, 2], WIDTH, classes)
}

/// The same, three quarters as wide.
pub(crate) fn resnet18thin(classes: usize) -> Graph {
    cifar(Block::Basic, [2, 2, 2, 2], WIDTH * 3 / 4, classes)
}

/// The same, five times as wide.
pub(crate) fn resnet18wide(classes: usize) -> Graph {
    cifar(Block::Basic, [2, 2, 2, 2], WIDTH * 5, classes)
}

/// ResNet-34, likewise.
pub(crate) fn resnet34(classes: usize) -> Graph {
    cifar(Block::Basic, [3, 4, 6, 3], WIDTH, classes)
}

/// ResNet-50, likewise.
pub(crate) fn resnet50(classes: usize) -> Graph {
    cifar(Block::Bottleneck, [3, 4, 6, 3], WIDTH, classes)
}

/// ResNet-101, likewise.
pub(crate) fn resnet101(classes: usize) -> Graph {
    cifar(Block::Bottleneck, [3, 4, 23, 3], WIDTH, classes)
}

/// ResNet-152, likewise.
pub(crate) fn resnet152(classes: usize) -> Graph {
    cifar(Block::Bottleneck, [3, 8, 36, 3], WIDTH, classes)
}

/// ResNet-20 of He et al. 2016: stem of 16, three stages of three blocks, shortcuts without parameters.
pub(crate) fn resnet20(classes: usize) -> Graph {
    he(3, classes)
}

/// ResNet-32, likewise, of five blocks a stage.
pub(crate) fn resnet32(classes: usize) -> Graph {
    he(5, classes)
}

/// ResNet-44, likewise, of seven.
pub(crate) fn resnet44(classes: usize) -> Graph {
    he(7, classes)
}

/// ResNet-56, likewise, of nine.
pub(crate) fn resnet56(classes: usize) -> Graph {
    he(9, classes)
}

/// ResNet-110, likewise, of eighteen.
pub(crate) fn resnet110(classes: usize) -> Graph {
    he(18, classes)
}

/// The same of so many blocks a stage, with convolutions as shortcuts where the size changes (He et al. 2016, option B), as most
/// programs after theirs have it.
pub(crate) fn projected<const DEPTH: usize>(classes: usize) -> Graph {
    residuals(Block::Basic, &[DEPTH; 3], 16, classes)
}

fn cifar(block: Block, depths: [usize; 4], width: usize, classes: usize) -> Graph {
    residuals(block, &depths, width, classes)
}

/// A stem and stages of residual blocks, each stage twice as wide as the one before.
fn residuals(block: Block, depths: &[usize], width: usize, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = stem(&mut g, images, width);
    for (stage, &depth) in depths.iter().enumerate() {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = residual(&mut g, x, &format!("layer{}.{index}", stage + 1), block, width << stage, stride);
        }
    }
    let latent = g.global_avg_pool(x);
    g.head(latent, "linear", classes)
}

fn he(depth: usize, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = stem(&mut g, images, 16);
    for stage in 0..3 {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let y =
                body(&mut g, x, &format!("layer{}.{index}", stage + 1), Block::Basic, 16 << stage, stride);
            let shortcut = if stride == 1 { x } else { g.subsample(x, stride, 16 << stage) };
            x = g.add(y, shortcut, Relu);
        }
    }
    let latent = g.global_avg_pool(x);
    g.head(latent, "linear", classes)
}

fn stem(g: &mut GraphBuilder, images: Value, width: usize) -> Value {
    let x = g.conv(images, "conv1", width, 3, 1);
    g.batch_norm(x, "bn1", Relu)
}

fn residual(g: &mut GraphBuilder, x: Value, name: &str, block: Block, width: usize, stride: usize) -> Value {
    let y = body(g, x, name, block, width, stride);
    let out = width * block.expansion();
    let shortcut = if stride == 1 && g.channels(x) == out {
        x
    } else {
        let s = g.conv(x, &format!("{name}.shortcut.0"), out, 1, stride);
        g.batch_norm(s, &format!("{name}.shortcut.1"), None)
    };
    g.add(y, shortcut, Relu)
}

/// The convolutions of a block: each followed by batch-norm, all but the last by ReLU too.
fn body(g: &mut GraphBuilder, x: Value, name: &str, block: Block, width: usize, stride: usize) -> Value {
    let layers: &[(usize, usize, usize)] = match block {
        Block::Basic => &[(width, 3, stride), (width, 3, 1)],
        Block::Bottleneck => &[(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)],
    };
    layers.iter().enumerate().fold(x, |x, (index, &(out, kernel, stride))| {
        let activation = if index + 1 < layers.len() { Relu } else { None };
        let y = g.conv(x, &format!("{name}.conv{}", index + 1), out, kernel, stride);
        g.batch_norm(y, &format!("{name}.bn{}", index + 1), activation)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter_count(graph: &Graph) -> usize {
        graph.parameters().values().map(|shape| shape.iter().product::<usize>()).sum()
    }

    /// Counts of the published models: kuangliu's 11.17 M, 21.28 M, 23.52 M, 42.51 M, 58.16 M; He et al.'s 0.27 M, 0.46 M, 0.66 M,
    /// 0.85 M, 1.7 M.
    #[test]
    fn parameter_counts_are_those_of_the_published_models() {
        assert_eq!(parameter_count(&resnet18(10)), 11_173_962);
        assert_eq!(parameter_count(&resnet34(10)), 21_282_122);
        assert_eq!(parameter_count(&resnet50(10)), 23_520_842);
        assert_eq!(parameter_count(&resnet101(10)), 42_512_970);
        assert_eq!(parameter_count(&resnet152(10)), 58_156_618);
        let small =
            [resnet20, resnet32, resnet44, resnet56, resnet110].map(|build| parameter_count(&build(10)));
        assert_eq!(small, [269_722, 464_154, 658_586, 853_018, 1_727_962]);
        // chenyaofo's pytorch-cifar-models has 0.27 M and 0.86 M.
        let projected = [projected::<3>, projected::<9>].map(|build| parameter_count(&build(10)));
        assert_eq!(projected, [272_474, 855_770]);
    }

    #[test]
    fn names_are_pytorchs() {
        let shapes = resnet18(10).shapes();
        assert_eq!(shapes["layer2.0.shortcut.0.weight"], [128, 64, 1, 1]);
        assert_eq!(shapes["layer4.1.bn2.running_var"], [512]);
        assert_eq!(shapes["linear.weight"], [10, 512]);
        assert_eq!(resnet18thin(10).shapes()["layer3.0.conv1.weight"], [192, 96, 3, 3]);
        assert_eq!(resnet18wide(10).shapes()["linear.weight"], [10, 2560]);
    }
}
