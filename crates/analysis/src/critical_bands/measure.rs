//! Critical bands: how much noise of each octave of frequencies a network withstands.
//!
//! * **Images** become grey (0.299 R + 0.587 G + 0.114 B, in all channels) and of low contrast: 0.449 + c·(grey − 0.449), c = 0.2 as published.
//! * **Noise** is Gaussian, filtered to an octave around 1.75, 3.5, 7, … cycles per image and scaled so that its root mean square over the
//!   pixels is σ = 0.02, 0.04, 0.08 and 0.16; the same for all channels. The sum is clipped to [0, 1].
//! * **Threshold** of an octave: the σ at which accuracy falls to the criterion, on straight lines between the strengths.
//! * **Channel**: a Gaussian over octaves, A·exp(−(b − μ)²/2s²), is fitted to log₁₀(0.16 / threshold), 0 where there is no threshold. Its
//!   centre is 1.75·2^μ cycles per image, its width at half height 2√(ln 4)·s octaves; that of people is about one octave.
//!
//! Intervals of rates are Wilson's, those of thresholds and the channel by a Poisson bootstrap over images.

use datasets::{Batch, ImageShape};
use models::Frozen;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    bands::Octaves,
    findings::{self, Noise},
    fit::{gaussian, sensitivity, threshold},
    row::{Channel, CriticalBandsRow},
};
use crate::{
    Error,
    measuring::{Findings, Measure, Resampled, Subject, guesses},
};

/// Root mean squares of noise, in units of pixels in [0, 1]; without noise there is one evaluation for all octaves.
const STRENGTHS: [f64; 5] = [0.0, 0.02, 0.04, 0.08, 0.16];
/// Strengths above 0.
const NOISY: usize = STRENGTHS.len() - 1;
/// The contrast of images as published, and the grey that they vary about.
const CONTRAST: f64 = 0.2;
const MIDDLE: f64 = 0.449;
/// Of R, G and B in grey (Rec. 601).
const GREY: [f64; 3] = [0.299, 0.587, 0.114];

/// Which octaves of noise stop a network from seeing.
///
/// ```
/// use analysis::{CriticalBands, Subject, measure_network};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let images = Synthetic { seed: 0, train: 0, test: 4 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let network = fresh_network(architecture, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let row = measure_network(&CriticalBands::new(&subject, 0)?, &subject, &network)?;
/// assert_eq!((row.correct.len(), row.correct[0].len()), (4, 4)); // octaves at 32×32, strengths above 0
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CriticalBands {
    shape: ImageShape,
    octaves: Octaves,
    criterion: f64,
    contrast: f64,
    seed: u64,
    images: usize,
}

/// What is summed over images.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sums {
    images: u64,
    /// Without noise; then by octave and strength.
    correct: Vec<u64>,
    resampled: Resampled,
    /// Of the batch: by image, whether each of these is right.
    in_batch: Vec<f64>,
}

