//! The spectrum of attacks.
//!
//! * **Change**: δ is what projected gradient ascent adds to an image. A(r) = mean over the frequencies of ring r and the channels of
//!   |F δ|, F unitary: in units of pixels. Means over images, with Student's intervals.
//! * **Gradient**: the same of the clean image's gradient, scaled to the length of δ: what a single step would change.
//! * **Octaves**: the error rate under an attack that may use the frequencies of an octave alone, each at the whole ε. Wilson's intervals.

use datasets::Batch;
use evaluation::mean_interval;
use models::{Attack, Ball, Frozen};
use pipeline::{DeviceBatch, attack_caption, attacked, check_attack, out_of_memory};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spectral::RunningBands;

use super::{
    findings::{self, Attacked},
    limited::{limited_attack, size},
    row::AttackSpectrumRow,
};
use crate::{
    Error,
    measuring::{Findings, ImageRings, Measure, Subject, guesses, labels_differ, tensor},
};

/// The frequencies that an adversary changes, and the error rate where it may change those of an octave alone.
///
/// ```
/// use analysis::{AttackSpectrum, Subject, measure_network};
/// use datasets::synthetic::Synthetic;
/// use models::{Attack, Ball};
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let images = Synthetic { seed: 0, train: 0, test: 4 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let network = fresh_network(architecture, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let attack = Attack { ball: Ball::L2, radius: 0.5, step: 0.2, steps: 2, random_start: false };
/// let row = measure_network(&AttackSpectrum::new(&subject, attack)?, &subject, &network)?;
/// assert_eq!((row.change_mean.len(), row.octave_errors.len()), (23, 5)); // 1, 2–3, 4–7, 8–15, 16–23
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AttackSpectrum {
    attack: Attack,
    rings: ImageRings,
    octaves: Vec<[usize; 2]>,
}

/// Errors under attack; of the whole attack also those without, and by image the amplitudes of its change and of its gradient.
type Found = (u64, u64, Vec<Option<(Vec<f64>, Vec<f64>)>>);

/// What is summed over images.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sums {
    images: u64,
    skipped: u64,
    clean_errors: u64,
    attacked_errors: u64,
    octave_errors: Vec<u64>,
    change: RunningBands,
    gradient: RunningBands,
}

impl AttackSpectrum {
    /// Of an attack on images of the subject's size.
    ///
    /// # Errors
    /// If a side is shorter than two pixels, or the attack may go farther than images reach.
    pub fn new(subject: &Subject<'_>, attack: Attack) -> Result<Self, Error> {
        let shape = subject.images.shape();
        check_attack(&attack, shape)?;
        let rings = ImageRings::new(shape)?;
        let octaves = rings.octaves();
        Ok(Self { attack, rings, octaves })
    }

    /// The amplitudes of an image's change, and of its gradient scaled to the length of the change; absent where there is neither.
    fn profiles(&self, now: &[f32], clean: &[f32], gradient: &[f32]) -> Option<(Vec<f64>, Vec<f64>)> {
        let pairs = now.iter().zip(clean);
        let change: Vec<f64> = pairs.map(|(&now, &clean)| f64::from(now) - f64::from(clean)).collect();
        let mut gradient: Vec<f64> = gradient.iter().map(|&slope| f64::from(slope)).collect();
        let (far, steep) = (size(Ball::L2, &change), size(Ball::L2, &gradient));
        let scale = far / steep;
        if far == 0.0 || !scale.is_finite() {
            return None;
        }
        gradient.iter_mut().for_each(|slope| *slope *= scale);
        Some((self.rings.amplitudes(&change), self.rings.amplitudes(&gradient)))
    }

    /// The whole attack, and the clean gradient beside it.
    fn whole(&self, network: &Frozen, batch: &Batch) -> Result<Found, Error> {
        let failed = |error| out_of_memory(error, batch.len());
        let clean = guesses(network, batch, batch.images.clone())?;
        let found = network.scaled_input_gradient(&tensor(batch, batch.images.clone())?, &batch.labels);
        let gradient = found.map_err(failed)?.gradient.flatten_all()?.to_vec1::<f32>()?;
        let images = attacked(&self.attack, network, &DeviceBatch::on_host(batch.clone())?);
        let images = images.map_err(failed)?.flatten_all()?.to_vec1::<f32>()?;
        let each = self.rings.shape().len();
        let all = images.par_chunks(each).zip(batch.images.par_chunks(each)).zip(gradient.par_chunks(each));
        let profiles = all.map(|((now, clean), gradient)| self.profiles(now, clean, gradient)).collect();
        let clean_errors = labels_differ(&clean, &batch.labels);
        Ok((labels_differ(&guesses(network, batch, images)?, &batch.labels), clean_errors, profiles))
    }
}

impl Measure for AttackSpectrum {
    const NAME: &'static str = "attack-spectrum";
    type Sums = Sums;
    type Found = Found;
    type Row = AttackSpectrumRow;

    fn settings(&self) -> Value {
        let Attack { ball, radius, step, steps, random_start } = self.attack;
        let constraint = if ball == Ball::L2 { "2" } else { "inf" };
        json!({
            "attack": { "constraint": constraint, "eps": radius, "steps": steps, "step": step, "random_start": random_start },
            "amplitude": "mean of |F| over channels and a ring of the nearest whole |k|, F unitary, zero left out",
            "octave_attacks": "without random start; a change is limited to the octave and scaled to eps, the image clipped to [0, 1]",
        })
    }

    fn steps(&self) -> usize {
        1 + self.octaves.len()
    }

    fn start(&self) -> Sums {
        let bands = || RunningBands::new(self.rings.radii().len());
        Sums {
            images: 0,
            skipped: 0,
            clean_errors: 0,
            attacked_errors: 0,
            octave_errors: vec![0; self.octaves.len()],
            change: bands(),
            gradient: bands(),
        }
    }

    fn find(&self, network: &Frozen, batch: &Batch, step: usize, _sums: &Sums) -> Result<Found, Error> {
        let Some(octave) = step.checked_sub(1) else { return self.whole(network, batch) };
        let images = limited_attack(&self.attack, network, batch, &self.rings, self.octaves[octave])?;
        Ok((labels_differ(&guesses(network, batch, images)?, &batch.labels), 0, Vec::new()))
    }

    fn add(&self, batch: &Batch, step: usize, (errors, clean_errors, profiles): Found, sums: &mut Sums) {
        if let Some(octave) = step.checked_sub(1) {
            sums.octave_errors[octave] += errors;
            return;
        }
        for found in profiles {
            match found {
                Some((change, gradient)) => {
                    sums.change.push(&change);
                    sums.gradient.push(&gradient);
                }
                None => sums.skipped += 1,
            }
        }
        sums.images += batch.len() as u64;
        sums.clean_errors += clean_errors;
        sums.attacked_errors += errors;
    }

    fn row(&self, sums: Sums, what: &str) -> Result<AttackSpectrumRow, Error> {
        let Sums { images, skipped, clean_errors, attacked_errors, octave_errors, change, gradient } = sums;
        if change.count() == 0 {
            return Err(Error::NoGradients { what: what.to_owned(), images: images as usize });
        }
        let interval = |bands: &RunningBands| {
            let ends = bands.mean().into_iter().zip(bands.std());
            ends.map(|(mean, std)| mean_interval(mean, std, bands.count())).collect()
        };
        Ok(AttackSpectrumRow {
            images,
            skipped,
            clean_errors,
            attacked_errors,
            octave_errors,
            change_interval: interval(&change),
            change_mean: change.mean(),
            gradient_interval: interval(&gradient),
            gradient_mean: gradient.mean(),
        })
    }

    fn head(&self) -> String {
        let octaves =
            self.octaves.iter().map(|[first, last]| format!("{:>7}", findings::range(*first, *last)));
        format!("clean error %  attacked %  with r = {}", octaves.collect::<String>())
    }

    fn line(&self, row: &AttackSpectrumRow) -> String {
        let percent = |errors: u64| 100.0 * row.rate(errors).fraction().unwrap_or(0.0);
        let octaves = row.octave_errors.iter().map(|&errors| format!("{:7.2}", percent(errors)));
        let (clean, attacked) = (percent(row.clean_errors), percent(row.attacked_errors));
        format!("{clean:13.2}  {attacked:10.2}  {:8}{}", "", octaves.collect::<String>())
    }

    fn findings(
        &self,
        rows: &[&AttackSpectrumRow],
        epochs: &[usize],
        subject: &str,
    ) -> Result<Findings, Error> {
        let (radii, octaves) = (self.rings.radii(), &self.octaves[..]);
        let attacked = Attacked { radii, octaves, caption: &attack_caption(&self.attack) };
        findings::of(attacked, rows, epochs, subject)
    }
}
