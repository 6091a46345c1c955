//! Losses and gradients of kernels on a device: the two convolutions one after the other, the density by products with matrices.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor, Var};
use kernels::{
    blocked::ConvolutionShape,
    device::{Convolution, Density, Precision, channel_sums, per_channel},
};
use spectral::{Convention, RadialBins};

use crate::{
    Error, Losses, Objective,
    images::{CHANNELS, Dims},
    pair::NAMES,
};

/// An objective on a device.
#[derive(Debug)]
pub(crate) struct TensorObjective {
    device: Device,
    density: Density,
    /// (1, bands).
    target: Tensor,
}

impl TensorObjective {
    pub(crate) fn new(objective: &Objective, device: &Device) -> Result<Self, Error> {
        let ([height, width], bands) = (objective.size(), objective.target().len());
        let weights = RadialBins::new(height, width, Convention::Reference).half_weights();
        let density = Density::new([height, width], &weights, bands, device)?;
        let target: Vec<f32> = objective.target().iter().map(|&value| value as f32).collect();
        let target = Tensor::from_vec(target, (1, bands), device)?;
        Ok(Self { device: device.clone(), density, target })
    }

    /// The losses of what the kernels make of images (B, 3, H, W), and the gradient of their sum with respect to each parameter;
    /// gradients are on the CPU, as the parameters are.
    pub(crate) fn gradients(
        &self,
        parameters: &BTreeMap<String, Var>,
        images: &[f32],
        dims: Dims,
    ) -> Result<(Losses, BTreeMap<String, Tensor>), Error> {
        let image = dims.shape();
        let x = Tensor::from_slice(images, image.as_slice(), &self.device)?;
        let [w1, b1, w2, b2] = NAMES.map(|name| parameters[name].to_device(&self.device));
        let (w1, b1, w2, b2) = (w1?, per_channel(&b1?)?, w2?, per_channel(&b2?)?);
        let (number, size) = (w1.dim(0)?, w1.dim(2)?);
        let first = ConvolutionShape::same([CHANNELS, number], size, 1);
        let first = Convolution::new(image, first, Precision::Full)?;
        let second = ConvolutionShape::same([number, CHANNELS], size, 1);
        let second = Convolution::new([image[0], number, image[2], image[3]], second, Precision::Full)?;

        let hidden = first.forward(&x, &w1)?.broadcast_add(&b1)?;
        let made = second.forward(&hidden, &w2)?.broadcast_add(&b2)?;
        let (losses, g) = self.evaluate(&made, &x)?;
        let of_hidden = second.input_gradient(&w2, &g)?;
        let gradients = [
            first.weight_gradient(&x, &of_hidden)?,
            channel_sums(&of_hidden)?,
            second.weight_gradient(&hidden, &g)?,
            channel_sums(&g)?,
        ];
        let named = NAMES
            .into_iter()
            .zip(gradients)
            .map(|(name, gradient)| Ok((name.to_owned(), gradient.to_device(&Device::Cpu)?)));
        Ok((losses, named.collect::<Result<_, Error>>()?))
    }

    /// See [`Objective::evaluate`].
    fn evaluate(&self, fake: &Tensor, real: &Tensor) -> Result<(Losses, Tensor), Error> {
        let densities = self.density.of(fake)?;
        let off = densities.rows.broadcast_sub(&self.target)?;
        let of_density = densities.gradient(&(&off * (2.0 / off.elem_count() as f64))?)?;
        let distance = (fake - real)?;
        let of_pixels = (&distance * (2.0 / distance.elem_count() as f64))?;
        let mean = |values: &Tensor| -> Result<f64, Error> {
            Ok(f64::from(values.sqr()?.mean_all()?.to_scalar::<f32>()?))
        };
        let losses = Losses { spectral: mean(&off)?, image: mean(&distance)? };
        Ok((losses, (of_density + of_pixels)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToyKernels;

    /// ‖a − b‖ / ‖b‖.
    fn distance(a: &Tensor, b: &Tensor) -> Result<f64, Error> {
        let norm = |x: &Tensor| -> Result<f64, Error> {
            Ok(f64::from(x.sqr()?.sum_all()?.to_scalar::<f32>()?).sqrt())
        };
        Ok(norm(&(a - b)?)? / norm(b)?)
    }

    fn same_as_on_the_cpu(device: &Device) -> Result<(), Error> {
        for (height, width) in [(32, 32), (17, 24)] {
            let bands = RadialBins::new(height, width, Convention::Reference).len();
            let target = (0..bands).map(|band| band as f64 / bands as f64).collect();
            let objective = Objective::new(height, width, target)?;
            let kernels = ToyKernels::new(16, 7, 3)?;
            let dims = Dims { images: 5, height, width };
            let mut images: Vec<f32> =
                (0..5 * dims.image()).map(|at| (at * at % 1009) as f32 / 1009.0).collect();
            // Without structure there is no density to move.
            images[..dims.image()].fill(0.5);
            let (expected, wanted) = kernels.gradients_of(&objective, &images, dims)?;
            let on_device = TensorObjective::new(&objective, device)?;
            let (found, gradients) = on_device.gradients(kernels.parameters(), &images, dims)?;
            assert!((found.spectral / expected.spectral - 1.0).abs() < 1e-4, "{found:?} {expected:?}");
            assert!((found.image / expected.image - 1.0).abs() < 1e-4, "{found:?} {expected:?}");
            for (name, expected) in &wanted {
                let apart = distance(&gradients[name], expected)?;
                assert!(apart < 1e-3, "{height}×{width}: {name}, {apart}");
            }
        }
        Ok(())
    }

    #[test]
    fn losses_and_gradients_are_the_same_with_tensors() -> Result<(), Error> {
        same_as_on_the_cpu(&Device::Cpu)
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn losses_and_gradients_are_the_same_on_a_gpu() -> Result<(), Error> {
        same_as_on_the_cpu(&Device::new_cuda(0)?)
    }
}
