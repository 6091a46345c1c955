//! MobileNetV2 with torchvision's names (Sandler et al. 2018): inverted residuals with ReLU6, and sums without activation.

use kernels::Nonlinearity::Relu6;

use super::mobile::{Layer, Then, block, normalised};
use crate::graph::{Graph, GraphBuilder, Value};

const RELU6: Then = Then::Function(Relu6);

/// Of each stage: how much wider its blocks are inside, channels, blocks, stride of the first.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

/// MobileNetV2 of width 1.
pub(crate) fn mobilenet_v2(classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = block(&mut g, images, "features.0", Layer::full(32, 3, 2), RELU6);
    let mut module = 1;
    for (wider, out, depth, stride) in STAGES {
        for index in 0..depth {
            let stride = if index == 0 { stride } else { 1 };
            x = inverted(&mut g, x, &format!("features.{module}.conv"), [wider, out], stride);
            module += 1;
        }
    }
    let x = block(&mut g, x, &format!("features.{module}"), Layer::pointwise(1280), RELU6);
    let x = g.global_avg_pool(x);
    let latent = g.dropout(x, 0.2);
    g.head(latent, "classifier.1", classes)
}

/// 1×1 to more channels, 3×3 depthwise, 1×1 to fewer; plus its input if that has the same shape.
fn inverted(g: &mut GraphBuilder, x: Value, name: &str, [wider, out]: [usize; 2], stride: usize) -> Value {
    let (mut y, mut module, inside) = (x, 0, g.channels(x) * wider);
    if wider > 1 {
        y = block(g, y, &format!("{name}.{module}"), Layer::pointwise(inside), RELU6);
        module += 1;
    }
    y = block(g, y, &format!("{name}.{module}"), Layer::depthwise(inside, 3, stride), RELU6);
    let names = [format!("{name}.{}", module + 1), format!("{name}.{}", module + 2)];
    let y = normalised(g, y, [&names[0], &names[1]], Layer::pointwise(out), Then::Nothing);
    if stride == 1 && g.channels(x) == out { g.add(y, x, kernels::Activation::None) } else { y }
}
