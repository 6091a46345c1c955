//! Inception-v3 for 32×32 images (Szegedy et al. 2016), as in the `robustness` library (after weiaicunzai's pytorch-cifar100): the
//! stem keeps the size, and there is no auxiliary classifier.

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use crate::graph::{Graph, GraphBuilder, Value};

/// Mean over 3×3 pixels that keeps the size.
const SMOOTH: Pool2d = Pool2d { padding: 1, ..Pool2d::new(3, 1) };

/// A convolution, its batch-norm and ReLU: channels, rows and columns of the kernel, stride; a stride of 1 keeps the size.
type Layer = (usize, [usize; 2], usize);

const fn one(out: usize) -> Layer {
    (out, [1, 1], 1)
}

const fn three(out: usize) -> Layer {
    (out, [3, 3], 1)
}

/// 3×3 with stride 2 and no padding.
const fn halve(out: usize) -> Layer {
    (out, [3, 3], 2)
}

/// Seven rows.
const fn tall(out: usize) -> Layer {
    (out, [7, 1], 1)
}

/// Seven columns.
const fn flat(out: usize) -> Layer {
    (out, [1, 7], 1)
}

/// Inception-v3.
pub(crate) fn inceptionv3(classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let mut x = images;
    let stem = [("1a_3x3", three(32)), ("2a_3x3", three(32)), ("2b_3x3", three(64)), ("3b_1x1", one(80))];
    for (name, layer) in stem {
        x = conv(&mut g, x, &format!("Conv2d_{name}"), layer);
    }
    let unpadded = ConvolutionShape { padding: [0; 2], ..ConvolutionShape::same([80, 192], 3, 1) };
    x = basic(&mut g, x, "Conv2d_4a_3x3", unpadded);
    for (name, pooled) in [("5b", 32), ("5c", 64), ("5d", 64)] {
        x = mixed5(&mut g, x, &format!("Mixed_{name}"), pooled);
    }
    x = mixed6a(&mut g, x, "Mixed_6a");
    for (name, width) in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)] {
        x = mixed6(&mut g, x, &format!("Mixed_{name}"), width);
    }
    x = mixed7a(&mut g, x, "Mixed_7a");
    for name in ["Mixed_7b", "Mixed_7c"] {
        x = mixed7(&mut g, x, name);
    }
    let x = g.global_avg_pool(x);
    let latent = g.dropout(x, 0.5);
    g.head(latent, "linear", classes)
}

fn mixed5(g: &mut GraphBuilder, x: Value, name: &str, pooled: usize) -> Value {
    let ones = conv(g, x, &format!("{name}.branch1x1"), one(64));
    let fives = chain(g, x, &format!("{name}.branch5x5"), 0, &[one(48), (64, [5, 5], 1)]);
    let threes = chain(g, x, &format!("{name}.branch3x3"), 0, &[one(64), three(96), three(96)]);
    let smooth = g.avg_pool(x, SMOOTH);
    let smooth = chain(g, smooth, &format!("{name}.branchpool"), 1, &[three(pooled)]);
    g.concatenate(&[ones, fives, threes, smooth])
}

fn mixed6a(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let threes = conv(g, x, &format!("{name}.branch3x3"), halve(384));
    let stack = chain(g, x, &format!("{name}.branch3x3stack"), 0, &[one(64), three(96), halve(96)]);
    let largest = g.max_pool(x, Pool2d::new(3, 2));
    g.concatenate(&[threes, stack, largest])
}

fn mixed6(g: &mut GraphBuilder, x: Value, name: &str, width: usize) -> Value {
    let ones = conv(g, x, &format!("{name}.branch1x1"), one(192));
    let sevens = chain(g, x, &format!("{name}.branch7x7"), 0, &[one(width), tall(width), flat(192)]);
    let stack = [one(width), tall(width), flat(width), tall(width), flat(192)];
    let stack = chain(g, x, &format!("{name}.branch7x7stack"), 0, &stack);
    let smooth = g.avg_pool(x, SMOOTH);
    let smooth = chain(g, smooth, &format!("{name}.branch_pool"), 1, &[one(192)]);
    g.concatenate(&[ones, sevens, stack, smooth])
}

fn mixed7a(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let threes = chain(g, x, &format!("{name}.branch3x3"), 0, &[one(192), halve(320)]);
    let sevens = [one(192), flat(192), tall(192), halve(192)];
    let sevens = chain(g, x, &format!("{name}.branch7x7"), 0, &sevens);
    let smooth = g.avg_pool(x, Pool2d::new(3, 2));
    g.concatenate(&[threes, sevens, smooth])
}

fn mixed7(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let ones = conv(g, x, &format!("{name}.branch1x1"), one(320));
    let threes = conv(g, x, &format!("{name}.branch3x3_1"), one(384));
    let threes = cross(g, threes, &format!("{name}.branch3x3_2"));
    let stack = conv(g, x, &format!("{name}.branch3x3stack_1"), one(448));
    let stack = conv(g, stack, &format!("{name}.branch3x3stack_2"), three(384));
    let stack = cross(g, stack, &format!("{name}.branch3x3stack_3"));
    let smooth = g.avg_pool(x, SMOOTH);
    let smooth = chain(g, smooth, &format!("{name}.branch_pool"), 1, &[one(192)]);
    g.concatenate(&[ones, threes, stack, smooth])
}

/// Three columns and three rows side by side.
fn cross(g: &mut GraphBuilder, x: Value, name: &str) -> Value {
    let flat = conv(g, x, &format!("{name}a"), (384, [1, 3], 1));
    let tall = conv(g, x, &format!("{name}b"), (384, [3, 1], 1));
    g.concatenate(&[flat, tall])
}

/// Layers one after the other, numbered from `first`.
fn chain(g: &mut GraphBuilder, x: Value, name: &str, first: usize, layers: &[Layer]) -> Value {
    let numbered = layers.iter().zip(first..);
    numbered.fold(x, |x, (&layer, index)| conv(g, x, &format!("{name}.{index}"), layer))
}

fn conv(g: &mut GraphBuilder, x: Value, name: &str, (out, kernel, stride): Layer) -> Value {
    let padding = if stride == 1 { kernel.map(|side| side / 2) } else { [0; 2] };
    let shape =
        ConvolutionShape { kernel, padding, ..ConvolutionShape::same([g.channels(x), out], 1, stride) };
    basic(g, x, name, shape)
}

fn basic(g: &mut GraphBuilder, x: Value, name: &str, shape: ConvolutionShape) -> Value {
    let y = g.convolution(x, &format!("{name}.conv"), shape, false, Activation::None);
    g.batch_norm(y, &format!("{name}.bn"), Activation::Relu)
}
