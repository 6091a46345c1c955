//! Vision transformers (Dosovitskiy et al. 2021; DeiT, Touvron et al. 2021; DeiT III, Touvron et al. 2022). With torchvision's names where torchvision has the network,
//! with timm's otherwise.

use kernels::{Activation, Partition, blocked::ConvolutionShape};

use super::transformer::{perceptron, residual};
use crate::graph::{Graph, GraphBuilder, SelfAttention, Value};

const EPSILON: f64 = 1e-6;

/// A size: sides of the image and of a patch, blocks, heads, and channels; perceptrons are four times as wide inside.
#[derive(Debug, Clone, Copy)]
struct Size {
    image: usize,
    patch: usize,
    depth: usize,
    heads: usize,
    channels: usize,
}

const fn size(patch: usize, depth: usize, heads: usize, channels: usize) -> Size {
    Size { image: 224, patch, depth, heads, channels }
}

/// What modules and parameters are called.
#[derive(Debug, Clone, Copy)]
struct Names {
    patches: &'static str,
    token: &'static str,
    positions: &'static str,
    /// Blocks, before their number.
    block: &'static str,
    /// In a block: the norm, both layers of attention, the second norm, the perceptron's layers.
    parts: [&'static str; 6],
    /// The last norm and the classifier.
    head: [&'static str; 2],
    form: Form,
}

/// What tells these networks apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// DeiT's with a second token, of distillation, and a second classifier: the logits are the mean of both classifiers'.
    Distilled,
    /// DeiT III: the token of the class has no position, and channels of both branches have factors.
    Third,
}

const TORCHVISION: Names = Names {
    patches: "conv_proj",
    token: "class_token",
    positions: "encoder.pos_embedding",
    block: "encoder.layers.encoder_layer_",
    parts: ["ln_1", "self_attention.in_proj_", "self_attention.out_proj", "ln_2", "mlp.0", "mlp.3"],
    head: ["encoder.ln", "heads.head"],
    form: Form::Plain,
};

const TIMM: Names = Names {
    patches: "patch_embed.proj",
    token: "cls_token",
    positions: "pos_embed",
    block: "blocks.",
    parts: ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"],
    head: ["norm", "head"],
    form: Form::Plain,
};

/// ViT-B with patches of this side.
pub(crate) fn base<const PATCH: usize>(classes: usize) -> Graph {
    network(size(PATCH, 12, 12, 768), TORCHVISION, classes)
}

/// ViT-L with patches of this side.
pub(crate) fn large<const PATCH: usize>(classes: usize) -> Graph {
    network(size(PATCH, 24, 16, 1024), TORCHVISION, classes)
}

/// ViT-H with patches of 14 pixels.
pub(crate) fn huge(classes: usize) -> Graph {
    network(size(14, 32, 16, 1280), TORCHVISION, classes)
}

/// timm's ViT and DeiT of this many heads of 64 channels: tiny 3, small 6.
pub(crate) fn timm<const HEADS: usize, const PATCH: usize>(classes: usize) -> Graph {
    network(size(PATCH, 12, HEADS, 64 * HEADS), TIMM, classes)
}

/// timm's DeiT with a token of distillation, of this many heads of 64 channels: tiny 3, small 6, base 12.
pub(crate) fn distilled<const HEADS: usize>(classes: usize) -> Graph {
    network(size(16, 12, HEADS, 64 * HEADS), Names { form: Form::Distilled, ..TIMM }, classes)
}

/// timm's DeiT III of this many heads of 64 channels: small 6, base 12.
pub(crate) fn third<const HEADS: usize>(classes: usize) -> Graph {
    network(size(16, 12, HEADS, 64 * HEADS), Names { form: Form::Third, ..TIMM }, classes)
}

/// timm's ViT-Ti for images of 32 pixels, with patches of 4.
pub(crate) fn cifar(classes: usize) -> Graph {
    network(Size { image: 32, ..size(4, 12, 3, 192) }, TIMM, classes)
}

fn network(size: Size, names: Names, classes: usize) -> Graph {
    let (mut g, images) = GraphBuilder::images(3);
    let shape = ConvolutionShape {
        padding: [0; 2],
        ..ConvolutionShape::same([3, size.channels], size.patch, size.patch)
    };
    let x = g.convolution(images, names.patches, shape, true, Activation::None);
    let mut x = tokens(&mut g, x, names, (size.image / size.patch).pow(2));
    for index in 0..size.depth {
        let parts = names.parts.map(|part| format!("{}{index}.{part}", names.block));
        let scales = [1, 2].map(|branch| format!("{}{index}.ls{branch}.gamma", names.block));
        let scales = (names.form == Form::Third).then_some(scales);
        x = block(&mut g, x, parts.each_ref().map(String::as_str), scales.as_ref(), size.heads);
    }
    let x = g.layer_norm(x, names.head[0], EPSILON);
    let latent = g.pixel(x, 0);
    if names.form != Form::Distilled {
        return g.head(latent, names.head[1], classes);
    }
    let distilled = g.pixel(x, 1);
    let [of_class, of_distillation] = [(latent, names.head[1]), (distilled, "head_dist")]
        .map(|(x, module)| g.linear(x, module, [1, 1], classes, Activation::None));
    let sum = g.add(of_class, of_distillation, Activation::None);
    let logits = g.times(sum, 0.5);
    g.finish(latent, logits)
}

/// Patches with their positions, behind the tokens that are learned.
fn tokens(g: &mut GraphBuilder, x: Value, names: Names, patches: usize) -> Value {
    match names.form {
        Form::Plain => {
            let x = g.prepend_tokens(x, names.token, 1);
            g.add_positions(x, names.positions, patches + 1)
        }
        Form::Distilled => {
            let x = g.prepend_tokens(x, "dist_token", 1);
            let x = g.prepend_tokens(x, names.token, 1);
            g.add_positions(x, names.positions, patches + 2)
        }
        Form::Third => {
            let x = g.add_positions(x, names.positions, patches);
            g.prepend_tokens(x, names.token, 1)
        }
    }
}

fn block(
    g: &mut GraphBuilder,
    x: Value,
    [norm, qkv, out, second, fc1, fc2]: [&str; 6],
    scales: Option<&[String; 2]>,
    heads: usize,
) -> Value {
    let channels = g.channels(x);
    let y = g.layer_norm(x, norm, EPSILON);
    let y = g.linear_of_pixels(y, qkv, 3 * channels, true);
    let scale = ((channels / heads) as f32).sqrt().recip();
    let y = g
        .attention(y, SelfAttention { heads, scale, partition: Partition::Whole, bias: None, padding: None });
    let y = g.linear_of_pixels(y, out, channels, true);
    let scaled = |g: &mut GraphBuilder, y: Value, branch: usize| {
        scales.map_or(y, |scales| g.scale_channels(y, &scales[branch], &[channels]))
    };
    let y = scaled(g, y, 0);
    let x = residual(g, y, x, 0.0);
    let y = g.layer_norm(x, second, EPSILON);
    let y = perceptron(g, y, [fc1, fc2], 4 * channels, false);
    let y = scaled(g, y, 1);
    residual(g, y, x, 0.0)
}
