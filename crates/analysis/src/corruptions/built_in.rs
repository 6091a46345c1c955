//! Corruptions that are made of any images: five of those of Hendrycks & Dietterich (ICLR 2019), written from their descriptions, at their
//! strengths. Values are not rounded to 8 bits, as those of published sets are.

use datasets::ImageShape;
use rand::Rng;
use random::Stream;

use crate::measuring::gaussian;

/// What is done to images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// x + σ·n, n normal.
    GaussianNoise,
    /// This share of the values becomes 0 or 1.
    ImpulseNoise,
    /// A Gaussian of this deviation in pixels, cut off at four of them; edges go on.
    GaussianBlur,
    /// c·(x − m) + m, m each channel's mean.
    Contrast,
    /// max(R, G, B) is raised; hue and saturation stay.
    Brightness,
}

/// A name, what is done, and the strengths by severity for small images and for large ones.
type BuiltIn = (&'static str, Kind, [f64; 5], [f64; 5]);

/// All, by the names that published sets have for them.
pub(super) const ALL: [BuiltIn; 5] = [
    ("brightness", Kind::Brightness, [0.05, 0.1, 0.15, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5]),
    ("contrast", Kind::Contrast, [0.75, 0.5, 0.4, 0.3, 0.15], [0.4, 0.3, 0.2, 0.1, 0.05]),
    ("gaussian_blur", Kind::GaussianBlur, [0.4, 0.6, 0.7, 0.8, 1.0], [1.0, 2.0, 3.0, 4.0, 6.0]),
    ("gaussian_noise", Kind::GaussianNoise, [0.04, 0.06, 0.08, 0.09, 0.10], [0.08, 0.12, 0.18, 0.26, 0.38]),
    ("impulse_noise", Kind::ImpulseNoise, [0.01, 0.02, 0.03, 0.05, 0.07], [0.03, 0.06, 0.09, 0.17, 0.27]),
];

/// A corruption of a strength.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    pub(super) kind: Kind,
    pub(super) strength: f64,
}

impl Recipe {
    /// Corrupts an image; what is random follows from the stream.
    pub(super) fn apply(self, image: &mut [f32], shape: ImageShape, stream: &Stream) {
        let (plane, strength) = (shape.height * shape.width, self.strength);
        match self.kind {
            Kind::GaussianNoise => {
                let noise = gaussian(stream, image.len());
                let add = |(pixel, noise): (&mut f32, f64)| *pixel += (strength * noise) as f32;
                image.iter_mut().zip(noise).for_each(add);
            }
            Kind::ImpulseNoise => impulses(image, strength, stream),
            Kind::GaussianBlur => {
                image.chunks_mut(plane).for_each(|channel| blur(channel, shape.width, strength));
            }
            Kind::Contrast => image.chunks_mut(plane).for_each(|channel| fade(channel, strength)),
            Kind::Brightness => brighten(image, plane, strength as f32),
        }
        image.iter_mut().for_each(|pixel| *pixel = pixel.clamp(0.0, 1.0));
    }
}

/// Half of the values that are hit become 0, half 1.
fn impulses(image: &mut [f32], share: f64, stream: &Stream) {
    let mut random = stream.generator();
    for pixel in image {
        let drawn = random.random::<f64>();
        if drawn < share {
            *pixel = if drawn < share / 2.0 { 0.0 } else { 1.0 };
        }
    }
}

fn fade(channel: &mut [f32], contrast: f64) {
    let mean = channel.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / channel.len() as f64;
    channel.iter_mut().for_each(|pixel| *pixel = (contrast * (f64::from(*pixel) - mean) + mean) as f32);
}

/// V = max(R, G, B) becomes V + more, 1 at most, and each channel keeps its share of V. Black becomes grey.
fn brighten(image: &mut [f32], plane: usize, more: f32) {
    for at in 0..plane {
        let value = image.iter().skip(at).step_by(plane).copied().fold(0.0, f32::max);
        let brighter = (value + more).min(1.0);
        for pixel in image.iter_mut().skip(at).step_by(plane) {
            *pixel = if value > 0.0 { *pixel / value * brighter } else { brighter };
        }
    }
}

