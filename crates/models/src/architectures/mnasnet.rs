//! MnasNet-B1 with torchvision's names (Tan et al. 2019): inverted residuals with ReLU, kernels of 3 and 5, in four widths.

use kernels::Activation;

use super::mobile::{Layer, Then, divisible_by_8, normalised};
use crate::graph::{Graph, GraphBuilder, NormSettings, Value};

/// Of each stack: how much wider its blocks are inside, channels at width 1, kernel, blocks, stride of the first.
const STACKS: [(usize, usize, usize, usize, usize); 6] = [
    (3, 24, 3, 3, 2),
    (3, 40, 5, 3, 2),
    (6, 80, 5, 3, 2),
    (6, 96, 3, 2, 1),
    (6, 192, 5, 4, 2),
    (6, 320, 3, 1, 1),
];

/// The statistics forget slowly: 0.9997 of them stays.
const NORMS: NormSettings = NormSettings { epsilon: 1e-5, momentum: 1.0 - 0.9997 };

/// `mnasnet0_5` … `mnasnet1_3`: the width in percent.
pub(crate) fn mnasnet<const PERCENT: usize>(classes: usize) -> Graph {
    let width = |channels: usize| divisible_by_8((channels * PERCENT) as f64 / 100.0);
    let (mut g, images) = GraphBuilder::images(3);
    g.set_norms(NORMS);
    let stem = width(32);
    let mut x = numbered(&mut g, images, "layers", 0, Layer::full(stem, 3, 2), Then::Relu);
    x = numbered(&mut g, x, "layers", 3, Layer::depthwise(stem, 3, 1), Then::Relu);
    x = numbered(&mut g, x, "layers", 6, Layer::pointwise(width(16)), Then::Nothing);
    for (stack, (wider, channels, kernel, depth, stride)) in (8..).zip(STACKS) {
        for index in 0..depth {
            let stride = if index == 0 { stride } else { 1 };
            let name = format!("layers.{stack}.{index}.layers");
            x = inverted(&mut g, x, &name, [wider, width(channels)], [kernel, stride]);
        }
    }
    let x = numbered(&mut g, x, "layers", 14, Layer::pointwise(1280), Then::Relu);
    let x = g.global_avg_pool(x);
    let latent = g.dropout(x, 0.2);
    g.head(latent, "classifier.1", classes)
}

/// 1×1 to more channels, depthwise, 1×1 to fewer; plus its input if that has the same shape.
fn inverted(
    g: &mut GraphBuilder,
    x: Value,
    name: &str,
    [wider, out]: [usize; 2],
    [kernel, stride]: [usize; 2],
) -> Value {
    let inside = g.channels(x) * wider;
    let y = numbered(g, x, name, 0, Layer::pointwise(inside), Then::Relu);
    let y = numbered(g, y, name, 3, Layer::depthwise(inside, kernel, stride), Then::Relu);
    let y = numbered(g, y, name, 6, Layer::pointwise(out), Then::Nothing);
    if stride == 1 && g.channels(x) == out { g.add(y, x, Activation::None) } else { y }
}

/// Modules are numbered in their order: convolution, batch-norm, ReLU, …
fn numbered(g: &mut GraphBuilder, x: Value, name: &str, first: usize, layer: Layer, then: Then) -> Value {
    normalised(g, x, [&format!("{name}.{first}"), &format!("{name}.{}", first + 1)], layer, then)
}
