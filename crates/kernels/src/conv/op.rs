//! The convolution as candle sees it.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};

use super::{forward::forward, input_gradient::input_gradient, weight_gradient::weight_gradient};
use crate::{
    argument::{Values, constant, contiguous},
    channels::{Channels, lane_sums},
    geometry::Geometry,
};

/// A convolution of known sizes; with two arguments it has no bias, with three it has one.
pub(crate) struct Convolution(pub(crate) Geometry);

impl Convolution {
    fn output(&self, y: Vec<f32>) -> (CpuStorage, Shape) {
        let Geometry { images, groups, outputs, out: [height, width], .. } = self.0;
        (CpuStorage::F32(y), (images, groups * outputs, height, width).into())
    }

    /// The gradients of input and weight that autograd follows.
    fn gradients(&self, x: &Tensor, weight: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (x_values, weight_values, g_values) = (Values::of(x), Values::of(weight), Values::of(g));
        let g = g_values.slice()?;
        let input = || constant(input_gradient(&self.0, weight_values.slice()?, g), x.shape());
        let weights = || constant(weight_gradient(&self.0, x_values.slice()?, g), weight.shape());
        Ok((x.track_op().then(input).transpose()?, weight.track_op().then(weights).transpose()?))
    }

    fn bias_gradient(&self, g: &Tensor) -> Result<Tensor> {
        let Geometry { images, groups, outputs, .. } = self.0;
        let channels = Channels { images, channels: groups * outputs, pixels: self.0.out_pixels() };
        let g = Values::of(g);
        let g = g.slice()?;
        let sums = channels.sums(|_, plane| {
            let g = &g[plane];
            lane_sums(g.len(), |i| [f64::from(g[i])])
        });
        constant(sums.iter().map(|[sum]| *sum as f32).collect(), channels.channels)
    }
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight) = (contiguous(x, x_layout)?, contiguous(weight, weight_layout)?);
        Ok(self.output(forward(&self.0, x, weight, None)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.gradients(x, weight, &g.contiguous()?)
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "conv2d"
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
        let (x, weight) = (contiguous(x, x_layout)?, contiguous(weight, weight_layout)?);
        let bias = contiguous(bias, bias_layout)?;
        Ok(self.output(forward(&self.0, x, weight, Some(bias))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        g: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let g = g.contiguous()?;
        let (dx, dw) = self.gradients(x, weight, &g)?;
        let db = bias.track_op().then(|| self.bias_gradient(&g)).transpose()?;
        Ok((dx, dw, db))
    }
}
