//! Adversarial examples: images changed by as little as a ball allows so that a network's loss is as high as can be.

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{error::Error, frozen::Frozen};

/// Around an image: how the size of a change is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ball {
    /// The Euclidean length over all pixels and channels.
    L2,
    /// The largest change of a value.
    Linf,
}

/// Projected gradient ascent on the cross-entropy (Madry et al. 2018), in evaluation mode, with the steps and projections of the
/// `robustness` library: of all images on the way the one with the highest loss is taken.
///
/// Radius and step are in units of pixels in [0, 1]; changed images stay in [0, 1].
///
/// ```
/// # use candle_core::{Device, Tensor};
/// # use models::{Architecture, Attack, Ball, Classifier, Normaliser};
/// # let resnet: Architecture = "resnet20".parse()?;
/// # let waves = |(name, shape): (&String, &Vec<usize>)| {
/// #     let values = Tensor::arange(0f32, shape.iter().product::<usize>() as f32, &Device::Cpu)?.sin()?;
/// #     let is_positive = name.ends_with("running_var");
/// #     let values = if is_positive { (values.sqr()? + 0.5)? } else { (values * 0.2)? };
/// #     Ok((name.clone(), values.reshape(shape.as_slice())?))
/// # };
/// # let weights = resnet.graph(10).shapes().iter().map(waves).collect::<candle_core::Result<_>>()?;
/// # let network = Classifier::new(resnet, 10, Normaliser::CIFAR10, &weights)?.freeze()?;
/// let attack = Attack { ball: Ball::Linf, radius: 8.0 / 255.0, step: 2.0 / 255.0, steps: 7, random_start: true };
/// let images = Tensor::full(0.5f32, (2, 3, 32, 32), &Device::Cpu)?;
/// let found = attack.on(&network, &images, &[3, 7], &[0, 1])?;
/// let change = (found - images)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
/// assert!(change > 0.0 && change < 8.001 / 255.0);
/// # Ok::<(), models::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attack {
    /// The shape of the ball.
    pub ball: Ball,
    /// Its radius, ε.
    pub radius: f32,
    /// How far a step goes.
    pub step: f32,
    /// How many steps.
    pub steps: usize,
    /// Whether to begin at a random place in the ball rather than at its centre.
    pub random_start: bool,
}

impl Attack {
    /// Images (N, 3, H, W) in [0, 1] with as high a loss for `labels` as was found. With a random start each image's place comes
    /// from its seed alone.
    ///
    /// # Errors
    /// If the batch is empty, is not (N, 3, H, W), or has other labels or seeds than images.
    pub fn on(
        &self,
        network: &Frozen,
        images: &Tensor,
        labels: &[u32],
        seeds: &[u64],
    ) -> Result<Tensor, Error> {
        if seeds.len() != labels.len() {
            return Err(Error::BatchMismatch { images: labels.len(), labels: seeds.len() });
        }
        let clean = images.flatten_all()?.to_vec1::<f32>()?;
        let each = clean.len() / labels.len().max(1);
        let mut now = clean.clone();
        if self.random_start {
            for ((now, clean), &seed) in now.chunks_mut(each).zip(clean.chunks(each)).zip(seeds) {
                self.start(now, clean, seed);
            }
        }
        let tensor = |values: &[f32]| Tensor::from_slice(values, images.shape(), &Device::Cpu);
        let mut worst = Worst { images: now.clone(), losses: vec![f32::NEG_INFINITY; labels.len()] };
        for _ in 0..self.steps {
            let found = network.scaled_input_gradient(&tensor(&now)?, labels)?;
            worst.take(&now, &losses(&found.logits, labels)?);
            let gradient = found.gradient.flatten_all()?.to_vec1::<f32>()?;
            let all = now.chunks_mut(each).zip(clean.chunks(each)).zip(gradient.chunks(each));
            all.for_each(|((now, clean), gradient)| self.ascend(now, clean, gradient));
        }
        let last = network.evaluate(&tensor(&now)?, labels)?;
        worst.take(&now, &losses(&last.logits, labels)?);
        Ok(tensor(&worst.images)?)
    }

