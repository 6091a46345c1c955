//! Phase or amplitude: images with the phase of one and the amplitude of another.
//!
//! x_ij = F⁻¹(|F x_j| · e^{i·arg F x_i}) for each channel, i and j of different classes, clipped to [0, 1] unless that is not wanted. Of
//! such images A_phase is the share that the network takes for y_i, A_amp the share that it takes for y_j. Each image gives its phase
//! once and its amplitude once, in pairs that a seed draws. arg 0 is 0, and a
//! coefficient that is only rounding, below 10⁻¹² of the plane's largest, counts as 0.

use datasets::{Batch, ImageSet, ImageShape, Look, donors};
use evaluation::Accuracy;
use models::Frozen;
use rayon::prelude::*;
use serde_json::{Value, json};
use spectral::RealFft2;

use super::{findings, row::PhaseAmplitudeRow};
use crate::{
    Error,
    measuring::{Findings, Measure, Subject, guesses, labels_differ},
};

/// How often networks go by phase, and how often by amplitude.
///
/// ```
/// use analysis::{PhaseAmplitude, Subject, measure_network};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let images = Synthetic { seed: 0, train: 0, test: 20 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let network = fresh_network(architecture, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let row = measure_network(&PhaseAmplitude::new(&subject, 0)?, &subject, &network)?;
/// assert!(row.images == 20 && row.by_phase + row.by_amplitude <= 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PhaseAmplitude<'a> {
    images: &'a ImageSet,
    shape: ImageShape,
    donors: Vec<usize>,
    plan: RealFft2<f64>,
    clip: bool,
    seed: u64,
}

impl<'a> PhaseAmplitude<'a> {
    /// With pairs that a seed draws.
    ///
    /// # Errors
    /// If a side is shorter than two pixels, or a class has more than half of the images: they cannot be paired.
    pub fn new(subject: &Subject<'a>, seed: u64) -> Result<Self, Error> {
        let (images, shape) = (subject.images, subject.images.shape());
        let plan = RealFft2::new(shape.height, shape.width)?;
        Ok(Self { images, shape, donors: donors(images.labels(), seed)?, plan, clip: true, seed })
    }

    /// With or without clipping to [0, 1].
    pub fn clipped(self, clip: bool) -> Self {
        Self { clip, ..self }
    }

    /// The images of a batch with the amplitudes of their donors.
    fn recombined(&self, batch: &Batch) -> Result<Vec<f32>, Error> {
        let mut pixels = batch.images.clone();
        let each = pixels.par_chunks_mut(self.shape.len()).zip(&batch.indices);
        each.try_for_each(|(image, &index)| {
            let mut donor = vec![0.0; image.len()];
            self.images.write(self.donors[index], Look::Plain, &mut donor)?;
            let plane = self.shape.height * self.shape.width;
            for (phase, amplitude) in image.chunks_mut(plane).zip(donor.chunks(plane)) {
                self.recombine(phase, amplitude);
            }
            Ok::<_, Error>(())
        })?;
        Ok(pixels)
    }

    /// Gives a plane the amplitude of another.
    fn recombine(&self, phase: &mut [f32], amplitude: &[f32]) {
        let spectrum = |plane: &[f32]| {
            self.plan.transform(&plane.iter().map(|&pixel| f64::from(pixel)).collect::<Vec<_>>())
        };
        let mut mixed = spectrum(phase);
        let rounding = 1e-12 * mixed.iter().map(|own| own.norm()).fold(0.0, f64::max);
        for (own, other) in mixed.iter_mut().zip(spectrum(amplitude)) {
            let length = own.norm();
            if length > rounding {
                *own *= other.norm() / length;
            } else {
                (own.re, own.im) = (other.norm(), 0.0);
            }
        }
        for (pixel, value) in phase.iter_mut().zip(self.plan.inverse(&mixed)) {
            *pixel = if self.clip { value.clamp(0.0, 1.0) } else { value } as f32;
        }
    }
}

impl Measure for PhaseAmplitude<'_> {
    const NAME: &'static str = "phase-amplitude";
    type Sums = PhaseAmplitudeRow;
    /// By image the class that it is taken for.
    type Found = Vec<u32>;
    type Row = PhaseAmplitudeRow;

    fn settings(&self) -> Value {
        json!({
            "clip": self.clip,
            "seed": self.seed,
            "pairs": "of different classes; each image gives its phase once and its amplitude once",
        })
    }

    fn steps(&self) -> usize {
        2
    }

    fn start(&self) -> PhaseAmplitudeRow {
        PhaseAmplitudeRow::default()
    }

    fn find(
        &self,
        network: &Frozen,
        batch: &Batch,
        step: usize,
        _sums: &PhaseAmplitudeRow,
    ) -> Result<Vec<u32>, Error> {
        let pixels = if step == 0 { batch.images.clone() } else { self.recombined(batch)? };
        guesses(network, batch, pixels)
    }

    fn add(&self, batch: &Batch, step: usize, found: Vec<u32>, sums: &mut PhaseAmplitudeRow) {
        let count = batch.len() as u64;
        if step == 0 {
            sums.correct += count - labels_differ(&found, &batch.labels);
            sums.images += count;
            return;
        }
        let labels = self.images.labels();
        let others: Vec<u32> = batch.indices.iter().map(|&index| labels[self.donors[index]]).collect();
        sums.by_phase += count - labels_differ(&found, &batch.labels);
        sums.by_amplitude += count - labels_differ(&found, &others);
    }

    fn row(&self, sums: PhaseAmplitudeRow, _what: &str) -> Result<PhaseAmplitudeRow, Error> {
        Ok(sums)
    }

    fn head(&self) -> String {
        "accuracy %  by phase %  95 % interval  by amplitude %  95 % interval".to_owned()
    }

    fn line(&self, row: &PhaseAmplitudeRow) -> String {
        let [clean, phase, amplitude] = row.rates().map(|(_, rate)| rate);
        let percent = |rate: Accuracy| 100.0 * rate.fraction().unwrap_or(0.0);
        let ends = |rate: Accuracy| {
            let [low, high] = rate.interval().map(|end| 100.0 * end);
            format!("{low:5.2} – {high:5.2}")
        };
        format!(
            "{:10.2}  {:10.2}  {:>13}  {:14.2}  {:>13}",
            percent(clean),
            percent(phase),
            ends(phase),
            percent(amplitude),
            ends(amplitude)
        )
    }

    fn findings(
        &self,
        rows: &[&PhaseAmplitudeRow],
        epochs: &[usize],
        subject: &str,
    ) -> Result<Findings, Error> {
        findings::of(rows, epochs, &self.donors, subject)
    }
}
