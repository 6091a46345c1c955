//! What kernels are fitted for: a density, and images that stay themselves.

use candle_core::Tensor;
use rayon::prelude::*;
use spectral::{Convention, DensityMap};

use crate::{
    Error,
    images::{CHANNELS, Dims, pixels, pixels_like, refused, tensor},
};

/// L = mean (density(fake) − target)² + mean (fake − real)²: the first over images and bands, the second over all pixel values
/// (Lin, Gao & Sang, IJCAI 2022, CDES). The density is [`spectral::DensityMap`]'s, with the reference's rings.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let objective = cdes::Objective::new(8, 8, vec![1.0, 0.0, 0.5])?;
/// let images = Tensor::arange(0f32, 384.0, &Device::Cpu)?.sin()?.reshape((2, 3, 8, 8))?;
/// let brighter = (&images + 0.5)?;
/// let (losses, gradient) = objective.evaluate(&brighter, &images)?;
/// assert!((losses.image - 0.25).abs() < 1e-7);
/// assert_eq!(losses.total(), losses.spectral + losses.image);
/// assert_eq!(gradient.dims(), [2, 3, 8, 8]);
/// // A constant is in no ring: it moves the image loss alone, by 2 · 0.5 / 384 a pixel.
/// assert!((gradient.sum_all()?.to_scalar::<f32>()? - 1.0).abs() < 1e-5);
/// # Ok::<(), cdes::Error>(())
/// ```
pub struct Objective {
    map: DensityMap,
    target: Vec<f64>,
    size: [usize; 2],
}

/// The two parts of the loss, means over a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Losses {
    /// Of the density: mean squared distance to the target over images and bands.
    pub spectral: f64,
    /// Of the pixels: mean squared distance to the real images over all values.
    pub image: f64,
}

impl Losses {
    /// Their sum.
    pub fn total(&self) -> f64 {
        self.spectral + self.image
    }
}

impl Objective {
    /// For images of `height` × `width` pixels and a target density: one finite value for each band, ρ = 1, 2, …; densities
    /// lie in [0, 1], so a target should. See [`target_density`](crate::target_density) for the paper's.
    ///
    /// # Errors
    /// If the images are too small to have bands, or the target has another number of values or one that is not finite.
    pub fn new(height: usize, width: usize, target: Vec<f64>) -> Result<Self, Error> {
        let map = DensityMap::new(CHANNELS, height, width, Convention::Reference)?;
        let expected = map.radii().len();
        if target.len() != expected {
            return Err(Error::Target { found: target.len(), expected, height, width });
        }
        if let Some(band) = target.iter().position(|value| !value.is_finite()) {
            let (what, value) = ("the target density".to_owned(), target[band]);
            return Err(Error::NotFinite { what, value, place: band.to_string() });
        }
        Ok(Self { map, target, size: [height, width] })
    }

    /// The target density, a value a band.
    pub fn target(&self) -> &[f64] {
        &self.target
    }

    /// The radius ρ of each band.
    pub fn radii(&self) -> &[usize] {
        self.map.radii()
    }

    /// Height and width of the images, in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The losses of `fake` images against the target and the `real` ones, and the gradient of their sum with respect to
    /// `fake`; all are (B, 3, H, W) f32.
    ///
    /// # Errors
    /// If the images are of another size than the objective's, there are not as many fake as real ones, or a value is
    /// not finite.
    pub fn evaluate(&self, fake: &Tensor, real: &Tensor) -> Result<(Losses, Tensor), Error> {
        self.check(fake)?;
        let (values, dims) = pixels(fake, "fake images")?;
        let real = pixels_like(real, "real images", dims)?;
        let (losses, gradient) = self.evaluate_values(&values, &real)?;
        Ok((losses, tensor(gradient, dims)?))
    }

