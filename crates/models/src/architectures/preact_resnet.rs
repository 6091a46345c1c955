//! Residual networks with batch-norm and ReLU before each convolution (He et al., ECCV 2016) for 32×32 images. Names are those of
//! kuangliu's pytorch-cifar, which the literature on robustness uses: no batch-norm after the last block.

use kernels::Activation::{None, Relu};

use crate::graph::{Graph, GraphBuilder, Value};

/// `preact_resnet18` … `preact_resnet101`.
pub(crate) fn preact_resnet<const LAYERS: usize>(classes: usize) -> Graph {
    let (bottleneck, depths) = const {
        match LAYERS {
            18 => (false, [2, 2, 2, 2]),
            34 => (false, [3, 4, 6, 3]),
            50 => (true, [3, 4, 6, 3]),
            101 => (true, [3, 4, 23, 3]),
            _ => panic!("18, 34, 50 or 101 layers"),
        }
    };
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = g.conv(images, "conv1", 64, 3, 1);
    for (stage, depth) in depths.into_iter().enumerate() {
        for index in 0..depth {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = block(&mut g, x, &format!("layer{}.{index}", stage + 1), bottleneck, [64 << stage, stride]);
        }
    }
    let latent = g.global_avg_pool(x);
    g.head(latent, "linear", classes)
}

/// Two 3×3 convolutions, or 1×1, 3×3 and 1×1 to four times the width. Where the size changes, the shortcut begins behind the first ReLU.
fn block(g: &mut GraphBuilder, x: Value, name: &str, bottleneck: bool, [width, stride]: [usize; 2]) -> Value {
    let layers: &[(usize, usize, usize)] = match bottleneck {
        false => &[(width, 3, stride), (width, 3, 1)],
        true => &[(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)],
    };
    let out = if bottleneck { 4 * width } else { width };
    let active = g.batch_norm(x, &format!("{name}.bn1"), Relu);
    let shortcut = if stride == 1 && g.channels(x) == out {
        x
    } else {
        g.conv(active, &format!("{name}.shortcut.0"), out, 1, stride)
    };
    let mut y = active;
    for (number, &(out, kernel, stride)) in (1..).zip(layers) {
        if number > 1 {
            y = g.batch_norm(y, &format!("{name}.bn{number}"), Relu);
        }
        y = g.conv(y, &format!("{name}.conv{number}"), out, kernel, stride);
    }
    g.add(y, shortcut, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_parameters_is_the_published_one() {
        let count: usize =
            preact_resnet::<18>(10).parameters().values().map(|shape| shape.iter().product::<usize>()).sum();
        assert_eq!(count, 11_171_146);
    }
}
