//! Residual networks with batch-norm and ReLU before each convolution (He et al., ECCV 2016) for 32×32 images. Names are those of
//! kuangliu's pytorch-cifar, which the literature on robustness uses: no batch-norm after the last block.

use kernels::Activation::{None, Relu};

use crate::graph::{Graph, GraphBuilder, Value};

/// Eighteen layers.
pub(crate) fn preact_resnet18(classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = g.conv(images, "conv1", 64, 3, 1);
    for stage in 0..4 {
        for index in 0..2 {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = block(&mut g, x, &format!("layer{}.{index}", stage + 1), 64 << stage, stride);
        }
    }
    let latent = g.global_avg_pool(x);
    g.head(latent, "linear", classes)
}

/// Where the size changes, the shortcut begins behind the first ReLU.
fn block(g: &mut GraphBuilder, x: Value, name: &str, width: usize, stride: usize) -> Value {
    let active = g.batch_norm(x, &format!("{name}.bn1"), Relu);
    let shortcut = if stride == 1 && g.channels(x) == width {
        x
    } else {
        g.conv(active, &format!("{name}.shortcut.0"), width, 1, stride)
    };
    let y = g.conv(active, &format!("{name}.conv1"), width, 3, stride);
    let y = g.batch_norm(y, &format!("{name}.bn2"), Relu);
    let y = g.conv(y, &format!("{name}.conv2"), width, 3, 1);
    g.add(y, shortcut, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_parameters_is_the_published_one() {
        let count: usize =
            preact_resnet18(10).parameters().values().map(|shape| shape.iter().product::<usize>()).sum();
        assert_eq!(count, 11_171_146);
    }
}
