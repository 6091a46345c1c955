//! Global response normalisation (Woo et al., CVPR 2023): how large a channel is among the channels of its image.

use super::norm::ChannelGradients;

/// x · (1 + weight · n) + bias, n being the norm of the channel's plane over (the mean of these norms over the channels + eps). `x` is
/// (N, C, pixels).
pub fn forward(x: &[f64], dims: [usize; 3], (weight, bias): (&[f64], &[f64]), eps: f64) -> Vec<f64> {
    let [_, channels, pixels] = dims;
    let (norms, means) = norms(x, dims);
    let of = |(i, x): (usize, &f64)| {
        let (plane, channel) = (i / pixels, i / pixels % channels);
        let n = norms[plane] / (means[plane / channels] + eps);
        x * (1.0 + weight[channel] * n) + bias[channel]
    };
    x.iter().enumerate().map(of).collect()
}

/// The gradients of [`forward`], given `g` = ∂L/∂y. A plane of zeros, whose norm has a corner there, has none through its norm.
pub fn backward(x: &[f64], dims: [usize; 3], weight: &[f64], eps: f64, g: &[f64]) -> ChannelGradients {
    let [images, channels, pixels] = dims;
    let (norms, means) = norms(x, dims);
    let mut gradients =
        ChannelGradients { x: vec![0.0; x.len()], weight: vec![0.0; channels], bias: vec![0.0; channels] };
    for image in 0..images {
        let own = &norms[image * channels..][..channels];
        let below = means[image] + eps;
        let plane = |c: usize| (image * channels + c) * pixels..(image * channels + c + 1) * pixels;
        let product = |c: usize| plane(c).map(|at| g[at] * x[at]).sum::<f64>();
        let of_n: Vec<f64> = (0..channels).map(|c| weight[c] * product(c)).collect();
        let of_mean: f64 = -of_n.iter().zip(own).map(|(g, norm)| g * norm).sum::<f64>() / (below * below);
        for c in 0..channels {
            let of_norm = of_n[c] / below + of_mean / channels as f64;
            let through_norm = if own[c] > 0.0 { of_norm / own[c] } else { 0.0 };
            for at in plane(c) {
                gradients.x[at] = g[at] * (1.0 + weight[c] * own[c] / below) + x[at] * through_norm;
                gradients.bias[c] += g[at];
            }
            gradients.weight[c] += product(c) * own[c] / below;
        }
    }
    gradients
}

/// The norm of each plane, and the mean of these of each image.
fn norms(x: &[f64], [_, channels, pixels]: [usize; 3]) -> (Vec<f64>, Vec<f64>) {
    let norm = |plane: &[f64]| plane.iter().map(|x| x * x).sum::<f64>().sqrt();
    let norms: Vec<f64> = x.chunks(pixels).map(norm).collect();
    let means = norms.chunks(channels).map(|norms| norms.iter().sum::<f64>() / channels as f64).collect();
    (norms, means)
}
