//! The noise that is added to images before kernels see them.

use candle_core::Tensor;
use rand::Rng;
use random::ChaCha8Rng;
use rayon::prelude::*;

use crate::{
    Error,
    images::{pixels, pixels_like, tensor},
    random::{Purpose, generator},
    reduce::{CHUNK, extremes, mean},
};

/// What the mean of a batch is divided by to get the range of its noise.
const PART_OF_MEAN: f64 = 10.0;

/// x + u·mean(batch)/10 for images (B, 3, H, W) f32, u uniform noise from `random`, min–max scaled to [0, 1] over the
/// batch (Lin, Gao & Sang, IJCAI 2022, CDES).
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// let images = Tensor::ones((2, 3, 8, 8), DType::F32, &Device::Cpu)?;
/// let noisy = cdes::noisy(&images, &mut cdes::noise_generator(0, 0, 0))?.flatten_all()?;
/// assert_eq!(noisy.min(0)?.to_scalar::<f32>()?, 1.0);
/// assert_eq!(noisy.max(0)?.to_scalar::<f32>()?, 1.1);
/// # Ok::<(), cdes::Error>(())
/// ```
///
/// # Errors
/// If there is no image, or values are not f32 or not finite.
pub fn noisy(images: &Tensor, random: &mut ChaCha8Rng) -> Result<Tensor, Error> {
    let (mut values, dims) = pixels(images, "images to add noise to")?;
    add_drawn(&mut values, random);
    tensor(values, dims)
}

/// The same with given `noise`, of the images' shape and any range.
///
/// ```
/// use candle_core::{Device, Tensor};
/// let images = Tensor::new(&[1f32, 2.0, 3.0], &Device::Cpu)?.reshape((1, 3, 1, 1))?;
/// let noise = Tensor::new(&[-1f32, 1.0, 3.0], &Device::Cpu)?.reshape((1, 3, 1, 1))?;
/// let noisy = cdes::with_noise(&images, &noise)?.flatten_all()?.to_vec1::<f32>()?;
/// assert_eq!(noisy, [1.0, 2.1, 3.2]); // the mean is 2: up to 0.2
/// # Ok::<(), cdes::Error>(())
/// ```
///
/// # Errors
/// If there is no image, the shapes differ, or values are not f32 or not finite.
pub fn with_noise(images: &Tensor, noise: &Tensor) -> Result<Tensor, Error> {
    let (mut values, dims) = pixels(images, "images to add noise to")?;
    add(&mut values, &pixels_like(noise, "noise", dims)?);
    tensor(values, dims)
}

/// The generator of a batch's noise: a ChaCha8 stream of its own for every (seed, epoch, batch), so that noise depends on
/// nothing that was drawn before. [`Fit`](crate::Fit) draws from these.
pub fn noise_generator(seed: u64, epoch: u64, batch: u64) -> ChaCha8Rng {
    generator(seed, Purpose::Noise, epoch, batch)
}

/// Adds noise from a generator. ChaCha's words can be had from any place on, so all threads draw at once and draw the same.
pub(crate) fn add_drawn(images: &mut [f32], random: &mut ChaCha8Rng) {
    let (start, mut noise) = (random.get_word_pos(), vec![0.0; images.len()]);
    noise.par_chunks_mut(CHUNK).enumerate().for_each(|(index, noise)| {
        let (mut random, mut words) = (random.clone(), [0u32; CHUNK]);
        random.set_word_pos(start + (index * CHUNK) as u128);
        let words = &mut words[..noise.len()];
        random.fill(words); // many times faster than one by one, and the same words
        noise.iter_mut().zip(words).for_each(|(noise, word)| *noise = uniform(*word));
    });
    random.set_word_pos(start + images.len() as u128);
    add(images, &noise);
}

/// In [0, 1), as `rand` makes an f32 of a word: its upper 24 bits.
fn uniform(word: u32) -> f32 {
    (word >> 8) as f32 / (1 << 24) as f32
}

/// Adds as much noise as there are values; noise without a range is no noise.
fn add(images: &mut [f32], noise: &[f32]) {
    let mean = mean(images);
    let [low, high] = extremes(noise).map(f64::from);
    let scale = if high > low { mean / PART_OF_MEAN / (high - low) } else { 0.0 };
    images.par_chunks_mut(CHUNK).zip(noise.par_chunks(CHUNK)).for_each(|(images, noise)| {
        for (image, &noise) in images.iter_mut().zip(noise) {
            *image = (f64::from(*image) + (f64::from(noise) - low) * scale) as f32;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_without_a_range_adds_nothing() {
        let mut images = [0.25, 0.5];
        add(&mut images, &[0.7, 0.7]);
        assert_eq!(images, [0.25, 0.5]);
    }

    #[test]
    fn noise_is_what_the_generator_gives_one_by_one() {
        let mut random = noise_generator(1, 2, 3);
        let count = 2 * CHUNK + 1001;
        let drawn: Vec<f32> = (0..count).map(|_| random.random()).collect();
        let (mut given, mut own) = (vec![0.5; count], vec![0.5; count]);
        add(&mut given, &drawn);
        add_drawn(&mut own, &mut noise_generator(1, 2, 3));
        assert_eq!(given, own);
    }

    #[test]
    fn streams_give_the_same_noise_again_and_differ() {
        let drawn = |seed, epoch, batch| {
            let mut images = vec![0.5; 100];
            add_drawn(&mut images, &mut noise_generator(seed, epoch, batch));
            images
        };
        assert_eq!(drawn(1, 2, 3), drawn(1, 2, 3));
        let others = [drawn(0, 2, 3), drawn(1, 0, 3), drawn(1, 2, 0)];
        assert!(others.iter().all(|other| *other != drawn(1, 2, 3)));
    }
}
