//! Normalisation over the channels of each pixel.

use super::norm::ChannelGradients;

/// (x − μ) / √(σ² + eps) · weight + bias, with mean and variance over the channels of one pixel of one image. `x` is (N, C, pixels).
pub fn forward(x: &[f64], dims: [usize; 3], (weight, bias): (&[f64], &[f64]), eps: f64) -> Vec<f64> {
    let (x_hat, _) = normalised(x, dims, eps);
    let [_, channels, pixels] = dims;
    let of = |(i, x): (usize, f64)| x * weight[i / pixels % channels] + bias[i / pixels % channels];
    x_hat.into_iter().enumerate().map(of).collect()
}

/// The gradients of [`forward`], given `g` = ∂L/∂y.
pub fn backward(x: &[f64], dims: [usize; 3], weight: &[f64], eps: f64, g: &[f64]) -> ChannelGradients {
    let (x_hat, inverse_std) = normalised(x, dims, eps);
    let [_, channels, pixels] = dims;
    let mut gradients =
        ChannelGradients { x: vec![0.0; x.len()], weight: vec![0.0; channels], bias: vec![0.0; channels] };
    for image in 0..dims[0] {
        for pixel in 0..pixels {
            let places: Vec<usize> = (0..channels).map(|c| (image * channels + c) * pixels + pixel).collect();
            let of_x_hat: Vec<f64> = places.iter().zip(weight).map(|(&at, weight)| g[at] * weight).collect();
            let mean = of_x_hat.iter().sum::<f64>() / channels as f64;
            let product: f64 = of_x_hat.iter().zip(&places).map(|(g, &at)| g * x_hat[at]).sum();
            for (c, &at) in places.iter().enumerate() {
                let through_variance = x_hat[at] * product / channels as f64;
                gradients.x[at] =
                    (of_x_hat[c] - mean - through_variance) * inverse_std[image * pixels + pixel];
                gradients.weight[c] += g[at] * x_hat[at];
                gradients.bias[c] += g[at];
            }
        }
    }
    gradients
}

/// x̂, and 1 / √(σ² + eps) of each pixel, (N, pixels).
fn normalised(x: &[f64], [images, channels, pixels]: [usize; 3], eps: f64) -> (Vec<f64>, Vec<f64>) {
    let (mut x_hat, mut inverses) = (vec![0.0; x.len()], Vec::new());
    for image in 0..images {
        for pixel in 0..pixels {
            let at = |c: usize| (image * channels + c) * pixels + pixel;
            let mean = (0..channels).map(|c| x[at(c)]).sum::<f64>() / channels as f64;
            let variance = (0..channels).map(|c| (x[at(c)] - mean).powi(2)).sum::<f64>() / channels as f64;
            let inverse = 1.0 / (variance + eps).sqrt();
            (0..channels).for_each(|c| x_hat[at(c)] = (x[at(c)] - mean) * inverse);
            inverses.push(inverse);
        }
    }
    (x_hat, inverses)
}