impl CriticalBands {
    /// Of images of the subject's size, with noise of a seed and thresholds at half of all images.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn new(subject: &Subject<'_>, seed: u64) -> Result<Self, Error> {
        let shape = subject.images.shape();
        let octaves = Octaves::new(shape)?;
        Ok(Self {
            shape,
            octaves,
            criterion: 0.5,
            contrast: CONTRAST,
            seed,
            images: subject.profile.batch_size.max(1),
        })
    }

    /// With thresholds at another accuracy.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not between 0 and 1.
    pub fn with_criterion(self, criterion: f64) -> Result<Self, Error> {
        if criterion > 0.0 && criterion < 1.0 {
            return Ok(Self { criterion, ..self });
        }
        let expected = "a share of images between 0 and 1".to_owned();
        Err(Error::Setting { what: "criterion", found: criterion.to_string(), expected })
    }

    /// Of images of another contrast.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not above 0 and at most 1.
    pub fn with_contrast(self, contrast: f64) -> Result<Self, Error> {
        if contrast > 0.0 && contrast <= 1.0 {
            return Ok(Self { contrast, ..self });
        }
        let expected = "a number above 0, at most 1".to_owned();
        Err(Error::Setting { what: "contrast", found: contrast.to_string(), expected })
    }

    /// What is measured of each image: once without noise, then each octave at each strength.
    fn cells(&self) -> usize {
        1 + NOISY * self.octaves.count()
    }

    /// The pixels of a batch, grey and pale, with the noise of a step.
    fn pixels(&self, batch: &Batch, step: usize) -> Vec<f32> {
        let plane = self.shape.height * self.shape.width;
        let mut pixels = batch.images.clone();
        pixels.par_chunks_mut(self.shape.len()).zip(&batch.indices).for_each(|(image, &index)| {
            let mut pale: Vec<f64> =
                (0..plane).map(|at| MIDDLE + self.contrast * (grey(image, plane, at) - MIDDLE)).collect();
            if let Some(noisy) = step.checked_sub(1) {
                let noise = self.octaves.noise(noisy / NOISY, self.seed, index);
                let strength = STRENGTHS[1 + noisy % NOISY];
                pale.iter_mut().zip(noise).for_each(|(pixel, noise)| *pixel += strength * noise);
            }
            for channel in image.chunks_mut(plane) {
                let pairs = channel.iter_mut().zip(&pale);
                pairs.for_each(|(pixel, pale)| *pixel = pale.clamp(0.0, 1.0) as f32);
            }
        });
        pixels
    }

    /// By octave: accuracies from sums of images and of those that are right.
    fn thresholds(&self, images: f64, correct: &[f64]) -> Vec<Option<f64>> {
        let octave = |noisy: &[f64]| {
            let accuracies: Vec<f64> =
                correct[..1].iter().chain(noisy).map(|correct| correct / images).collect();
            threshold(&STRENGTHS, &accuracies, self.criterion)
        };
        correct[1..].chunks(NOISY).map(octave).collect()
    }

    /// The same as sensitivities, if accuracy is not below the criterion from the start.
    fn sensitivities(&self, images: f64, correct: &[f64]) -> Option<Vec<f64>> {
        let of = |threshold| sensitivity(threshold, STRENGTHS[NOISY]);
        let is_seen = correct[0] >= self.criterion * images;
        is_seen.then(|| self.thresholds(images, correct).into_iter().map(of).collect())
    }

    fn channel(&self, sensitivities: Option<&[f64]>, resampled: &Resampled) -> Option<Channel> {
        let found = gaussian(sensitivities?)?;
        let [centre_interval, width_interval] = resampled.intervals(|sums| {
            let again = self.sensitivities(sums[0], &sums[1..]).and_then(|again| gaussian(&again));
            [again.map(|found| found.centre()), again.map(|found| found.width())]
        });
        let (centre, width) = (found.centre(), found.width());
        Some(Channel { peak: found.peak, centre, centre_interval, width, width_interval })
    }

    /// The images of a batch are through: they count in each replicate as often as it has them.
    fn close_batch(&self, batch: &Batch, sums: &mut Sums) {
        let rows = sums.in_batch.chunks_exact(self.cells());
        for (row, &image) in rows.zip(&batch.indices) {
            let numbers: Vec<f64> = std::iter::once(1.0).chain(row.iter().copied()).collect();
            sums.resampled.push(image, &numbers);
        }
    }
}

/// A pixel of an image as grey.
fn grey(image: &[f32], plane: usize, at: usize) -> f64 {
    let channels = image.len() / plane;
    let share = |channel: usize| if channels == 3 { GREY[channel] } else { 1.0 / channels as f64 };
    (0..channels).map(|channel| share(channel) * f64::from(image[channel * plane + at])).sum()
}

