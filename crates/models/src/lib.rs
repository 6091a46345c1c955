//! Image classifiers by name.
//!
//! An [`Architecture`] builds a [`Graph`] of the `kernels` crate's operations; a [`Classifier`] is a graph with
//! weights. Parameter names and semantics are PyTorch's, so that weights move both ways. Images are
//! (B, 3, H, W) f32 in [0, 1]: the [`Normaliser`] is part of the network, so an [`InputGradient`] is with respect
//! to pixels.
//!
//! With candle: a [`Frozen`] classifier is a [`candle_nn::Module`] that autograd goes through, and
//! [`Classifier::from_var_builder`] takes weights from a [`candle_nn::VarBuilder`].
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use models::{Architecture, Classifier, Normaliser};
//!
//! let resnet: Architecture = "resnet20".parse()?;
//! let zeros = |(name, shape): (&String, &Vec<usize>)| {
//!     Ok((name.clone(), Tensor::zeros(shape.as_slice(), candle_core::DType::F32, &Device::Cpu)?))
//! };
//! let weights = resnet.graph(10).shapes().iter().map(zeros).collect::<candle_core::Result<_>>()?;
//! let network = Classifier::new(resnet, 10, Normaliser::CIFAR10, &weights)?.freeze()?;
//! let images = Tensor::full(0.5f32, (2, 3, 32, 32), &Device::Cpu)?;
//! // A network of zeros gives every class the same chance: the loss is ln 10.
//! assert!((network.evaluate(&images, &[3, 7])?.loss - 10f32.ln()).abs() < 1e-6);
//! assert_eq!(network.input_gradient(&images, &[3, 7])?.gradient.dims(), [2, 3, 32, 32]);
//! # Ok::<(), models::Error>(())
//! ```

mod architectures;
mod attack;
mod backend;
mod batch;
mod classifier;
mod difference;
mod dropout;
mod engines;
mod error;
mod family;
mod fit;
mod foreign;
mod frozen;
mod graph;
mod head;
mod module;
mod names;
mod network;
mod normaliser;
mod plan;
mod respelled;
mod results;
mod room;
mod sharing;
mod sizes;
mod spelling;
mod stopwatch;
mod var_builder;

// Networks by name, and as data
pub use architectures::Architecture;
pub use family::Family;
pub use graph::{
    ArrayOp, BiasNumbers, Graph, GraphBuilder, Node, NormSettings, Op, RelativeBias, SelfAttention, Shapes,
    Shift, Side, TokenOp, Value,
};
pub use spelling::Program;

// What operations are made of
pub use kernels::{
    Activation, Axis, Binary, Nonlinearity, Partition, Pool2d, Reduction, Sparse, Unary, View,
    blocked::ConvolutionShape,
};

// Networks with weights
pub use attack::{Attack, Ball};
pub use backend::Backend;
pub use classifier::Classifier;
pub use foreign::ForeignNetwork;
pub use frozen::Frozen;
pub use kernels::Precision;
pub use normaliser::Normaliser;
pub use results::{Evaluation, InputGradient, ParameterGradients};
pub use room::values_kept;
pub use sharing::Sharing;
pub use stopwatch::{Direction, StepTime, Stopwatch};

// What can go wrong
pub use difference::{Difference, OtherNetwork};
pub use error::{Error, ForeignError};
