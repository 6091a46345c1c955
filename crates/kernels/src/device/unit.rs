//! Vectors of a length that is given, as attention by cosines has them (Liu et al., CVPR 2022).

use candle_core::{Result, Tensor};

/// Lengths below this are taken for it.
const SHORTEST: f64 = 1e-12;

/// The channels of each pixel in vectors of `size`, one after the other: the first are divided by their lengths and multiplied by
/// `factors`, (vectors); the others stay as they are. `x` is (N, C, H, W).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::device::unit_vectors;
///
/// let x = Tensor::new(&[3f32, 4.0, 7.0, 8.0], &Device::Cpu)?.reshape((1, 4, 1, 1))?;
/// let y = unit_vectors(&x, 2, &Tensor::new(&[10f32], &Device::Cpu)?)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [6.0, 8.0, 7.0, 8.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn unit_vectors(x: &Tensor, size: usize, factors: &Tensor) -> Result<Tensor> {
    let (vectors, rest) = split(x, size, factors)?;
    let scale = lengths(&vectors)?.recip()?.broadcast_mul(&a_vector(factors)?)?;
    join(&vectors.broadcast_mul(&scale)?, rest, x)
}

/// The gradients of x and of the factors of [`unit_vectors`] from `g`, that of its result.
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn unit_vectors_gradient(
    g: &Tensor,
    x: &Tensor,
    size: usize,
    factors: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let ((vectors, _), (of_units, rest)) = (split(x, size, factors)?, split(g, size, factors)?);
    let lengths = lengths(&vectors)?;
    let units = vectors.broadcast_div(&lengths)?;
    let along = (&of_units * &units)?.sum_keepdim(2)?;
    let across = (of_units - units.broadcast_mul(&along)?)?;
    let dx = across.broadcast_mul(&lengths.recip()?.broadcast_mul(&a_vector(factors)?)?)?;
    Ok((join(&dx, rest, x)?, along.flatten_from(2)?.sum(2)?.sum(0)?))
}

/// The vectors that factors are for, (N, vectors, size, H · W), and the channels behind them.
fn split(x: &Tensor, size: usize, factors: &Tensor) -> Result<(Tensor, Option<Tensor>)> {
    let ((images, channels, height, width), count) = (x.dims4()?, factors.elem_count());
    let first = x.narrow(1, 0, count * size)?.contiguous()?;
    let behind = channels - count * size;
    let rest = if behind > 0 { Some(x.narrow(1, count * size, behind)?.contiguous()?) } else { None };
    Ok((first.reshape((images, count, size, height * width))?, rest))
}

/// The way back from [`split`].
fn join(vectors: &Tensor, rest: Option<Tensor>, like: &Tensor) -> Result<Tensor> {
    let ((images, _, height, width), (_, count, size, _)) = (like.dims4()?, vectors.dims4()?);
    let first = vectors.reshape((images, count * size, height, width))?;
    rest.map_or(Ok(first.clone()), |rest| Tensor::cat(&[&first, &rest], 1))
}

/// (N, vectors, 1, H · W).
fn lengths(vectors: &Tensor) -> Result<Tensor> {
    vectors.sqr()?.sum_keepdim(2)?.sqrt()?.maximum(SHORTEST)
}

/// (1, vectors, 1, 1).
fn a_vector(factors: &Tensor) -> Result<Tensor> {
    factors.reshape((1, factors.elem_count(), 1, 1))
}