    /// A random place in the ball.
    fn start(&self, now: &mut [f32], clean: &[f32], seed: u64) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let width = match self.ball {
            Ball::L2 => 0.5,
            Ball::Linf => self.radius,
        };
        now.iter_mut().for_each(|value| *value += width * random.random_range(-1.0..1.0f32));
        self.project(now, clean);
    }

    /// A step up, and back into the ball.
    fn ascend(&self, now: &mut [f32], clean: &[f32], gradient: &[f32]) {
        match self.ball {
            Ball::L2 => {
                let length = length(gradient.iter().copied());
                // Where there is no direction, of a network that gives no numbers, images stay where they are.
                let scale = if length.is_finite() { self.step / length.max(1e-10) } else { 0.0 };
                let finite = |slope: f32| if slope.is_finite() { slope } else { 0.0 };
                now.iter_mut().zip(gradient).for_each(|(value, &slope)| *value += scale * finite(slope));
            }
            Ball::Linf => {
                let sign = |slope: f32| f32::from(slope > 0.0) - f32::from(slope < 0.0);
                now.iter_mut().zip(gradient).for_each(|(value, &slope)| *value += self.step * sign(slope));
            }
        }
        self.project(now, clean);
    }

    /// Back into the ball and into [0, 1].
    fn project(&self, now: &mut [f32], clean: &[f32]) {
        let factor = match self.ball {
            Ball::L2 => {
                let far = length(now.iter().zip(clean).map(|(now, clean)| now - clean));
                if far > self.radius { self.radius / far } else { 1.0 }
            }
            Ball::Linf => 1.0,
        };
        let limit = if self.ball == Ball::Linf { self.radius } else { f32::INFINITY };
        for (value, clean) in now.iter_mut().zip(clean) {
            let change = (factor * (*value - clean)).clamp(-limit, limit);
            *value = (clean + change).clamp(0.0, 1.0);
        }
    }
}

/// The images with the highest losses so far.
struct Worst {
    images: Vec<f32>,
    losses: Vec<f32>,
}

impl Worst {
    fn take(&mut self, images: &[f32], losses: &[f32]) {
        let each = images.len() / losses.len().max(1);
        let kept = self.images.chunks_mut(each).zip(&mut self.losses);
        for ((kept, highest), (image, &loss)) in kept.zip(images.chunks(each).zip(losses)) {
            if loss > *highest {
                *highest = loss;
                kept.copy_from_slice(image);
            }
        }
    }
}

fn length(values: impl Iterator<Item = f32>) -> f32 {
    values.map(|value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt() as f32
}

/// The cross-entropy of each image, in nats.
fn losses(logits: &Tensor, labels: &[u32]) -> Result<Vec<f32>, Error> {
    let rows = logits.to_vec2::<f32>()?;
    let loss = |(row, &label): (&Vec<f32>, &u32)| {
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = row.iter().map(|score| (score - highest).exp()).sum();
        highest + total.ln() - row[label as usize]
    };
    Ok(rows.iter().zip(labels).map(loss).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const L2: Attack = Attack { ball: Ball::L2, radius: 0.5, step: 0.2, steps: 1, random_start: false };

    #[test]
    fn a_step_goes_as_far_as_it_says_along_the_gradient() {
        let (clean, mut now) = ([0.5f32, 0.5], [0.5f32, 0.5]);
        L2.ascend(&mut now, &clean, &[3.0, -4.0]);
        assert!((now[0] - 0.62).abs() < 1e-6 && (now[1] - 0.34).abs() < 1e-6, "{now:?}");
        let mut now = clean;
        Attack { ball: Ball::Linf, ..L2 }.ascend(&mut now, &clean, &[1e-9, -7.0]);
        assert!((now[0] - 0.7).abs() < 1e-6 && (now[1] - 0.3).abs() < 1e-6, "{now:?}");
        let mut now = clean;
        L2.ascend(&mut now, &clean, &[0.0, 0.0]);
        assert_eq!(now, clean, "nowhere to go");
    }

    #[test]
    fn what_leaves_the_ball_comes_back_to_its_surface() {
        let clean = [0.5f32, 0.5];
        let mut now = [1.1, 1.3];
        L2.project(&mut now, &clean);
        assert!((length(now.iter().zip(clean).map(|(a, b)| a - b)) - 0.5).abs() < 1e-6);
        assert!((now[0] - 0.8).abs() < 1e-6 && (now[1] - 0.9).abs() < 1e-6, "{now:?}");
        let mut now = [2.0, 0.55];
        Attack { ball: Ball::Linf, radius: 0.1, ..L2 }.project(&mut now, &clean);
        assert_eq!(now, [0.6, 0.55]);
        let mut now = [0.9f32, -0.4];
        L2.project(&mut now, &[0.9, 0.1]);
        assert_eq!(now, [0.9, 0.0], "pixels stay in [0, 1]");
    }

    #[test]
    fn the_worst_image_is_kept() {
        let mut worst = Worst { images: vec![0.0; 4], losses: vec![f32::NEG_INFINITY; 2] };
        worst.take(&[1.0, 1.0, 2.0, 2.0], &[0.5, 0.5]);
        worst.take(&[3.0, 3.0, 4.0, 4.0], &[0.4, 0.6]);
        assert_eq!(worst.images, [1.0, 1.0, 4.0, 4.0]);
    }
}
