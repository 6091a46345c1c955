//! Batch normalisation in training mode, fused with the activation behind it.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::{
    activation::Activation,
    argument::{Argument, Values, constant, contiguous},
    channels::{Channels, lane_sums},
};

/// The statistics of a batch that running averages are made of, one number per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchMoments {
    /// The mean over images and pixels.
    pub mean: Vec<f32>,
    /// The variance with divisor n − 1, which is what PyTorch averages (it normalises with divisor n).
    pub unbiased_variance: Vec<f32>,
}

/// activation((x − μ) / √(σ² + eps) · weight + bias), with mean μ and variance σ² (divisor n) of each channel
/// over the batch: Ioffe & Szegedy, ICML 2015, algorithm 1.
///
/// `x` is (N, C, H, W), `weight` and `bias` (C). Also returns the batch's moments. Differentiable once in
/// every argument, only where autograd follows it. Sums are carried in f64; the same bits for any number of
/// threads.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if a tensor is not f32 on the CPU, shapes do
/// not fit each other, or a channel has a single value and so no variance.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{Activation, batch_norm};
///
/// let x = Tensor::new(&[1f32, 3.0], &Device::Cpu)?.reshape((2, 1, 1, 1))?;
/// let (one, zero) = (Tensor::new(&[1f32], &Device::Cpu)?, Tensor::new(&[0f32], &Device::Cpu)?);
/// let (y, moments) = batch_norm(&x, &one, &zero, 0.0, Activation::Relu)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.0, 1.0]);
/// assert_eq!((moments.mean[0], moments.unbiased_variance[0]), (2.0, 2.0));
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<(Tensor, BatchMoments)> {
    let argument = Argument::new("batch_norm", "input", x)?;
    let [images, channels, height, width] = argument.dims("(N, C, H, W)")?;
    let sizes = Channels { images, channels, pixels: height * width };
    if sizes.count() < 2 {
        return Err(argument.wrong_shape("more than one value per channel: a single one has no variance"));
    }
    Argument::new("batch_norm", "weight", weight)?.expect(&[channels], "a number per channel")?;
    Argument::new("batch_norm", "bias", bias)?.expect(&[channels], "a number per channel")?;
    let x = x.contiguous()?;
    let moments = moments(sizes, Values::of(&x).slice()?);
    let batch_moments = BatchMoments::new(&moments, sizes.count());
    let op = BatchNorm { sizes, eps, activation, moments };
    Ok((x.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?, batch_moments))
}

/// Mean and variance (divisor n) of a channel.
#[derive(Clone, Copy)]
struct Moments {
    mean: f64,
    variance: f64,
}

impl BatchMoments {
    fn new(moments: &[Moments], count: usize) -> Self {
        let unbiased = count as f64 / (count - 1) as f64;
        Self {
            mean: moments.iter().map(|m| m.mean as f32).collect(),
            unbiased_variance: moments.iter().map(|m| (m.variance * unbiased) as f32).collect(),
        }
    }
}

fn moments(sizes: Channels, x: &[f32]) -> Vec<Moments> {
    let sums = sizes.sums(|_, plane| {
        let x = &x[plane];
        lane_sums(x.len(), |i| {
            let x = f64::from(x[i]);
            [x, x * x]
        })
    });
    let count = sizes.count() as f64;
    let moments = |[sum, squares]: [f64; 2]| {
        let mean = sum / count;
        Moments { mean, variance: (squares / count - mean * mean).max(0.0) }
    };
    sums.into_iter().map(moments).collect()
}

struct BatchNorm {
    sizes: Channels,
    eps: f64,
    activation: Activation,
    moments: Vec<Moments>,
}

/// Σ g and Σ g · (x − μ) of a channel, where g is the gradient behind the activation's gate.
type GradientSums = [f64; 2];

impl BatchNorm {
    fn deviation_inverse(&self, channel: usize) -> f64 {
        (self.moments[channel].variance + self.eps).sqrt().recip()
    }

    fn forward(&self, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let activation = self.activation;
        self.sizes.map_planes(|channel, plane, y| {
            let mean = self.moments[channel].mean as f32;
            let scale = (f64::from(weight[channel]) * self.deviation_inverse(channel)) as f32;
            let shift = bias[channel];
            for (y, x) in y.iter_mut().zip(&x[plane]) {
                *y = activation.of((x - mean) * scale + shift);
            }
        })
    }

    fn gradient_sums(&self, x: &[f32], y: &[f32], g: &[f32]) -> Vec<GradientSums> {
        let activation = self.activation;
        self.sizes.sums(|channel, plane| {
            let mean = self.moments[channel].mean as f32;
            let (x, y, g) = (&x[plane.clone()], &y[plane.clone()], &g[plane]);
            lane_sums(x.len(), |i| {
                let g = f64::from(activation.gate(g[i], y[i]));
                [g, g * f64::from(x[i] - mean)]
            })
        })
    }

    /// dx = weight / σ · (g − mean(g) − (x − μ) / σ² · mean(g · (x − μ))).
    fn input_gradient(
        &self,
        [x, y, g]: [&[f32]; 3],
        weight: &[f32],
        gradient_sums: &[GradientSums],
    ) -> Vec<f32> {
        let (activation, count) = (self.activation, self.sizes.count() as f64);
        self.sizes.map_planes(|channel, plane, dx| {
            let ([sum, product], inverse) = (gradient_sums[channel], self.deviation_inverse(channel));
            let mean = self.moments[channel].mean as f32;
            let scale = (f64::from(weight[channel]) * inverse) as f32;
            let (mean_g, slope) = ((sum / count) as f32, (product / count * inverse * inverse) as f32);
            let (x, y, g) = (&x[plane.clone()], &y[plane.clone()], &g[plane]);
            for (((dx, x), y), g) in dx.iter_mut().zip(x).zip(y).zip(g) {
                *dx = scale * (activation.gate(*g, *y) - mean_g - (x - mean) * slope);
            }
        })
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (weight, bias) = (contiguous(weight, weight_layout)?, contiguous(bias, bias_layout)?);
        let y = self.forward(contiguous(x, x_layout)?, weight, bias);
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let g = g.contiguous()?;
        let (x_values, y_values, g_values) = (Values::of(x), Values::of(y), Values::of(&g));
        let weight_values = Values::of(weight);
        let planes = [x_values.slice()?, y_values.slice()?, g_values.slice()?];
        let sums = self.gradient_sums(planes[0], planes[1], planes[2]);
        let input = || constant(self.input_gradient(planes, weight_values.slice()?, &sums), x.shape());
        let weights = || {
            let gradient = |(c, [_, product]): (usize, &GradientSums)| product * self.deviation_inverse(c);
            constant(sums.iter().enumerate().map(|sum| gradient(sum) as f32).collect(), weight.shape())
        };
        let biases = || constant(sums.iter().map(|[sum, _]| *sum as f32).collect(), bias.shape());
        Ok((
            x.track_op().then(input).transpose()?,
            weight.track_op().then(weights).transpose()?,
            bias.track_op().then(biases).transpose()?,
        ))
    }
}
