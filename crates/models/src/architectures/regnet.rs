//! RegNet with torchvision's names, or timm's where torchvision has no such size (Radosavovic et al. 2020): bottlenecks with groups of one width; RegNetY with
//! squeeze-and-excitation. Widths and depths come from a quantised line in the paper; here is what it comes to.

use kernels::{Activation, Nonlinearity::Sigmoid};

use super::mobile::{
    Layer,
    Then::{self, Nothing, Relu},
    block, squeeze_excite,
};
use crate::{
    graph::{Graph, GraphBuilder, Value},
    spelling,
};

/// A RegNet.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// Whether it is RegNetY.
    excites: bool,
    /// Blocks of each stage.
    depths: [usize; 4],
    /// Channels of each stage.
    widths: [usize; 4],
    /// Channels of a group; of all, where there are fewer.
    group: usize,
}

const fn x(depths: [usize; 4], widths: [usize; 4], group: usize) -> Form {
    Form { excites: false, depths, widths, group }
}

const fn y(depths: [usize; 4], widths: [usize; 4], group: usize) -> Form {
    Form { excites: true, ..x(depths, widths, group) }
}

/// `regnet_x_400mf` … `regnet_x_32gf`: millions of multiplications for an image of 224 pixels.
pub(crate) fn regnet_x<const MILLIONS: usize>(classes: usize) -> Graph {
    let form = match MILLIONS {
        400 => x([1, 2, 7, 12], [32, 64, 160, 400], 16),
        800 => x([1, 3, 7, 5], [64, 128, 288, 672], 16),
        1600 => x([2, 4, 10, 2], [72, 168, 408, 912], 24),
        3200 => x([2, 6, 15, 2], [96, 192, 432, 1008], 48),
        8000 => x([2, 5, 15, 1], [80, 240, 720, 1920], 120),
        16000 => x([2, 6, 13, 1], [256, 512, 896, 2048], 128),
        _ => x([2, 7, 13, 1], [336, 672, 1344, 2520], 168),
    };
    form.graph(classes)
}

/// `regnet_y_400mf` … `regnet_y_128gf`.
pub(crate) fn regnet_y<const MILLIONS: usize>(classes: usize) -> Graph {
    let form = match MILLIONS {
        400 => y([1, 3, 6, 6], [48, 104, 208, 440], 8),
        800 => y([1, 3, 8, 2], [64, 144, 320, 784], 16),
        1600 => y([2, 6, 17, 2], [48, 120, 336, 888], 24),
        3200 => y([2, 5, 13, 1], [72, 216, 576, 1512], 24),
        8000 => y([2, 4, 10, 1], [224, 448, 896, 2016], 56),
        16000 => y([2, 4, 11, 1], [224, 448, 1232, 3024], 112),
        32000 => y([2, 5, 12, 1], [232, 696, 1392, 3712], 232),
        _ => y([2, 7, 17, 1], [528, 1056, 2904, 7392], 264),
    };
    form.graph(classes)
}

/// timm's `regnety_002` … `regnety_080`, where torchvision has none of this size, or rounds widths otherwise.
pub(crate) fn timm_y<const MILLIONS: usize>(classes: usize) -> Graph {
    let form = const {
        match MILLIONS {
            200 => y([1, 1, 4, 7], [24, 56, 152, 368], 8),
            600 => y([1, 3, 7, 4], [48, 112, 256, 608], 16),
            800 => y([1, 3, 8, 2], [64, 128, 320, 768], 16),
            4000 => y([2, 6, 12, 2], [128, 192, 512, 1088], 64),
            6400 => y([2, 7, 14, 2], [144, 288, 576, 1296], 72),
            8000 => y([2, 4, 10, 1], [168, 448, 896, 2016], 56),
            _ => panic!("200, 600, 800, 4000, 6400 or 8000 million"),
        }
    };
    form.graph(classes).respelled(spelling::regnet)
}

impl Form {
    fn graph(self, classes: usize) -> Graph {
        let (mut g, images) = GraphBuilder::images(3);
        let mut x = block(&mut g, images, "stem", Layer::full(32, 3, 2), Relu);
        for (stage, (depth, width)) in (1..).zip(self.depths.into_iter().zip(self.widths)) {
            for index in 0..depth {
                let name = format!("trunk_output.block{stage}.block{stage}-{index}");
                x = self.block(&mut g, x, &name, width, if index == 0 { 2 } else { 1 });
            }
        }
        let latent = g.global_avg_pool(x);
        g.head(latent, "fc", classes)
    }

    /// 1×1, 3×3 in groups, squeeze-and-excitation to a quarter of the input's channels, 1×1; plus the input, or what 1×1 makes of it.
    fn block(self, g: &mut GraphBuilder, x: Value, name: &str, width: usize, stride: usize) -> Value {
        let inputs = g.channels(x);
        let groups = width / self.group.min(width);
        let y = block(g, x, &format!("{name}.f.a"), Layer::pointwise(width), Relu);
        let grouped = Layer { groups, ..Layer::full(width, 3, stride) };
        let mut y = block(g, y, &format!("{name}.f.b"), grouped, Relu);
        if self.excites {
            y = squeeze_excite(g, y, &format!("{name}.f.se"), inputs / 4, [Relu, Then::Function(Sigmoid)]);
        }
        let y = block(g, y, &format!("{name}.f.c"), Layer::pointwise(width), Nothing);
        let shortcut = if stride == 1 && inputs == width {
            x
        } else {
            block(g, x, &format!("{name}.proj"), Layer::full(width, 1, stride), Nothing)
        };
        g.add(y, shortcut, Activation::Relu)
    }
}
