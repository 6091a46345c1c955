//! A number for each head and each distance of two tokens of a window, by a perceptron of the distance.

use candle_core::{Device, Result, Tensor};

use super::{nonlinearity, nonlinearity_gradient};
use crate::{
    Nonlinearity::Sigmoid,
    distances::{LARGEST, distances},
};

/// The parts of a perceptron of two layers: (hidden, 2), (hidden), (heads, hidden).
pub type DistanceParts<'a> = [&'a Tensor; 3];

/// 16 · sigmoid of the perceptron of each distance of a window's tokens, (distances, heads).
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::device::distance_numbers;
///
/// let first = Tensor::new(&[[1f32, 0.0]], &Device::Cpu)?;
/// let (shift, second) = (Tensor::new(&[0f32], &Device::Cpu)?, Tensor::new(&[[100f32]], &Device::Cpu)?);
/// let found = distance_numbers([2, 1], [&first, &shift, &second])?;
/// assert_eq!(found.flatten_all()?.to_vec1::<f32>()?, [8.0, 8.0, 16.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn distance_numbers(window: [usize; 2], [first, shift, second]: DistanceParts<'_>) -> Result<Tensor> {
    let values = hidden(&places(window, first.device())?, first, shift)?.relu()?;
    nonlinearity(&values.matmul(&second.t()?.contiguous()?)?, Sigmoid)? * LARGEST
}

/// The gradients of the perceptron's three parts from `g`, that of the numbers.
///
/// # Errors
/// If the shapes do not fit or the device fails.
pub fn distance_numbers_gradient(
    window: [usize; 2],
    [first, shift, second]: DistanceParts<'_>,
    g: &Tensor,
) -> Result<[Tensor; 3]> {
    let places = places(window, first.device())?;
    let values = hidden(&places, first, shift)?.relu()?;
    let sums = values.matmul(&second.t()?.contiguous()?)?;
    let of_sums = nonlinearity_gradient(&sums, &(g * LARGEST)?, Sigmoid)?;
    let of_second = of_sums.t()?.contiguous()?.matmul(&values)?;
    let of_values = (of_sums.matmul(second)? * values.gt(0f32)?.to_dtype(values.dtype())?)?;
    let of_first = of_values.t()?.contiguous()?.matmul(&places)?;
    Ok([of_first, of_values.sum(0)?, of_second])
}

/// Before ReLU, (distances, hidden).
fn hidden(places: &Tensor, first: &Tensor, shift: &Tensor) -> Result<Tensor> {
    places.matmul(&first.t()?.contiguous()?)?.broadcast_add(shift)
}

/// (distances, 2).
fn places(window: [usize; 2], device: &Device) -> Result<Tensor> {
    let places: Vec<f32> = distances(window).into_iter().flatten().map(|value| value as f32).collect();
    let count = places.len() / 2;
    Tensor::from_vec(places, (count, 2), device)
}
