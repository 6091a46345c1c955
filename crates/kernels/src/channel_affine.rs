//! One factor and one summand per channel: batch normalisation in evaluation mode.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::{
    activation::Activation,
    argument::{Argument, Values, constant, contiguous},
    channels::{Channels, lane_sums},
};

/// activation(x · scale + shift), with a factor and a summand per channel: `x` is (N, C, H, W), `scale` and
/// `shift` (C).
///
/// Batch normalisation with running moments μ, σ² is scale = weight / √(σ² + eps), shift = bias − μ · scale.
/// Differentiable once in every argument, only where autograd follows it.
///
/// # Errors
/// [`KernelError`](crate::KernelError) inside candle's error, if a tensor is not f32 on the CPU or shapes do
/// not fit each other.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{Activation, channel_affine};
///
/// let x = Tensor::new(&[1f32, 3.0], &Device::Cpu)?.reshape((1, 2, 1, 1))?;
/// let scale = Tensor::new(&[2f32, -1.0], &Device::Cpu)?;
/// let shift = Tensor::new(&[0.5f32, 0.5], &Device::Cpu)?;
/// let y = channel_affine(&x, &scale, &shift, Activation::None)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [2.5, -2.5]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn channel_affine(x: &Tensor, scale: &Tensor, shift: &Tensor, activation: Activation) -> Result<Tensor> {
    let op = "channel_affine";
    let [images, channels, height, width] = Argument::new(op, "input", x)?.dims("(N, C, H, W)")?;
    Argument::new(op, "scale", scale)?.expect(&[channels], "a number per channel")?;
    Argument::new(op, "shift", shift)?.expect(&[channels], "a number per channel")?;
    let sizes = Channels { images, channels, pixels: height * width };
    let affine = ChannelAffine { sizes, activation };
    x.contiguous()?.apply_op3(&scale.contiguous()?, &shift.contiguous()?, affine)
}

struct ChannelAffine {
    sizes: Channels,
    activation: Activation,
}

impl ChannelAffine {
    fn forward(&self, x: &[f32], scale: &[f32], shift: &[f32]) -> Vec<f32> {
        let activation = self.activation;
        self.sizes.map_planes(|channel, plane, y| {
            let (scale, shift) = (scale[channel], shift[channel]);
            for (y, x) in y.iter_mut().zip(&x[plane]) {
                *y = activation.of(x * scale + shift);
            }
        })
    }

    fn input_gradient(&self, scale: &[f32], y: &[f32], g: &[f32]) -> Vec<f32> {
        let activation = self.activation;
        self.sizes.map_planes(|channel, plane, dx| {
            let scale = scale[channel];
            for ((dx, y), g) in dx.iter_mut().zip(&y[plane.clone()]).zip(&g[plane]) {
                *dx = scale * activation.gate(*g, *y);
            }
        })
    }

    /// Σ g and Σ g · x of each channel, where g is the gradient behind the activation's gate.
    fn gradient_sums(&self, x: &[f32], y: &[f32], g: &[f32]) -> Vec<[f64; 2]> {
        let activation = self.activation;
        self.sizes.sums(|_, plane| {
            let (x, y, g) = (&x[plane.clone()], &y[plane.clone()], &g[plane]);
            lane_sums(x.len(), |i| {
                let g = f64::from(activation.gate(g[i], y[i]));
                [g, g * f64::from(x[i])]
            })
        })
    }
}

impl CustomOp3 for ChannelAffine {
    fn name(&self) -> &'static str {
        "channel_affine"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        scale: &CpuStorage,
        scale_layout: &Layout,
        shift: &CpuStorage,
        shift_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (scale, shift) = (contiguous(scale, scale_layout)?, contiguous(shift, shift_layout)?);
        let y = self.forward(contiguous(x, x_layout)?, scale, shift);
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        scale: &Tensor,
        shift: &Tensor,
        y: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let g = g.contiguous()?;
        let (x_values, scale_values) = (Values::of(x), Values::of(scale));
        let (y_values, g_values) = (Values::of(y), Values::of(&g));
        let (y, g) = (y_values.slice()?, g_values.slice()?);
        let input = || constant(self.input_gradient(scale_values.slice()?, y, g), x.shape());
        let dx = x.track_op().then(input).transpose()?;
        if !scale.track_op() && !shift.track_op() {
            return Ok((dx, None, None));
        }
        let sums = self.gradient_sums(x_values.slice()?, y, g);
        let gradient = |which: usize| constant(sums.iter().map(|s| s[which] as f32).collect(), scale.shape());
        let dscale = scale.track_op().then(|| gradient(1)).transpose()?;
        let dshift = shift.track_op().then(|| gradient(0)).transpose()?;
        Ok((dx, dscale, dshift))
    }
}
