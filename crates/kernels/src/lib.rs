//! The operations behind convolutional networks and transformers in f32, forward and backward: the fast engine's own, and what an engine of
//! candle tensors needs beside candle's.
//!
//! | module | what it has |
//! |---|---|
//! | [`blocked`] | the fast engine's operations: blocks of sixteen images, written for each instruction set of x86-64 |
//! | [`device`] | operations on candle tensors, on the CPU and on CUDA devices |
//! | [`fourier`] | two convolutions with large kernels, in the frequency domain |
//! | [`naive`] | the slow obvious version of everything in f64: the oracle of the tests |
//!
//! * No autograd: whoever runs a network forward runs it backward too. Gradients at the corners of ReLU and max-pooling are
//!   PyTorch's, which candle's own are not.
//! * The same arguments give the same bits, whatever the number of rayon threads: work is cut by sizes alone,
//!   and partial sums are added in a fixed order.
//!
//! # Example
//!
//! A convolution, ReLU, and the gradient of the sum of its results for the pixels:
//!
//! ```
//! use kernels::blocked::{Arena, Blocked, Convolution, ConvolutionShape, Dims, InstructionSet, leaky_relu, leaky_relu_gradient};
//!
//! let (instructions, arena) = (InstructionSet::current(), Arena::default());
//! let shape = ConvolutionShape::same([1, 2], 1, 1);
//! let convolution = Convolution::new(&[1.0, -1.0], shape, true, instructions);
//! let dims = Dims { images: 1, channels: 1, height: 2, width: 2 };
//! let x = Blocked::from_nchw(&[1.0, 2.0, -3.0, 4.0], dims, &arena);
//! let (y, mask) = leaky_relu(&convolution.forward(&x, &arena), 0.0, instructions, &arena);
//! assert_eq!(y.to_nchw(), [1.0, 2.0, 0.0, 4.0, 0.0, 0.0, 3.0, 0.0]);
//!
//! let mut gradient = Blocked::from_nchw(&[1.0; 8], y.dims(), &arena);
//! leaky_relu_gradient(&mut gradient, &mask, 0.0, instructions);
//! assert_eq!(convolution.input_gradient(&gradient, dims, &arena).to_nchw(), [1.0, 1.0, -1.0, 1.0]);
//! ```

pub mod blocked;
pub mod device;
pub mod fourier;
pub mod naive;

mod activation;
mod arrays;
mod attention;
mod distances;
mod nonlinearity;
mod parallel;
mod precision;
mod simd;
mod strips;
mod windows;

// What a convolution is followed by, which tokens attend to which and what their distance adds, how a pooling window lies, how exact
// products are.
pub use activation::Activation;
pub use arrays::{Axis, Binary, Reduction, Sparse, SparseRows, Unary, View};
pub use attention::{Group, Partition};
pub use distances::{DistancePerceptron, distance_numbers, distance_numbers_gradient, distances};
pub use nonlinearity::Nonlinearity;
pub use precision::Precision;
pub use windows::Pool2d;
