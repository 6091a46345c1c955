//! MobileNetV3 with torchvision's names, and timm's of timm's (Howard et al. 2019): inverted residuals with ReLU or hard swish, some with
//! squeeze-and-excitation.

use kernels::{
    Activation,
    Nonlinearity::{Hardsigmoid, Hardswish},
    blocked::ConvolutionShape,
};

use super::mobile::{
    Layer,
    Then::{self, Nothing, Relu},
    block, divisible_by_8, squeeze_excite,
};
use crate::{
    graph::{Graph, GraphBuilder, NormSettings, Value},
    spelling,
};

const SWISH: Then = Then::Function(Hardswish);

const NORMS: NormSettings = NormSettings { epsilon: 0.001, momentum: 0.01 };

/// A block: kernel, channels inside, channels, whether it has squeeze-and-excitation, the activation, stride.
type Block = (usize, usize, usize, bool, Then, usize);

const SMALL: [Block; 11] = [
    (3, 16, 16, true, Relu, 2),
    (3, 72, 24, false, Relu, 2),
    (3, 88, 24, false, Relu, 1),
    (5, 96, 40, true, SWISH, 2),
    (5, 240, 40, true, SWISH, 1),
    (5, 240, 40, true, SWISH, 1),
    (5, 120, 48, true, SWISH, 1),
    (5, 144, 48, true, SWISH, 1),
    (5, 288, 96, true, SWISH, 2),
    (5, 576, 96, true, SWISH, 1),
    (5, 576, 96, true, SWISH, 1),
];

const LARGE: [Block; 15] = [
    (3, 16, 16, false, Relu, 1),
    (3, 64, 24, false, Relu, 2),
    (3, 72, 24, false, Relu, 1),
    (5, 72, 40, true, Relu, 2),
    (5, 120, 40, true, Relu, 1),
    (5, 120, 40, true, Relu, 1),
    (3, 240, 80, false, SWISH, 2),
    (3, 200, 80, false, SWISH, 1),
    (3, 184, 80, false, SWISH, 1),
    (3, 184, 80, false, SWISH, 1),
    (3, 480, 112, true, SWISH, 1),
    (3, 672, 112, true, SWISH, 1),
    (5, 672, 160, true, SWISH, 2),
    (5, 960, 160, true, SWISH, 1),
    (5, 960, 160, true, SWISH, 1),
];

/// The small one.
pub(crate) fn mobilenet_v3_small(classes: usize) -> Graph {
    mobilenet(&SMALL, 1024, Of::Torchvision, classes)
}

/// The large one.
pub(crate) fn mobilenet_v3_large(classes: usize) -> Graph {
    mobilenet(&LARGE, 1280, Of::Torchvision, classes)
}

/// timm's small one of width 1.
pub(crate) fn mobilenetv3_small_100(classes: usize) -> Graph {
    mobilenet(&SMALL, 1024, Of::Timm, classes).respelled(spelling::mobilenet_v3::<true>)
}

/// timm's large one of width 1.
pub(crate) fn mobilenetv3_large_100(classes: usize) -> Graph {
    mobilenet(&LARGE, 1280, Of::Timm, classes).respelled(spelling::mobilenet_v3::<false>)
}

/// Whose it is. timm's has PyTorch's batch-norms, a convolution for the linear layer before the classifier, and no dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Torchvision,
    Timm,
}

fn mobilenet(blocks: &[Block], features: usize, of: Of, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    if of == Of::Torchvision {
        g.set_norms(NORMS);
    }
    let mut x = block(&mut g, images, "features.0", Layer::full(16, 3, 2), SWISH);
    for (module, &of) in (1..).zip(blocks) {
        x = inverted(&mut g, x, &format!("features.{module}.block"), of);
    }
    let (last, out) = (format!("features.{}", blocks.len() + 1), 6 * g.channels(x));
    let x = block(&mut g, x, &last, Layer::pointwise(out), SWISH);
    let x = g.global_avg_pool(x);
    if of == Of::Timm {
        let shape = ConvolutionShape::same([out, features], 1, 1);
        let x = g.convolution(x, "classifier.0", shape, true, Activation::None);
        let latent = g.nonlinear(x, Hardswish);
        return g.head(latent, "classifier.3", classes);
    }
    let x = g.linear(x, "classifier.0", [1, 1], features, Activation::None);
    let x = g.nonlinear(x, Hardswish);
    let latent = g.dropout(x, 0.2);
    g.head(latent, "classifier.3", classes)
}

/// 1×1 to more channels if there are more, depthwise, squeeze-and-excitation, 1×1 to fewer; plus its input if that has the same shape.
fn inverted(g: &mut GraphBuilder, x: Value, name: &str, of: Block) -> Value {
    let (kernel, inside, out, excites, then, stride) = of;
    let (mut y, mut module) = (x, 0);
    let mut next = || {
        module += 1;
        format!("{name}.{}", module - 1)
    };
    if inside != g.channels(x) {
        y = block(g, y, &next(), Layer::pointwise(inside), then);
    }
    y = block(g, y, &next(), Layer::depthwise(inside, kernel, stride), then);
    if excites {
        let squeezed = divisible_by_8((inside / 4) as f64);
        y = squeeze_excite(g, y, &next(), squeezed, [Relu, Then::Function(Hardsigmoid)]);
    }
    let y = block(g, y, &next(), Layer::pointwise(out), Nothing);
    if stride == 1 && g.channels(x) == out { g.add(y, x, Activation::None) } else { y }
}
