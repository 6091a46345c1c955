//! Functions of single values, and their gradients.

use candle_core::{Result, Tensor};

use crate::Nonlinearity;

/// The function of each value.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{Nonlinearity, device::{nonlinearity, nonlinearity_gradient}};
///
/// let x = Tensor::new(&[-4f32, 0.0, 1.5, 7.0], &Device::Cpu)?;
/// assert_eq!(nonlinearity(&x, Nonlinearity::Hardswish)?.to_vec1::<f32>()?, [0.0, 0.0, 1.125, 7.0]);
/// let gradient = nonlinearity_gradient(&x, &x.ones_like()?, Nonlinearity::Hardswish)?;
/// assert_eq!(gradient.to_vec1::<f32>()?, [0.0, 0.5, 1.0, 1.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the device fails.
pub fn nonlinearity(x: &Tensor, function: Nonlinearity) -> Result<Tensor> {
    match function {
        Nonlinearity::Relu6 => x.clamp(0f32, 6f32),
        Nonlinearity::Sigmoid => (x.neg()?.exp()? + 1.0)?.recip(),
        Nonlinearity::Silu => x * nonlinearity(x, Nonlinearity::Sigmoid)?,
        Nonlinearity::Hardsigmoid => (x + 3.0)?.clamp(0f32, 6f32)? / 6.0,
        Nonlinearity::Hardswish => x * nonlinearity(x, Nonlinearity::Hardsigmoid)?,
        Nonlinearity::Gelu => x * normal_distribution(x)?,
        Nonlinearity::Tanh => x.tanh(),
    }
}

/// The gradient of the argument `x`, from that of the result.
///
/// # Errors
/// If the shapes differ or the device fails.
pub fn nonlinearity_gradient(x: &Tensor, g: &Tensor, function: Nonlinearity) -> Result<Tensor> {
    let slope = match function {
        Nonlinearity::Relu6 => inside(x, 0.0, 6.0)?,
        Nonlinearity::Sigmoid => {
            let y = nonlinearity(x, Nonlinearity::Sigmoid)?;
            (&y * y.affine(-1.0, 1.0)?)?
        }
        Nonlinearity::Silu => {
            let y = nonlinearity(x, Nonlinearity::Sigmoid)?;
            (&y * ((x * y.affine(-1.0, 1.0)?)? + 1.0)?)?
        }
        Nonlinearity::Hardsigmoid => (inside(x, -3.0, 3.0)? / 6.0)?,
        Nonlinearity::Hardswish => {
            let open = (inside(x, -3.0, 3.0)? / 6.0)?;
            (nonlinearity(x, Nonlinearity::Hardsigmoid)? + (x * open)?)?
        }
        Nonlinearity::Gelu => {
            let density = (x.sqr()?.affine(-0.5, 0.0)?.exp()? / std::f64::consts::TAU.sqrt())?;
            (normal_distribution(x)? + (x * density)?)?
        }
        Nonlinearity::Tanh => x.tanh()?.sqr()?.affine(-1.0, 1.0)?,
    };
    g * slope
}

/// The share of the standard normal below `x`.
fn normal_distribution(x: &Tensor) -> Result<Tensor> {
    x.affine(std::f64::consts::FRAC_1_SQRT_2, 0.0)?.erf()?.affine(0.5, 0.5)
}

/// 1 between two numbers, 0 elsewhere and at both.
fn inside(x: &Tensor, low: f32, high: f32) -> Result<Tensor> {
    x.gt(low)?.to_dtype(x.dtype())? * x.lt(high)?.to_dtype(x.dtype())?
}
