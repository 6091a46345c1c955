//! Inception-v3 for larger images with torchvision's names (Szegedy et al. 2016), without the auxiliary classifier that only training
//! uses. Images have 75 pixels a side or more; its weights are made for 299.

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use crate::graph::{Graph, GraphBuilder, NormSettings, Value};

const NORMS: NormSettings = NormSettings { epsilon: 0.001, momentum: 0.1 };

/// What halves rows and columns, rounded down.
const HALVE: Pool2d = Pool2d::new(3, 2);

/// Mean over 3×3 pixels that keeps the size.
const SMOOTH: Pool2d = Pool2d { padding: 1, ..Pool2d::new(3, 1) };

/// A convolution, its batch-norm and ReLU: the end of its name, channels, rows and columns of the kernel. The size stays.
type Layer = (&'static str, usize, [usize; 2]);

/// Inception-v3. Its published weights expect pixels of mean 0.5 and standard deviation 0.5.
pub(crate) fn inception_v3(classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    g.set_norms(NORMS);
    let x = unpadded(&mut g, images, "Conv2d_1a_3x3", 32, 2);
    let x = unpadded(&mut g, x, "Conv2d_2a_3x3", 32, 1);
    let x = conv(&mut g, x, "Conv2d_", ("2b_3x3", 64, [3, 3]));
    let x = g.max_pool(x, HALVE);
    let x = conv(&mut g, x, "Conv2d_", ("3b_1x1", 80, [1, 1]));
    let x = unpadded(&mut g, x, "Conv2d_4a_3x3", 192, 1);
    let mut x = g.max_pool(x, HALVE);
    for (name, pooled) in [("5b", 32), ("5c", 64), ("5d", 64)] {
        x = mixed5(&mut g, x, &format!("Mixed_{name}."), pooled);
    }
    x = mixed6a(&mut g, x, "Mixed_6a.");
    for (name, width) in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)] {
        x = mixed6(&mut g, x, &format!("Mixed_{name}."), width);
    }
    x = mixed7a(&mut g, x, "Mixed_7a.");
    for name in ["Mixed_7b.", "Mixed_7c."] {
        x = mixed7(&mut g, x, name);
    }
    let x = g.global_avg_pool(x);
    let latent = g.dropout(x, 0.5);
    g.head(latent, "fc", classes)
}

fn mixed5(g: &mut GraphBuilder, x: Value, name: &str, pooled: usize) -> Value {
    let ones = conv(g, x, name, ("branch1x1", 64, [1, 1]));
    let fives = chain(g, x, name, &[("branch5x5_1", 48, [1, 1]), ("branch5x5_2", 64, [5, 5])]);
    let threes = chain(g, x, name, &DOUBLE);
    let smooth = g.avg_pool(x, SMOOTH);
    let smooth = conv(g, smooth, name, ("branch_pool", pooled, [1, 1]));
    g.concatenate(&[ones, fives, threes, smooth])
}

/// 1×1 and twice 3×3.
const DOUBLE: [Layer; 3] =
    [("branch3x3dbl_1", 64, [1, 1]), ("branch3x3dbl_2", 96, [3, 3]), ("branch3x3dbl_3", 96, [3, 3])];

fn mixed6a(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let threes = unpadded(g, x, &format!("{name}branch3x3"), 384, 2);
    let double = chain(g, x, name, &DOUBLE[..2]);
    let double = unpadded(g, double, &format!("{name}branch3x3dbl_3"), 96, 2);
    let largest = g.max_pool(x, HALVE);
    g.concatenate(&[threes, double, largest])
}

fn mixed6(g: &mut GraphBuilder, x: Value, name: &str, width: usize) -> Value {
    let ones = conv(g, x, name, ("branch1x1", 192, [1, 1]));
    let sevens =
        [("branch7x7_1", width, [1, 1]), ("branch7x7_2", width, [1, 7]), ("branch7x7_3", 192, [7, 1])];
    let sevens = chain(g, x, name, &sevens);
    let double = [
        ("branch7x7dbl_1", width, [1, 1]),
        ("branch7x7dbl_2", width, [7, 1]),
        ("branch7x7dbl_3", width, [1, 7]),
        ("branch7x7dbl_4", width, [7, 1]),
        ("branch7x7dbl_5", 192, [1, 7]),
    ];
    let double = chain(g, x, name, &double);
    let smooth = g.avg_pool(x, SMOOTH);
    let smooth = conv(g, smooth, name, ("branch_pool", 192, [1, 1]));
    g.concatenate(&[ones, sevens, double, smooth])
}

fn mixed7a(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let threes = conv(g, x, name, ("branch3x3_1", 192, [1, 1]));
    let threes = unpadded(g, threes, &format!("{name}branch3x3_2"), 320, 2);
    let sevens =
        [("branch7x7x3_1", 192, [1, 1]), ("branch7x7x3_2", 192, [1, 7]), ("branch7x7x3_3", 192, [7, 1])];
    let sevens = chain(g, x, name, &sevens);
    let sevens = unpadded(g, sevens, &format!("{name}branch7x7x3_4"), 192, 2);
    let largest = g.max_pool(x, HALVE);
    g.concatenate(&[threes, sevens, largest])
}

fn mixed7(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let ones = conv(g, x, name, ("branch1x1", 320, [1, 1]));
    let threes = conv(g, x, name, ("branch3x3_1", 384, [1, 1]));
    let threes = ["branch3x3_2a", "branch3x3_2b"].map(|part| (part, threes));
    let double = chain(g, x, name, &[("branch3x3dbl_1", 448, [1, 1]), ("branch3x3dbl_2", 384, [3, 3])]);
    let double = ["branch3x3dbl_3a", "branch3x3dbl_3b"].map(|part| (part, double));
    // Three columns and three rows side by side.
    let mut cross = |parts: [(&'static str, Value); 2]| {
        let [flat, tall] = parts;
        let flat = conv(g, flat.1, name, (flat.0, 384, [1, 3]));
        let tall = conv(g, tall.1, name, (tall.0, 384, [3, 1]));
        g.concatenate(&[flat, tall])
    };
    let (threes, double) = (cross(threes), cross(double));
    let smooth = g.avg_pool(x, SMOOTH);
    let smooth = conv(g, smooth, name, ("branch_pool", 192, [1, 1]));
    g.concatenate(&[ones, threes, double, smooth])
}

/// Layers one after the other.
fn chain(g: &mut GraphBuilder, x: Value, name: &str, layers: &[Layer]) -> Value {
    layers.iter().fold(x, |x, &layer| conv(g, x, name, layer))
}

fn conv(g: &mut GraphBuilder, x: Value, name: &str, (part, out, kernel): Layer) -> Value {
    let padding = kernel.map(|side| side / 2);
    let shape = ConvolutionShape { kernel, padding, ..ConvolutionShape::same([g.channels(x), out], 1, 1) };
    basic(g, x, &format!("{name}{part}"), shape)
}

/// 3×3 without padding.
fn unpadded(g: &mut GraphBuilder, x: Value, name: &str, out: usize, stride: usize) -> Value {
    let shape =
        ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([g.channels(x), out], 3, stride) };
    basic(g, x, name, shape)
}

fn basic(g: &mut GraphBuilder, x: Value, name: &str, shape: ConvolutionShape) -> Value {
    let y = g.convolution(x, &format!("{name}.conv"), shape, false, Activation::None);
    g.batch_norm(y, &format!("{name}.bn"), Activation::Relu)
}
