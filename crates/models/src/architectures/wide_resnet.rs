//! Wide residual networks for 32×32 images (Zagoruyko & Komodakis 2016): batch-norm and an activation before each convolution. With
//! ReLU and the names of xternalz' WideResNet-pytorch, which the literature on robustness uses; with SiLU and the names of Gowal et al.
//! 2020, whose strides pad as TensorFlow's `SAME` does, behind the image alone.

use kernels::{
    Activation::{None, Relu},
    Nonlinearity::Silu,
    blocked::ConvolutionShape,
};

use crate::graph::{Graph, GraphBuilder, Value};

/// `wide_resnet28_10` … `wide_resnet70_16`: layers, and how many times as wide as the ResNets of He et al.
pub(crate) fn relu<const LAYERS: usize, const TIMES: usize>(classes: usize) -> Graph {
    wide(LAYERS, TIMES, false, classes)
}

/// `wide_resnet28_10_swish` … `wide_resnet70_16_swish`.
pub(crate) fn swish<const LAYERS: usize, const TIMES: usize>(classes: usize) -> Graph {
    wide(LAYERS, TIMES, true, classes)
}

/// Three stages.
fn wide(layers: usize, times: usize, is_swish: bool, classes: usize) -> Graph {
    let names = if is_swish { GOWAL } else { XTERNALZ };
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = g.conv(images, names.stem, 16, 3, 1);
    for stage in 0..3 {
        for index in 0..(layers - 4) / 6 {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            x = names.block(&mut g, x, &(names.of_block)(stage, index), (16 * times) << stage, stride);
        }
    }
    let x = names.active(&mut g, x, names.head[0]);
    let latent = g.global_avg_pool(x);
    g.head(latent, names.head[1], classes)
}

/// What modules are called; and what tells the two apart besides.
#[derive(Debug, Clone, Copy)]
struct Names {
    stem: &'static str,
    of_block: fn(usize, usize) -> String,
    /// In a block: both norms, both convolutions, the shortcut.
    parts: [&'static str; 5],
    /// The last norm and the classifier.
    head: [&'static str; 2],
    is_swish: bool,
}

const XTERNALZ: Names = Names {
    stem: "conv1",
    of_block: |stage, index| format!("block{}.layer.{index}", stage + 1),
    parts: ["bn1", "bn2", "conv1", "conv2", "convShortcut"],
    head: ["bn1", "fc"],
    is_swish: false,
};

const GOWAL: Names = Names {
    stem: "init_conv",
    of_block: |stage, index| format!("layer.{stage}.block.{index}"),
    parts: ["batchnorm_0", "batchnorm_1", "conv_0", "conv_1", "shortcut"],
    head: ["batchnorm", "logits"],
    is_swish: true,
};

impl Names {
    /// Where the number of channels changes, the shortcut begins behind the first activation.
    fn block(self, g: &mut GraphBuilder, x: Value, name: &str, width: usize, stride: usize) -> Value {
        let [norm1, norm2, conv1, conv2, shortcut] = self.parts.map(|part| format!("{name}.{part}"));
        let active = self.active(g, x, &norm1);
        let shortcut = if g.channels(x) == width { x } else { g.conv(active, &shortcut, width, 1, stride) };
        let y = self.first(g, active, &conv1, width, stride);
        let y = self.active(g, y, &norm2);
        let y = g.conv(y, &conv2, width, 3, 1);
        g.add(y, shortcut, None)
    }

    /// 3×3; with a stride padded on both sides, or behind alone.
    fn first(self, g: &mut GraphBuilder, x: Value, module: &str, width: usize, stride: usize) -> Value {
        if !self.is_swish || stride == 1 {
            return g.conv(x, module, width, 3, stride);
        }
        let x = g.border(x, [0; 2], [1; 2]);
        let shape =
            ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([g.channels(x), width], 3, stride) };
        g.convolution(x, module, shape, false, None)
    }

    fn active(self, g: &mut GraphBuilder, x: Value, norm: &str) -> Value {
        if !self.is_swish {
            return g.batch_norm(x, norm, Relu);
        }
        let x = g.batch_norm(x, norm, None);
        g.nonlinear(x, Silu)
    }
}
