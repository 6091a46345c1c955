//! Residual networks with batch-norm and ReLU before each convolution (He et al., ECCV 2016) for larger images, with timm's names.

use kernels::{
    Activation::{None, Relu},
    Pool2d,
    blocked::ConvolutionShape,
};

use crate::graph::{Graph, GraphBuilder, Value};

/// ResNetV2-50.
pub(crate) fn resnetv2_50(classes: usize) -> Graph {
    network([3, 4, 6, 3], classes)
}

/// ResNetV2-101.
pub(crate) fn resnetv2_101(classes: usize) -> Graph {
    network([3, 4, 23, 3], classes)
}

fn network(depths: [usize; 4], classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let x = g.conv(images, "stem.conv", 64, 7, 2);
    let mut x = g.max_pool(x, Pool2d { padding: 1, ..Pool2d::new(3, 2) });
    for (stage, depth) in depths.into_iter().enumerate() {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = block(&mut g, x, &format!("stages.{stage}.blocks.{index}"), 64 << stage, stride);
        }
    }
    let x = g.batch_norm(x, "norm", Relu);
    let latent = g.global_avg_pool(x);
    let shape = ConvolutionShape::same([g.channels(latent), classes], 1, 1);
    let logits = g.convolution(latent, "head.fc", shape, true, None);
    g.finish(latent, logits)
}

/// 1×1, 3×3, 1×1 to four times the width; the first shortcut of a stage begins behind the first ReLU.
fn block(g: &mut GraphBuilder, x: Value, name: &str, width: usize, stride: usize) -> Value {
    let active = g.batch_norm(x, &format!("{name}.norm1"), Relu);
    let shortcut = if g.channels(x) == 4 * width {
        x
    } else {
        g.conv(active, &format!("{name}.downsample.conv"), 4 * width, 1, stride)
    };
    let y = g.conv(active, &format!("{name}.conv1"), width, 1, 1);
    let y = g.batch_norm(y, &format!("{name}.norm2"), Relu);
    let y = g.conv(y, &format!("{name}.conv2"), width, 3, stride);
    let y = g.batch_norm(y, &format!("{name}.norm3"), Relu);
    let y = g.conv(y, &format!("{name}.conv3"), 4 * width, 1, 1);
    g.add(y, shortcut, None)
}
