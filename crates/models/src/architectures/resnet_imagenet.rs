//! Residual networks for larger images, with torchvision's names: a 7×7 stem of stride 2, a maximum pool, four stages (He et al.
//! 2016); with groups (ResNeXt, Xie et al. 2017), wider inside (Zagoruyko & Komodakis 2016), with leaky ReLU (as in the `robustness`
//! library), or with a stem of three convolutions and shortcuts of means (ResNet-D, He et al. 2019, with timm's names).

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use crate::graph::{Graph, GraphBuilder, Value};

/// What tells these networks apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// Whether a block is 1×1, 3×3, 1×1 to four times the width, instead of two 3×3 convolutions.
    bottleneck: bool,
    /// Blocks of each stage.
    depths: [usize; 4],
    /// Groups of the 3×3 convolutions of a bottleneck.
    groups: usize,
    /// Channels of a group in the first stage; 64 in one group is the plain network.
    width: usize,
    /// Slope of the ReLU for negative values.
    slope: f32,
    /// Whether it is ResNet-D.
    deep: bool,
}

const PLAIN: Form =
    Form { bottleneck: false, depths: [2, 2, 2, 2], groups: 1, width: 64, slope: 0.0, deep: false };

/// PyTorch's default.
const LEAKY: f32 = 0.01;

/// The forms of ResNets by their number of layers.
const fn layers(count: usize) -> Form {
    match count {
        18 => PLAIN,
        34 => Form { depths: [3, 4, 6, 3], ..PLAIN },
        50 => Form { depths: [3, 4, 6, 3], bottleneck: true, ..PLAIN },
        101 => Form { depths: [3, 4, 23, 3], bottleneck: true, ..PLAIN },
        152 => Form { depths: [3, 8, 36, 3], bottleneck: true, ..PLAIN },
        _ => panic!("a ResNet has 18, 34, 50, 101 or 152 layers"),
    }
}

/// `resnet18` … `resnet152`.
pub(crate) fn plain<const LAYERS: usize>(classes: usize) -> Graph {
    const { layers(LAYERS) }.graph(classes)
}

/// `leaky_resnet18` … `leaky_resnet152`.
pub(crate) fn leaky<const LAYERS: usize>(classes: usize) -> Graph {
    Form { slope: LEAKY, ..const { layers(LAYERS) } }.graph(classes)
}

/// `resnet18d` … `resnet101d`.
pub(crate) fn deep<const LAYERS: usize>(classes: usize) -> Graph {
    Form { deep: true, ..const { layers(LAYERS) } }.graph(classes)
}

/// `wide_resnet50_2` … `wide_resnet101_2`: `TIMES` as wide inside.
pub(crate) fn wide<const LAYERS: usize, const TIMES: usize>(classes: usize) -> Graph {
    Form { width: 64 * TIMES, ..const { layers(LAYERS) } }.graph(classes)
}

/// `resnext50_32x4d`, `resnext101_32x8d`: 32 groups of `WIDTH` channels.
pub(crate) fn resnext<const LAYERS: usize, const WIDTH: usize>(classes: usize) -> Graph {
    Form { groups: 32, width: WIDTH, ..const { layers(LAYERS) } }.graph(classes)
}

/// `resnext101_64x4d`: 64 groups of 4 channels.
pub(crate) fn resnext101_64x4d(classes: usize) -> Graph {
    Form { groups: 64, width: 4, ..const { layers(101) } }.graph(classes)
}

impl Form {
    fn graph(self, classes: usize) -> Graph {
        let (mut g, images) = GraphBuilder::images(3);
        let x = if self.deep { deep_stem(&mut g, images) } else { g.conv(images, "conv1", 64, 7, 2) };
        let x = self.normalised(&mut g, x, "bn1");
        let mut x = g.max_pool(x, Pool2d { padding: 1, ..Pool2d::new(3, 2) });
        for (stage, depth) in self.depths.into_iter().enumerate() {
            for index in 0..depth {
                let stride = if stage > 0 && index == 0 { 2 } else { 1 };
                x = self.block(&mut g, x, &format!("layer{}.{index}", stage + 1), 64 << stage, stride);
            }
        }
        let latent = g.global_avg_pool(x);
        g.head(latent, "fc", classes)
    }

