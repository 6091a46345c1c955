//! Profiles of input gradients and shares of their energy, measured on the device that the gradients are on: from a GPU a row an image comes back.

use candle_core::Tensor;
use datasets::ImageShape;
use kernels::device::BandMeans;
use models::Backend;
use spectral::{Convention, Profiler, Profiles, RadialBins, Recipe};

use crate::Error;

/// Measures profiles of gradients of images of one size, and the share of each ring in a gradient's energy: both come of one transform.
pub struct GradientProfiler {
    /// On the CPU; of gradients elsewhere it says the bands.
    host: Profiler,
    device: Option<BandMeans>,
}

impl GradientProfiler {
    /// For the gradients that networks on a backend give.
    ///
    /// # Errors
    /// If the images are too small to have bands, or the device fails.
    pub fn new(shape: ImageShape, backend: &Backend) -> Result<Self, Error> {
        let (height, width, convention) = (shape.height, shape.width, Convention::Reference);
        let host = Profiler::new(Recipe::Gradient, shape.channels, height, width, convention)?;
        let host = host.with_energy_shares();
        let device = match backend {
            Backend::Cpu(_) => None,
            Backend::Candle { device, .. } => {
                let bins = RadialBins::new(height, width, convention);
                let rings = RadialBins::new(height, width, Convention::Nearest);
                let means = BandMeans::new([height, width], &bins.half_weights(), bins.len(), device)?;
                Some(means.with_energies(&rings.half_counts(), rings.len())?)
            }
        };
        Ok(Self { host, device })
    }

    /// The radius ρ of each band.
    pub fn radii(&self) -> &[usize] {
        self.host.radii()
    }

    /// The radius r of each ring: the nearest whole |k|, zero left out.
    pub fn rings(&self) -> &[usize] {
        self.host.ring_radii()
    }

    /// The profiles of gradients (N, C, H, W), and their shares of energy.
    ///
    /// # Errors
    /// If they are of another size, or the device fails.
    pub fn profiles(&self, gradients: &Tensor) -> Result<Profiles, Error> {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        match &self.device {
            None => Ok(self.host.profiles(&values(gradients)?)?),
            Some(device) => {
                let rows = values(&device.of_gradients(gradients)?)?;
                Ok(Profiles::of_gradient_means(&rows, self.radii().len(), self.rings().len()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Gradients of any size, some without a profile.
    fn gradients(height: usize, width: usize) -> candle_core::Result<Tensor> {
        let image = 3 * height * width;
        let wave = |at: usize| ((at * at % 977) as f32 / 977.0 - 0.4) * 1e-3;
        let mut values: Vec<f32> = (0..7 * image).map(wave).collect();
        values[image..2 * image].fill(0.0);
        values[2 * image..3 * image].fill(0.1);
        values[3 * image] = f32::NAN;
        values[4 * image] = f32::INFINITY;
        values[5 * image..6 * image].iter_mut().for_each(|value| *value *= 1e-25);
        Tensor::from_vec(values, (7, 3, height, width), &Device::Cpu)
    }

    #[test]
    fn both_ways_give_the_same_profiles() -> Result<(), Box<dyn std::error::Error>> {
        for (height, width) in [(32, 32), (33, 33), (24, 40), (40, 24), (64, 64)] {
            let shape = ImageShape { channels: 3, height, width };
            let gradients = gradients(height, width)?;
            let on = |backend| GradientProfiler::new(shape, &backend)?.profiles(&gradients);
            let (found, expected) = (on(Backend::candle_cpu())?, on(Backend::default())?);
            assert_eq!((found.skipped(), expected.skipped()), (4, 4));
            for (found, expected) in found.with_shares_by_image().zip(expected.with_shares_by_image()) {
                assert_eq!(found.is_some(), expected.is_some());
                let both = |(profile, shares): (&[f64], &[f64])| [profile, shares].concat();
                let (found, expected) = (found.map(both), expected.map(both));
                let pairs = found.iter().flatten().zip(expected.iter().flatten());
                for (found, expected) in pairs {
                    assert!((found - expected).abs() < 1e-5, "{height}×{width}: {found}, {expected}");
                }
            }
        }
        Ok(())
    }
}