impl Measure for CriticalBands {
    const NAME: &'static str = "critical-bands";
    type Sums = Sums;
    /// By image the class that it is taken for.
    type Found = Vec<u32>;
    type Row = CriticalBandsRow;

    fn settings(&self) -> Value {
        json!({
            "criterion": self.criterion,
            "seed": self.seed,
            "images": { "grey": GREY, "contrast": self.contrast, "about": MIDDLE },
            "noise": "Gaussian, filtered to an octave, its root mean square over pixels equalised; the sum is clipped to [0, 1]",
            "sensitivity": "log10 of the strongest noise over the threshold; 0 where accuracy stays at the criterion",
        })
    }

    fn steps(&self) -> usize {
        self.cells()
    }

    fn start(&self) -> Sums {
        let cells = self.cells();
        Sums {
            images: 0,
            correct: vec![0; cells],
            resampled: Resampled::new(1 + cells, self.seed),
            in_batch: vec![0.0; self.images * cells],
        }
    }

    fn find(&self, network: &Frozen, batch: &Batch, step: usize, _sums: &Sums) -> Result<Vec<u32>, Error> {
        guesses(network, batch, self.pixels(batch, step))
    }

    fn add(&self, batch: &Batch, step: usize, found: Vec<u32>, sums: &mut Sums) {
        let cells = self.cells();
        for (image, (guess, label)) in found.iter().zip(&batch.labels).enumerate() {
            let is_right = guess == label;
            sums.correct[step] += u64::from(is_right);
            sums.in_batch[image * cells + step] = f64::from(u8::from(is_right));
        }
        if step == 0 {
            sums.images += batch.len() as u64;
        }
        if step + 1 == cells {
            self.close_batch(batch, sums);
        }
    }

    fn row(&self, sums: Sums, _what: &str) -> Result<CriticalBandsRow, Error> {
        let Sums { images, correct, resampled, .. } = sums;
        let counts: Vec<f64> = correct.iter().map(|&count| count as f64).collect();
        let all = images.max(1) as f64;
        let thresholds = self.thresholds(all, &counts);
        let of_octave =
            |octave: usize| resampled.interval(|sums| self.thresholds(sums[0], &sums[1..])[octave]);
        let known = thresholds.iter().enumerate();
        let threshold_intervals =
            known.map(|(octave, found)| found.and_then(|_| of_octave(octave))).collect();
        let sensitivities = self.sensitivities(all, &counts);
        Ok(CriticalBandsRow {
            images,
            clean: correct[0],
            correct: correct[1..].chunks(NOISY).map(<[u64]>::to_vec).collect(),
            channel: self.channel(sensitivities.as_deref(), &resampled),
            thresholds,
            threshold_intervals,
            sensitivities,
        })
    }

    fn head(&self) -> String {
        let octaves = self.octaves.centres().into_iter().map(|centre| format!("{centre:>7}"));
        format!(
            "accuracy %  centre  octaves wide  threshold of noise at{} cycles per image",
            octaves.collect::<String>()
        )
    }

    fn line(&self, row: &CriticalBandsRow) -> String {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let thresholds = row.thresholds.iter().map(|&found| format!("{:>7}", number(found, 3)));
        let clean = 100.0 * row.accuracy(row.clean).fraction().unwrap_or(0.0);
        let centre = number(row.channel.map(|channel| channel.centre), 1);
        let width = number(row.channel.map(|channel| channel.width), 2);
        format!("{clean:10.2}  {centre:>6}  {width:>12}  {:21}{}", "", thresholds.collect::<String>())
    }

    fn findings(
        &self,
        rows: &[&CriticalBandsRow],
        epochs: &[usize],
        subject: &str,
    ) -> Result<Findings, Error> {
        let centres = self.octaves.centres();
        let noise = Noise {
            centres: &centres,
            strengths: &STRENGTHS,
            criterion: self.criterion,
            contrast: self.contrast,
        };
        findings::of(noise, rows, epochs, subject)
    }
}
