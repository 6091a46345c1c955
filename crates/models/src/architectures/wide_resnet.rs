//! Wide residual networks for 32×32 images (Zagoruyko & Komodakis 2016): batch-norm and ReLU before each convolution. Names are
//! those of xternalz' WideResNet-pytorch, which the literature on robustness uses.

use kernels::Activation::{None, Relu};

use crate::graph::{Graph, GraphBuilder, Value};

/// 28 layers, ten times as wide as the ResNets of He et al.
pub(crate) fn wide_resnet28_10(classes: usize) -> Graph {
    wide(4, classes)
}

/// 34 layers, as wide.
pub(crate) fn wide_resnet34_10(classes: usize) -> Graph {
    wide(5, classes)
}

/// Three stages of so many blocks.
fn wide(depth: usize, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = g.conv(images, "conv1", 16, 3, 1);
    for stage in 0..3 {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = block(&mut g, x, &format!("block{}.layer.{index}", stage + 1), 160 << stage, stride);
        }
    }
    let x = g.batch_norm(x, "bn1", Relu);
    let latent = g.global_avg_pool(x);
    g.head(latent, "fc", classes)
}

/// Where the number of channels changes, the shortcut begins behind the first ReLU.
fn block(g: &mut GraphBuilder, x: Value, name: &str, width: usize, stride: usize) -> Value {
    let active = g.batch_norm(x, &format!("{name}.bn1"), Relu);
    let shortcut = if g.channels(x) == width {
        x
    } else {
        g.conv(active, &format!("{name}.convShortcut"), width, 1, stride)
    };
    let y = g.conv(active, &format!("{name}.conv1"), width, 3, stride);
    let y = g.batch_norm(y, &format!("{name}.bn2"), Relu);
    let y = g.conv(y, &format!("{name}.conv2"), width, 3, 1);
    g.add(y, shortcut, None)
}
