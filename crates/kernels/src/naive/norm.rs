//! Batch normalisation in training mode, and the affine map per channel that it is in evaluation mode.

use super::activation;
use crate::Activation;

/// The gradients of an operation on images and two numbers per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelGradients {
    /// Of the images, (N, C, pixels).
    pub x: Vec<f64>,
    /// Of the factors, (C).
    pub weight: Vec<f64>,
    /// Of the summands, (C).
    pub bias: Vec<f64>,
}

/// Mean and variance, with divisor n, of each channel of `x` (N, C, pixels).
pub fn moments(x: &[f64], [images, channels, pixels]: [usize; 3]) -> Vec<(f64, f64)> {
    let count = (images * pixels) as f64;
    let average = |c: usize, of: &dyn Fn(f64) -> f64| {
        let planes = x.chunks(pixels).skip(c).step_by(channels);
        planes.flatten().map(|&x| of(x)).sum::<f64>() / count
    };
    let moments = |c| {
        let mean = average(c, &|x| x);
        (mean, average(c, &|x| (x - mean).powi(2)))
    };
    (0..channels).map(moments).collect()
}

/// activation((x − μ) / √(σ² + eps) · weight + bias), with the moments of the batch.
pub fn batch_norm(
    x: &[f64],
    dims: [usize; 3],
    weight: &[f64],
    bias: &[f64],
    eps: f64,
    activation: Activation,
) -> Vec<f64> {
    channel_affine(&normalised(x, dims, eps), dims, weight, bias, activation)
}

/// The gradients of [`batch_norm`]; the summands are needed because ReLU's gate depends on them. `parameters`
/// is (weight, bias).
pub fn batch_norm_backward(
    x: &[f64],
    dims: [usize; 3],
    parameters: (&[f64], &[f64]),
    eps: f64,
    activation: Activation,
    g: &[f64],
) -> ChannelGradients {
    let x_hat = normalised(x, dims, eps);
    let mut gradients = channel_affine_backward(&x_hat, dims, parameters, activation, g);
    let ([images, channels, pixels], of_x_hat) = (dims, &gradients.x);
    let count = (images * pixels) as f64;
    let moments = moments(x, dims);
    let channel = |i: usize| i / pixels % channels;
    // What a change of x does to x̂ through the mean and through the variance.
    let (mut through_mean, mut through_variance) = (vec![0.0; channels], vec![0.0; channels]);
    for (i, g) in of_x_hat.iter().enumerate() {
        through_mean[channel(i)] += g / count;
        through_variance[channel(i)] += g * x_hat[i] / count;
    }
    let of_x = |(i, g): (usize, &f64)| {
        let c = channel(i);
        (g - through_mean[c] - x_hat[i] * through_variance[c]) / (moments[c].1 + eps).sqrt()
    };
    gradients.x = of_x_hat.iter().enumerate().map(of_x).collect();
    gradients
}

fn normalised(x: &[f64], dims: [usize; 3], eps: f64) -> Vec<f64> {
    let moments = moments(x, dims);
    let of = |(i, x): (usize, &f64)| {
        let (mean, variance) = moments[i / dims[2] % dims[1]];
        (x - mean) / (variance + eps).sqrt()
    };
    x.iter().enumerate().map(of).collect()
}

/// activation(x · scale + shift), with a factor and a summand per channel.
pub fn channel_affine(
    x: &[f64],
    dims: [usize; 3],
    scale: &[f64],
    shift: &[f64],
    activation: Activation,
) -> Vec<f64> {
    activation::forward(&affine(x, dims, scale, shift), activation)
}

/// The gradients of [`channel_affine`]; `parameters` is (scale, shift).
pub fn channel_affine_backward(
    x: &[f64],
    dims: [usize; 3],
    (scale, shift): (&[f64], &[f64]),
    activation: Activation,
    g: &[f64],
) -> ChannelGradients {
    let g = activation::backward(&affine(x, dims, scale, shift), g, activation);
    let [_, channels, pixels] = dims;
    let (mut weight, mut bias) = (vec![0.0; channels], vec![0.0; channels]);
    for (i, g) in g.iter().enumerate() {
        weight[i / pixels % channels] += g * x[i];
        bias[i / pixels % channels] += g;
    }
    let x = g.iter().enumerate().map(|(i, g)| g * scale[i / pixels % channels]).collect();
    ChannelGradients { x, weight, bias }
}

fn affine(x: &[f64], [_, channels, pixels]: [usize; 3], scale: &[f64], shift: &[f64]) -> Vec<f64> {
    let of = |(i, x): (usize, &f64)| x * scale[i / pixels % channels] + shift[i / pixels % channels];
    x.iter().enumerate().map(of).collect()
}
