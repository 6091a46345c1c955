//! EfficientNet and EfficientNetV2 with torchvision's names (Tan & Le 2019, 2021): inverted residuals with SiLU and
//! squeeze-and-excitation, or with one full convolution for two; training skips blocks at random.

use kernels::Nonlinearity::{Sigmoid, Silu};

use super::mobile::{Layer, Then, block, divisible_by_8, squeeze_excite};
use crate::{
    graph::{Graph, GraphBuilder, NormSettings, Value},
    spelling,
};

const SILU: Then = Then::Function(Silu);

/// How often the last block would be skipped; earlier ones less often, in proportion to their number.
const SKIPPED: f64 = 0.2;

/// Blocks of one stage.
#[derive(Debug, Clone, Copy)]
struct Stage {
    /// Whether a full convolution stands for the first 1×1 and the depthwise one, without squeeze-and-excitation.
    fused: bool,
    /// How much wider blocks are inside.
    wider: usize,
    kernel: usize,
    /// Of the first block.
    stride: usize,
    out: usize,
    depth: usize,
}

const fn plain([wider, kernel, stride, out, depth]: [usize; 5]) -> Stage {
    Stage { fused: false, wider, kernel, stride, out, depth }
}

const fn fused([wider, kernel, stride, out, depth]: [usize; 5]) -> Stage {
    Stage { fused: true, ..plain([wider, kernel, stride, out, depth]) }
}

/// EfficientNet-B0; the others are wider and deeper.
const B0: [Stage; 7] = [
    plain([1, 3, 1, 16, 1]),
    plain([6, 3, 2, 24, 2]),
    plain([6, 5, 2, 40, 2]),
    plain([6, 3, 2, 80, 3]),
    plain([6, 5, 1, 112, 3]),
    plain([6, 5, 2, 192, 4]),
    plain([6, 3, 1, 320, 1]),
];

const SMALL: [Stage; 6] = [
    fused([1, 3, 1, 24, 2]),
    fused([4, 3, 2, 48, 4]),
    fused([4, 3, 2, 64, 4]),
    plain([4, 3, 2, 128, 6]),
    plain([6, 3, 1, 160, 9]),
    plain([6, 3, 2, 256, 15]),
];

const MEDIUM: [Stage; 7] = [
    fused([1, 3, 1, 24, 3]),
    fused([4, 3, 2, 48, 5]),
    fused([4, 3, 2, 80, 5]),
    plain([4, 3, 2, 160, 7]),
    plain([6, 3, 1, 176, 14]),
    plain([6, 3, 2, 304, 18]),
    plain([6, 3, 1, 512, 5]),
];

const LARGE: [Stage; 7] = [
    fused([1, 3, 1, 32, 4]),
    fused([4, 3, 2, 64, 7]),
    fused([4, 3, 2, 96, 7]),
    plain([4, 3, 2, 192, 10]),
    plain([6, 3, 1, 224, 19]),
    plain([6, 3, 2, 384, 25]),
    plain([6, 3, 1, 640, 7]),
];

/// `efficientnet_b0` … `efficientnet_b7`.
pub(crate) fn scaled<const NUMBER: usize>(classes: usize) -> Graph {
    let norms = match NUMBER {
        0..5 => NormSettings::default(),
        _ => NormSettings { epsilon: 0.001, momentum: 0.01 },
    };
    with_norms(NUMBER, norms, classes)
}

/// timm's `efficientnet_b5` … `efficientnet_b7`: all its batch-norms have PyTorch's ε.
pub(crate) fn timm<const NUMBER: usize>(classes: usize) -> Graph {
    with_norms(NUMBER, NormSettings::default(), classes).respelled(spelling::efficientnet)
}

fn with_norms(number: usize, norms: NormSettings, classes: usize) -> Graph {
    let (wide, deep, dropout) = match number {
        0 => (1.0, 1.0, 0.2),
        1 => (1.0, 1.1, 0.2),
        2 => (1.1, 1.2, 0.3),
        3 => (1.2, 1.4, 0.3),
        4 => (1.4, 1.8, 0.4),
        5 => (1.6, 2.2, 0.4),
        6 => (1.8, 2.6, 0.5),
        _ => (2.0, 3.1, 0.5),
    };
    let width = |channels: usize| divisible_by_8(channels as f64 * wide);
    let stage = |stage: Stage| {
        let depth = (stage.depth as f64 * deep).ceil() as usize;
        Stage { out: width(stage.out), depth, ..stage }
    };
    let stages = B0.map(stage);
    efficientnet(&stages, [width(32), 4 * stages[6].out], dropout, norms, classes)
}