/// Along rows, then along columns.
fn blur(channel: &mut [f32], width: usize, deviation: f64) {
    let reach = (4.0 * deviation + 0.5) as usize;
    let weight = |far: usize| (-0.5 * (far as f64 / deviation).powi(2)).exp();
    let weights: Vec<f64> = (0..=2 * reach).map(|at| weight(at.abs_diff(reach))).collect();
    let sum: f64 = weights.iter().sum();
    let height = channel.len() / width;
    let mut filter = |lines: usize, length: usize, place: &dyn Fn(usize, usize) -> usize| {
        for line in 0..lines {
            let old: Vec<f64> = (0..length).map(|at| f64::from(channel[place(line, at)])).collect();
            for at in 0..length {
                let value = |(far, weight): (usize, &f64)| {
                    weight * old[(at + far).saturating_sub(reach).min(length - 1)]
                };
                let total: f64 = weights.iter().enumerate().map(value).sum();
                channel[place(line, at)] = (total / sum) as f32;
            }
        }
    };
    filter(height, width, &|row, at| row * width + at);
    filter(width, height, &|column, at| at * width + column);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 8, width: 10 };
    const STREAM: Stream = Stream { domain: *b"test", seed: 0, purpose: 0, epoch: 0, index: 0 };

    fn corrupted(kind: Kind, strength: f64, pixel: impl Fn(usize) -> f32) -> Vec<f32> {
        let mut image: Vec<f32> = (0..SHAPE.len()).map(pixel).collect();
        Recipe { kind, strength }.apply(&mut image, SHAPE, &STREAM);
        image
    }

    fn near(found: f32, expected: f64) -> bool {
        (f64::from(found) - expected).abs() < 1e-6
    }

    #[test]
    fn values_by_hand() {
        // A point in the middle: the product of two Gaussians of deviation 0.5, whose weights are 1, e⁻², e⁻⁸.
        let blurred = corrupted(Kind::GaussianBlur, 0.5, |at| f32::from(u8::from(at == 45)));
        let sum = 1.0 + 2.0 * (-2f64).exp() + 2.0 * (-8f64).exp();
        assert!(near(blurred[45], 1.0 / sum.powi(2)), "{}", blurred[45]);
        assert!(
            near(blurred[46], (-2f64).exp() / sum.powi(2)) && near(blurred[56], (-4f64).exp() / sum.powi(2))
        );
        assert!(near(blurred.iter().sum::<f32>(), 1.0) && blurred[80..].iter().all(|&value| value == 0.0));
        // A half grey, half black channel about its mean of 0.25.
        let faded = corrupted(Kind::Contrast, 0.4, |at| if at % 2 == 0 { 0.5 } else { 0.0 });
        assert!(near(faded[0], 0.35) && near(faded[1], 0.15));
        // V = 0.6 becomes 0.9: channels 0.2, 0.4, 0.6 are raised by a half; black becomes grey.
        let bright =
            corrupted(
                Kind::Brightness,
                0.3,
                |at| {
                    if at % 80 == 0 { 0.2 * (at / 80 + 1) as f32 } else { 0.0 }
                },
            );
        assert!(
            near(bright[0], 0.3) && near(bright[80], 0.6) && near(bright[160], 0.9) && near(bright[1], 0.3)
        );
    }

    #[test]
    fn noise_is_as_strong_as_it_says() {
        let noisy = corrupted(Kind::GaussianNoise, 0.1, |_| 0.5);
        let square: f64 = noisy.iter().map(|&value| (f64::from(value) - 0.5).powi(2)).sum::<f64>() / 240.0;
        assert!((square.sqrt() - 0.1).abs() < 4.0 * 0.1 / (480f64).sqrt(), "{square}");
        let hit = corrupted(Kind::ImpulseNoise, 0.27, |_| 0.5);
        let [black, white] = [0.0, 1.0].map(|value| hit.iter().filter(|&&pixel| pixel == value).count());
        assert!(hit.iter().all(|pixel| [0.0, 0.5, 1.0].contains(pixel)));
        // 32.4 of 240 each, ± 4 · 5.3.
        assert!((12..=53).contains(&black) && (12..=53).contains(&white), "{black} {white}");
    }
}
