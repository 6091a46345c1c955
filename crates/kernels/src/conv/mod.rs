//! Convolution by patches: blocks of patches ("im2col") that stay in the cache, multiplied by the `gemm` crate.
//!
//! | pass | how |
//! |---|---|
//! | forward | patches · weightᵀ; a 1×1 kernel with stride 1 reads the image in place |
//! | input gradient, stride 1 | a forward pass over the output's gradient with turned weights |
//! | input gradient, else | weightᵀ · gradient, added to where the patches came from |
//! | weight gradient | patchesᵀ · gradient, partial sums in a fixed order |

mod blocks;
mod columns;
mod forward;
mod input_gradient;
mod op;
mod rows;
mod weight_gradient;

/// The passes over plain numbers.
pub(crate) mod passes {
    pub(crate) use super::{
        forward::forward, input_gradient::input_gradient, weight_gradient::weight_gradient,
    };
}

use candle_core::{Result, Tensor};

use crate::{
    argument::Argument,
    geometry::{Conv2d, Geometry},
};

/// Two-dimensional convolution (cross-correlation, as everywhere in the field): y(n, o, i, j) = b(o) + Σ w(o,
/// c, k, l) · x(n, c, i·s + k − p, j·s + l − p), where x is zero outside the image.
///
/// `x` is (N, C, H, W), `weight` (O, C / groups, kH, kW), `bias` (O). The result is (N, O, H', W'), where
/// H' = ⌊(H + 2p − kH) / s⌋ + 1 and W' likewise. Differentiable once in every argument; a gradient is computed
/// only for arguments that autograd follows ([`Tensor::track_op`]), so images' gradients never pay for weights'
/// or the other way round. The same bits for any number of threads.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if a tensor is not f32 on the CPU, shapes do
/// not fit each other, or the kernel does not fit the padded image.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{Conv2d, conv2d};
///
/// let x = Tensor::arange(0f32, 9.0, &Device::Cpu)?.reshape((1, 1, 3, 3))?;
/// let box_filter = Tensor::ones((1, 1, 2, 2), candle_core::DType::F32, &Device::Cpu)?;
/// let y = conv2d(&x, &box_filter, None, Conv2d::default())?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [8.0, 12.0, 20.0, 24.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, geometry: Conv2d) -> Result<Tensor> {
    let x_dims = Argument::new("conv2d", "input", x)?.dims("(N, C, H, W)")?;
    let weight_dims: [usize; 4] =
        Argument::new("conv2d", "weight", weight)?.dims("(O, C / groups, kH, kW)")?;
    let op = op::Convolution(Geometry::new(x_dims, weight_dims, geometry)?);
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let Some(bias) = bias else { return x.apply_op2(&weight, op) };
    Argument::new("conv2d", "bias", bias)?.expect(&weight_dims[..1], "a number per output channel")?;
    x.apply_op3(&weight, &bias.contiguous()?, op)
}
