//! What can go wrong.

use crate::{
    difference::{Difference, OtherNetwork, listed},
    family::Family,
    spelling::Program,
};

/// What a network that somebody else computes reports.
pub type ForeignError = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong between a name, a checkpoint and a network that runs.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// No architecture of that name.
    #[error("unknown architecture `{found}`: {}known are networks of the kinds {kinds}", meant(.nearest))]
    UnknownArchitecture { found: String, nearest: Vec<&'static str>, kinds: String },
    /// No family of that name.
    #[error("unknown family of architectures `{found}`: expected cifar or imagenet")]
    UnknownFamily { found: String },
    /// The name belongs to networks for other images.
    #[error("`{name}` is of the {has} type alone, not of the {asked} type")]
    OtherFamily { name: &'static str, has: Family, asked: Family },
    /// Names of a program that has no such network.
    #[error("{program} has no network `{name}`")]
    NotOfProgram { name: &'static str, program: Program },
    /// The tensors at hand are not those of the architecture; perhaps those of its namesake for other images.
    #[error("the weights do not fit {arch}: {}{}", listed(.differences), namesake(arch, .other))]
    WeightsDoNotFit { arch: &'static str, differences: Vec<Difference>, other: Option<OtherNetwork> },
    /// A normaliser whose standard deviation is not positive, or that is not finite.
    #[error("normaliser mean {mean:?}, std {std:?}: expected finite values and std > 0")]
    BadNormaliser { mean: [f32; 3], std: [f32; 3] },
    /// Images and labels that do not belong together or do not suit the network.
    #[error(
        "a batch of {images} images with {labels} labels: expected as many labels as images, at least one"
    )]
    BatchMismatch { images: usize, labels: usize },
    /// Images of another shape.
    #[error("a batch of shape {found:?}: expected (images, 3, height, width), at least one image")]
    BatchShape { found: Vec<usize> },
    /// Images of a size that the network does not take; `takes` says which it does.
    #[error("images of {height}×{width} pixels: the network takes {takes}")]
    ImageSize { height: usize, width: usize, takes: String },
    /// A label that is no class.
    #[error("label {label}: expected 0 to {} for a network of {classes} classes", classes - 1)]
    LabelOutOfRange { label: u32, classes: usize },
    /// A rate for what the network does not have.
    #[error("a stochastic depth of {rate}: {arch} has no blocks that training skips; expected none")]
    NoStochasticDepth { arch: &'static str, rate: f32 },
    /// Another process does not do its part.
    #[error("{0}")]
    Ranks(#[from] ranks::Error),
    /// Targets of a loss that are no weights of classes.
    #[error(
        "targets of {images} images with {problem}: expected {classes} numbers of at least 0 an image, which sum to 1"
    )]
    Targets { images: usize, classes: usize, problem: String },
    /// An output that the network does not have.
    #[error("output {output} of a network with {outputs} outputs: expected 0 to {}", outputs.saturating_sub(1))]
    NoSuchOutput { output: usize, outputs: usize },
    /// The gradient of other logits than the network's.
    #[error("a gradient of the logits of shape {found:?}: expected ({images}, {classes})")]
    LogitsGradient { found: Vec<usize>, images: usize, classes: usize },
    /// A network that somebody else computes reported something.
    #[error("{0}")]
    Foreign(#[source] ForeignError),
    /// A network that somebody else computes gave numbers of another shape.
    #[error("the network gave {what} of shape {found:?}: expected {expected:?}")]
    ForeignShape { what: &'static str, found: Vec<usize>, expected: Vec<usize> },
    /// A gradient that such a network has no function for.
    #[error("a network that somebody else computes has the gradient of its cross-entropy alone")]
    NoJacobian,
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
}

fn meant(nearest: &[&'static str]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!("did you mean `{one}`? "),
        [others @ .., last] => format!("did you mean `{}` or `{last}`? ", others.join("`, `")),
    }
}

fn namesake(arch: &str, other: &Option<OtherNetwork>) -> String {
    other.map_or_else(String::new, |OtherNetwork { family, classes }| {
        format!("; they are those of {arch} of the family {family} with {classes} classes")
    })
}
