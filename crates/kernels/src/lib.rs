//! CPU operations for training image classifiers and for asking them for input gradients, in f32.
//!
//! Two ways to run them:
//! * the functions below: differentiable operations on candle tensors, (N, C, H, W), for networks of any form;
//! * [`blocked`]: the same mathematics in blocks of sixteen images, without autograd, for a network whose
//!   backward pass is written out.
//!
//! [`device`] has what an engine of candle tensors needs beside candle's own operations, on the CPU and on CUDA devices.
//! [`fourier`] has large kernels in the frequency domain, written out likewise.
//!
//! candle has operations of its own; these differ in the gradient at the corners of ReLU and max-pooling,
//! where they follow PyTorch, and in speed.
//!
//! * A gradient is computed only for arguments that autograd follows ([`candle_core::Tensor::track_op`]): an
//!   input gradient through frozen weights costs no weight gradient. Gradients are constants; there are no
//!   second derivatives.
//! * The same arguments give the same bits, whatever the number of rayon threads: work is cut by sizes alone,
//!   and partial sums are added in a fixed order.
//! * What does not fit is refused with a [`KernelError`] inside candle's error, which names operation,
//!   argument and sizes.
//! * [`naive`] is the slow obvious version of everything, forward and backward: the oracle of the tests.
//!
//! # Example
//!
//! An input gradient through a frozen convolution, batch normalisation in evaluation mode, ReLU and a
//! classifier:
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use kernels::{Activation, Conv2d, channel_affine, conv2d, cross_entropy, global_avg_pool2d, linear};
//!
//! # fn main() -> candle_core::Result<()> {
//! let cpu = &Device::Cpu;
//! let pixels = Var::from_tensor(&Tensor::new(&[1f32, 2.0, 3.0, 4.0], cpu)?.reshape((1, 1, 2, 2))?)?;
//! let filters = Tensor::new(&[1f32, -1.0], cpu)?.reshape((2, 1, 1, 1))?;
//! let features = conv2d(&pixels, &filters, None, Conv2d::default())?;
//! let (scale, shift) = (Tensor::new(&[2f32, 1.0], cpu)?, Tensor::new(&[0f32, 0.5], cpu)?);
//! let features = channel_affine(&features, &scale, &shift, Activation::Relu)?;
//! let logits = linear(&global_avg_pool2d(&features)?, &Tensor::new(&[[1f32, 0.0], [0.0, 1.0]], cpu)?, None)?;
//! assert_eq!(logits.to_vec2::<f32>()?, [[5.0, 0.0]]);
//!
//! let gradients = cross_entropy(&logits, &[1])?.backward()?;
//! let gradient = gradients.get(&pixels).unwrap().flatten_all()?.to_vec1::<f32>()?;
//! // softmax(5, 0) · scale / pixels; the second channel is negative and gives nothing.
//! assert!((gradient[0] - 0.993_307 * 2.0 / 4.0).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```

pub mod blocked;
pub mod device;
pub mod fourier;
pub mod naive;

mod activation;
mod argument;
mod batch_norm;
mod channel_affine;
mod channels;
mod conv;
mod error;
mod geometry;
mod linear;
mod loss;
mod math;
mod pool;
mod product;
mod scratch;
mod simd;

// How exact products are.
pub use math::Math;

// Convolutions and fully connected layers.
pub use conv::conv2d;
pub use geometry::Conv2d;
pub use linear::linear;

// Channel by channel and element by element, fused with the activation.
pub use activation::{Activation, add, relu};
pub use batch_norm::{BatchMoments, batch_norm};
pub use channel_affine::channel_affine;

// Pooling.
pub use geometry::Pool2d;
pub use pool::{avg_pool2d, global_avg_pool2d, max_pool2d};

// The loss.
pub use loss::cross_entropy;

// What is refused.
pub use error::KernelError;