    fn block(self, g: &mut GraphBuilder, x: Value, name: &str, planes: usize, stride: usize) -> Value {
        let out = if self.bottleneck { 4 * planes } else { planes };
        let y = if self.bottleneck {
            self.bottleneck(g, x, name, planes, stride)
        } else {
            let y = g.conv(x, &format!("{name}.conv1"), planes, 3, stride);
            let y = self.normalised(g, y, &format!("{name}.bn1"));
            let y = g.conv(y, &format!("{name}.conv2"), planes, 3, 1);
            g.batch_norm(y, &format!("{name}.bn2"), Activation::None)
        };
        let shortcut = if stride == 1 && g.channels(x) == out {
            x
        } else if self.deep {
            shortcut_of_means(g, x, name, out, stride)
        } else {
            let s = g.conv(x, &format!("{name}.downsample.0"), out, 1, stride);
            g.batch_norm(s, &format!("{name}.downsample.1"), Activation::None)
        };
        let sum = g.add(y, shortcut, self.activation());
        self.leak(g, sum)
    }

    /// The stride is that of the 3×3 convolution.
    fn bottleneck(self, g: &mut GraphBuilder, x: Value, name: &str, planes: usize, stride: usize) -> Value {
        let width = planes * self.width / 64 * self.groups;
        let y = g.conv(x, &format!("{name}.conv1"), width, 1, 1);
        let y = self.normalised(g, y, &format!("{name}.bn1"));
        let shape = ConvolutionShape { groups: self.groups, ..ConvolutionShape::same([width; 2], 3, stride) };
        let y = g.convolution(y, &format!("{name}.conv2"), shape, false, Activation::None);
        let y = self.normalised(g, y, &format!("{name}.bn2"));
        let y = g.conv(y, &format!("{name}.conv3"), 4 * planes, 1, 1);
        g.batch_norm(y, &format!("{name}.bn3"), Activation::None)
    }

    fn normalised(self, g: &mut GraphBuilder, x: Value, module: &str) -> Value {
        let x = g.batch_norm(x, module, self.activation());
        self.leak(g, x)
    }

    /// The activation that joins what is before it.
    fn activation(self) -> Activation {
        if self.slope == 0.0 { Activation::Relu } else { Activation::None }
    }

    /// Leaky ReLU, which joins nothing.
    fn leak(self, g: &mut GraphBuilder, x: Value) -> Value {
        if self.slope == 0.0 { x } else { g.leaky_relu(x, self.slope) }
    }
}

/// Three 3×3 convolutions, the last without a norm.
fn deep_stem(g: &mut GraphBuilder, images: Value) -> Value {
    let x = g.conv(images, "conv1.0", 32, 3, 2);
    let x = g.batch_norm(x, "conv1.1", Activation::Relu);
    let x = g.conv(x, "conv1.3", 32, 3, 1);
    let x = g.batch_norm(x, "conv1.4", Activation::Relu);
    g.conv(x, "conv1.6", 64, 3, 1)
}

/// Means of squares where there is a stride, then a 1×1 convolution.
fn shortcut_of_means(g: &mut GraphBuilder, x: Value, name: &str, out: usize, stride: usize) -> Value {
    let x = if stride > 1 { g.avg_pool(x, Pool2d { ceil: true, ..Pool2d::new(2, stride) }) } else { x };
    let x = g.conv(x, &format!("{name}.downsample.1"), out, 1, 1);
    g.batch_norm(x, &format!("{name}.downsample.2"), Activation::None)
}