/// `efficientnet_v2_s`.
pub(crate) fn v2_small(classes: usize) -> Graph {
    v2(&SMALL, 0.2, classes)
}

/// `efficientnet_v2_m`.
pub(crate) fn v2_medium(classes: usize) -> Graph {
    v2(&MEDIUM, 0.3, classes)
}

/// `efficientnet_v2_l`.
pub(crate) fn v2_large(classes: usize) -> Graph {
    v2(&LARGE, 0.4, classes)
}

fn v2(stages: &[Stage], dropout: f32, classes: usize) -> Graph {
    let norms = NormSettings { epsilon: 0.001, ..NormSettings::default() };
    efficientnet(stages, [stages[0].out, 1280], dropout, norms, classes)
}

fn efficientnet(
    stages: &[Stage],
    [stem, features]: [usize; 2],
    dropout: f32,
    norms: NormSettings,
    classes: usize,
) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    g.set_norms(norms);
    let mut x = block(&mut g, images, "features.0", Layer::full(stem, 3, 2), SILU);
    let (mut number, count) = (0, stages.iter().map(|stage| stage.depth).sum::<usize>());
    for (module, stage) in (1..).zip(stages) {
        for index in 0..stage.depth {
            let skipped = (SKIPPED * number as f64 / count as f64) as f32;
            let of = Stage { stride: if index == 0 { stage.stride } else { 1 }, ..*stage };
            x = of.block(&mut g, x, &format!("features.{module}.{index}.block"), skipped);
            number += 1;
        }
    }
    let x = block(&mut g, x, &format!("features.{}", stages.len() + 1), Layer::pointwise(features), SILU);
    let x = g.global_avg_pool(x);
    let latent = g.dropout(x, dropout);
    g.head(latent, "classifier.1", classes)
}

impl Stage {
    /// A block; plus its input if that has the same shape.
    fn block(self, g: &mut GraphBuilder, x: Value, name: &str, skipped: f32) -> Value {
        let y = if self.fused { self.fused_block(g, x, name) } else { self.plain_block(g, x, name) };
        if self.stride != 1 || g.channels(x) != self.out {
            return y;
        }
        let y = if skipped > 0.0 { g.stochastic_depth(y, skipped) } else { y };
        g.add(y, x, kernels::Activation::None)
    }

    /// A full convolution to more channels and 1×1 to fewer; without more channels, the full convolution alone.
    fn fused_block(self, g: &mut GraphBuilder, x: Value, name: &str) -> Value {
        let inside = g.channels(x) * self.wider;
        let y = block(g, x, &format!("{name}.0"), Layer::full(inside, self.kernel, self.stride), SILU);
        if self.wider == 1 {
            return y;
        }
        block(g, y, &format!("{name}.1"), Layer::pointwise(self.out), Then::Nothing)
    }

    /// 1×1 to more channels, depthwise, squeeze-and-excitation, 1×1 to fewer.
    fn plain_block(self, g: &mut GraphBuilder, x: Value, name: &str) -> Value {
        let inputs = g.channels(x);
        let (mut y, mut module, inside) = (x, 0, inputs * self.wider);
        if self.wider > 1 {
            y = block(g, y, &format!("{name}.0"), Layer::pointwise(inside), SILU);
            module = 1;
        }
        let [depthwise, excitation, last] = [0, 1, 2].map(|next| format!("{name}.{}", module + next));
        let y = block(g, y, &depthwise, Layer::depthwise(inside, self.kernel, self.stride), SILU);
        let y = squeeze_excite(g, y, &excitation, inputs / 4, [SILU, Then::Function(Sigmoid)]);
        block(g, y, &last, Layer::pointwise(self.out), Then::Nothing)
    }
}
