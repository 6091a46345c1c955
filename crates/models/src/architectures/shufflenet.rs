//! ShuffleNetV2 with torchvision's names (Ma et al. 2018): half of the channels pass a block by, then both halves are shuffled.

use kernels::Pool2d;

use super::mobile::{Layer, Then, normalised};
use crate::graph::{Graph, GraphBuilder, Value};

/// Blocks of each stage.
const DEPTHS: [usize; 3] = [4, 8, 4];

/// `shufflenet_v2_x0_5` … `shufflenet_v2_x2_0`: ten times the width.
pub(crate) fn shufflenet<const TENTHS: usize>(classes: usize) -> Graph {
    let (widths, features) = match TENTHS {
        5 => ([48, 96, 192], 1024),
        10 => ([116, 232, 464], 1024),
        15 => ([176, 352, 704], 1024),
        _ => ([244, 488, 976], 2048),
    };
    let (mut g, images) = GraphBuilder::images(3);
    let x = normalised(&mut g, images, ["conv1.0", "conv1.1"], Layer::full(24, 3, 2), Then::Relu);
    let mut x = g.max_pool(x, Pool2d { padding: 1, ..Pool2d::new(3, 2) });
    for (stage, (width, depth)) in (2..).zip(widths.into_iter().zip(DEPTHS)) {
        x = halving(&mut g, x, &format!("stage{stage}.0"), width);
        for index in 1..depth {
            x = keeping(&mut g, x, &format!("stage{stage}.{index}"));
        }
    }
    let x = normalised(&mut g, x, ["conv5.0", "conv5.1"], Layer::pointwise(features), Then::Relu);
    let latent = g.global_avg_pool(x);
    g.head(latent, "fc", classes)
}

/// Half the rows and columns: two branches from all channels.
fn halving(g: &mut GraphBuilder, x: Value, name: &str, width: usize) -> Value {
    let (branch, inputs) = (format!("{name}.branch1"), g.channels(x));
    let one = numbered(g, x, &branch, 0, Layer::depthwise(inputs, 3, 2), Then::Nothing);
    let one = numbered(g, one, &branch, 2, Layer::pointwise(width / 2), Then::Relu);
    let two = branch2(g, x, name, width / 2, 2);
    let both = g.concatenate(&[one, two]);
    g.shuffle(both, 2)
}

/// The same size: the second half of the channels goes through a branch.
fn keeping(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let channels = g.channels(x);
    let passed = g.some_channels(x, 0..channels / 2);
    let changed = g.some_channels(x, channels / 2..channels);
    let changed = branch2(g, changed, name, channels / 2, 1);
    let both = g.concatenate(&[passed, changed]);
    g.shuffle(both, 2)
}

/// 1×1, 3×3 depthwise without activation, 1×1.
fn branch2(g: &mut GraphBuilder, x: Value, name: &str, width: usize, stride: usize) -> Value {
    let branch = format!("{name}.branch2");
    let x = numbered(g, x, &branch, 0, Layer::pointwise(width), Then::Relu);
    let x = numbered(g, x, &branch, 3, Layer::depthwise(width, 3, stride), Then::Nothing);
    numbered(g, x, &branch, 5, Layer::pointwise(width), Then::Relu)
}

/// A convolution and the batch-norm numbered after it.
fn numbered(g: &mut GraphBuilder, x: Value, name: &str, first: usize, layer: Layer, then: Then) -> Value {
    normalised(g, x, [&format!("{name}.{first}"), &format!("{name}.{}", first + 1)], layer, then)
}