    /// Refuses images of another size.
    pub(crate) fn check(&self, images: &Tensor) -> Result<(), Error> {
        let [height, width] = self.size;
        match *images.dims() {
            [_, CHANNELS, h, w] if [h, w] == self.size => Ok(()),
            _ => Err(refused(images, "images of the objective", &format!("(B, 3, {height}, {width})"))),
        }
    }

    /// [`Objective::evaluate`] of as many whole images on both sides.
    pub(crate) fn evaluate_values(&self, fake: &[f32], real: &[f32]) -> Result<(Losses, Vec<f32>), Error> {
        let densities = self.map.forward(fake)?;
        let distances =
            |row: &[f64]| -> Vec<f64> { row.iter().zip(&self.target).map(|(d, t)| d - t).collect() };
        let mut by_band: Vec<f64> = densities.rows().flat_map(distances).collect();
        let count = by_band.len() as f64;
        let spectral = by_band.iter().map(|distance| distance * distance).sum::<f64>() / count;
        by_band.iter_mut().for_each(|distance| *distance *= 2.0 / count);
        let mut gradient = densities.gradient(&by_band)?;

        let image = CHANNELS * self.size[0] * self.size[1];
        let scale = 2.0 / fake.len() as f64;
        let pairs = fake.par_chunks(image).zip(real.par_chunks(image));
        // Image by image, then in their order: the same bits for any number of threads.
        let sums: Vec<f64> = gradient
            .par_chunks_mut(image)
            .zip(pairs)
            .map(|(gradient, (fake, real))| add_squares(fake, real, scale, gradient))
            .collect();
        let image = sums.iter().sum::<f64>() / fake.len() as f64;
        Ok((Losses { spectral, image }, gradient))
    }

    /// Height and width of a batch that fits.
    pub(crate) fn dims(&self, images: usize) -> Dims {
        Dims { images, height: self.size[0], width: self.size[1] }
    }
}

/// Σ (fake − real)²; adds `scale` · (fake − real) to the gradient.
fn add_squares(fake: &[f32], real: &[f32], scale: f64, gradient: &mut [f32]) -> f64 {
    let mut sum = 0.0;
    for ((&fake, &real), gradient) in fake.iter().zip(real).zip(gradient) {
        let distance = f64::from(fake) - f64::from(real);
        sum += distance * distance;
        *gradient = (f64::from(*gradient) + scale * distance) as f32;
    }
    sum
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() -> Result<(), Error> {
        let message = |target| Objective::new(8, 8, target).err().map(|error| error.to_string());
        assert_eq!(
            message(vec![0.0; 20]).as_deref(),
            Some("a target of 20 bands: expected 3, one for each band of 8×8 images")
        );
        assert!(message(vec![0.0, f64::NAN, 0.0]).is_some_and(|text| text.contains("NaN at place 1")));
        assert!(Objective::new(2, 2, vec![]).is_err());
        let objective = Objective::new(8, 8, vec![0.0; 3])?;
        let zeros = |dims: [usize; 4]| Tensor::zeros(&dims, DType::F32, &Device::Cpu);
        let fake = zeros([2, 3, 8, 8])?;
        assert!(objective.evaluate(&fake, &zeros([1, 3, 8, 8])?).is_err());
        assert!(objective.evaluate(&zeros([2, 3, 8, 9])?, &zeros([2, 3, 8, 9])?).is_err());
        let infinite = (&fake + f64::INFINITY)?;
        assert!(objective.evaluate(&infinite, &fake).is_err());
        Ok(())
    }

    /// Without structure there is no density to move: the loss is the target's own square.
    #[test]
    fn constant_images_have_a_loss_and_no_gradient() -> Result<(), Error> {
        let objective = Objective::new(8, 8, vec![1.0, 0.0, 0.5])?;
        let images = Tensor::ones((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
        let (losses, gradient) = objective.evaluate(&images, &images)?;
        assert_eq!(losses, Losses { spectral: 1.25 / 3.0, image: 0.0 });
        assert_eq!(gradient.abs()?.sum_all()?.to_scalar::<f32>()?, 0.0);
        Ok(())
    }
}
