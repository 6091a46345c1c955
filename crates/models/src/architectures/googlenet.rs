//! GoogLeNet with torchvision's names (Szegedy et al. 2015), with batch-norm, without the auxiliary classifiers that only training
//! uses, and with 3×3 kernels where the paper has 5×5: so torchvision has it, and weights of it are.

use kernels::{Activation, Pool2d, blocked::ConvolutionShape};

use crate::graph::{Graph, GraphBuilder, NormSettings, Value};

const NORMS: NormSettings = NormSettings { epsilon: 0.001, momentum: 0.1 };

/// What halves rows and columns, rounded up.
const HALVE: Pool2d = Pool2d { ceil: true, ..Pool2d::new(3, 2) };

/// An inception module: its name, channels of 1×1; of 1×1 before 3×3, and of that; the same again; of 1×1 after a maximum.
type Module = (&'static str, [usize; 6]);

const THIRD: [Module; 2] = [("3a", [64, 96, 128, 16, 32, 32]), ("3b", [128, 128, 192, 32, 96, 64])];

const FOURTH: [Module; 5] = [
    ("4a", [192, 96, 208, 16, 48, 64]),
    ("4b", [160, 112, 224, 24, 64, 64]),
    ("4c", [128, 128, 256, 24, 64, 64]),
    ("4d", [112, 144, 288, 32, 64, 64]),
    ("4e", [256, 160, 320, 32, 128, 128]),
];

const FIFTH: [Module; 2] = [("5a", [256, 160, 320, 32, 128, 128]), ("5b", [384, 192, 384, 48, 128, 128])];

/// GoogLeNet. Its published weights expect pixels of mean 0.5 and standard deviation 0.5.
pub(crate) fn googlenet(classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    g.set_norms(NORMS);
    let x = conv(&mut g, images, "conv1", 64, 7, 2);
    let x = g.max_pool(x, HALVE);
    let x = conv(&mut g, x, "conv2", 64, 1, 1);
    let x = conv(&mut g, x, "conv3", 192, 3, 1);
    let mut x = g.max_pool(x, HALVE);
    x = modules(&mut g, x, &THIRD);
    x = g.max_pool(x, HALVE);
    x = modules(&mut g, x, &FOURTH);
    x = g.max_pool(x, Pool2d { ceil: true, ..Pool2d::new(2, 2) });
    x = modules(&mut g, x, &FIFTH);
    let x = g.global_avg_pool(x);
    let latent = g.dropout(x, 0.2);
    g.head(latent, "fc", classes)
}

fn modules(g: &mut GraphBuilder, x: Value, modules: &[Module]) -> Value {
    modules.iter().fold(x, |x, &(name, channels)| module(g, x, &format!("inception{name}"), channels))
}

fn module(g: &mut GraphBuilder, x: Value, name: &str, channels: [usize; 6]) -> Value {
    let [ones, before_two, two, before_three, three, pooled] = channels;
    let ones = conv(g, x, &format!("{name}.branch1"), ones, 1, 1);
    let before = conv(g, x, &format!("{name}.branch2.0"), before_two, 1, 1);
    let two = conv(g, before, &format!("{name}.branch2.1"), two, 3, 1);
    let before = conv(g, x, &format!("{name}.branch3.0"), before_three, 1, 1);
    let three = conv(g, before, &format!("{name}.branch3.1"), three, 3, 1);
    let largest = g.max_pool(x, Pool2d { padding: 1, ceil: true, ..Pool2d::new(3, 1) });
    let pooled = conv(g, largest, &format!("{name}.branch4.1"), pooled, 1, 1);
    g.concatenate(&[ones, two, three, pooled])
}

fn conv(g: &mut GraphBuilder, x: Value, name: &str, out: usize, kernel: usize, stride: usize) -> Value {
    let shape = ConvolutionShape::same([g.channels(x), out], kernel, stride);
    let y = g.convolution(x, &format!("{name}.conv"), shape, false, Activation::None);
    g.batch_norm(y, &format!("{name}.bn"), Activation::Relu)
}
