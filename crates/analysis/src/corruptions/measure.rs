//! Corruptions by frequency.
//!
//! * **Errors** of each corruption and severity, the means over severities and over corruptions. Beside a reference network CE_c is a
//!   corruption's mean error over that network's, and mCE the mean of these.
//! * **Change**: D(r) is the mean over images, channels and the frequencies of ring r of |F(c(x) − x)|, F unitary, in units of pixels.
//! * **Prediction**: Σ_r D(r)·S(r) with S the network's Fourier sensitivity on clean images, and the rank correlation of that with
//!   the errors, over all corruptions and severities: whether frequencies say what a network fails on.

use std::path::Path;

use datasets::{Batch, Corruption};
use evaluation::{correlation_interval, spearman};
use models::Frozen;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    SEVERITIES,
    findings::{self, Corrupted},
    reference::Reference,
    row::{CorruptedRates, CorruptionsRow},
    source::{Corrupter, CorruptionSource},
};
use crate::{
    Error, Sensitivity,
    measuring::{Findings, ImageRings, Measure, Subject, guesses, labels_differ},
};

/// Errors on corrupted images, and what frequencies say of them.
///
/// ```
/// use analysis::{CorruptionSource, Corruptions, Subject, measure_network};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let images = Synthetic { seed: 0, train: 0, test: 8 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let network = fresh_network(architecture, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let row = measure_network(&Corruptions::new(&subject, CorruptionSource::BuiltIn { seed: 0 })?, &subject, &network)?;
/// assert_eq!((row.corrupted.len(), row.corrupted[0].len()), (5, 5)); // corruptions, severities
/// let noise = &row.corrupted[3]; // gaussian_noise, σ from 0.04 to 0.1, in all rings alike
/// assert!(noise[4].change[0] > 2.0 * noise[0].change[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Corruptions<'a> {
    corrupter: Corrupter<'a>,
    names: Vec<String>,
    dataset: String,
    rings: ImageRings,
    sensitivity: Sensitivity,
    reference: Option<Reference>,
}

/// Errors; by image the amplitudes of its change; and of images as they are their sensitivity.
type Found = (u64, Vec<Vec<f64>>, Option<<Sensitivity as Measure>::Found>);

/// What is summed over images.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sums {
    /// How many corruptions and severities are through.
    pass: usize,
    images: u64,
    clean_errors: u64,
    sensitivity: <Sensitivity as Measure>::Sums,
    errors: Vec<u64>,
    /// Of each corruption and severity in turn: sums of amplitudes by ring.
    changes: Vec<f64>,
}

impl<'a> Corruptions<'a> {
    /// Of the subject's images with the corruptions of a source.
    ///
    /// # Errors
    /// If a side is shorter than two pixels, or images that are given are not the subject's, at five severities each.
    pub fn new(subject: &Subject<'a>, source: CorruptionSource) -> Result<Self, Error> {
        let corrupter = Corrupter::new(source, subject.images)?;
        Ok(Self {
            names: corrupter.names(),
            dataset: subject.profile.label.clone(),
            corrupter,
            rings: ImageRings::new(subject.images.shape())?,
            sensitivity: Sensitivity::new(subject)?,
            reference: None,
        })
    }

    /// With errors in proportion to those of another network: a result file of this measure.
    ///
    /// # Errors
    /// If it is none.
    pub fn beside(self, results: &Path) -> Result<Self, Error> {
        let json = files::read(results)?;
        self.beside_json(&json, results)
    }

    /// The same with the file's content: JSON of results that `place` stands for in errors.
    ///
    /// # Errors
    /// As [`Corruptions::beside`].
    pub fn beside_json(self, json: &[u8], place: &Path) -> Result<Self, Error> {
        Ok(Self { reference: Some(Reference::of(json, place, &self.dataset)?), ..self })
    }

    fn corruption(&self, pass: usize) -> Corruption {
        let name = self.names[pass / SEVERITIES].clone();
        Corruption { name, severity: Some((pass % SEVERITIES + 1) as u8) }
    }
}

impl Measure for Corruptions<'_> {
    const NAME: &'static str = "corruptions";
    type Sums = Sums;
    type Found = Found;
    type Row = CorruptionsRow;

    fn settings(&self) -> Value {
        json!({
            "corruptions": self.names,
            "images": self.corrupter.words(),
            "reference": self.reference.as_ref().map(|reference| &reference.words),
            "change": "mean of |F(c(x) - x)| over images, channels and a ring of the nearest whole |k|, F unitary, zero left out",
            "predicted": "sum over rings of change times the network's Fourier sensitivity on clean images",
        })
    }

    fn passes(&self) -> Vec<usize> {
        vec![1; 1 + self.names.len() * SEVERITIES]
    }

    fn start(&self) -> Sums {
        let (cells, rings) = (self.names.len() * SEVERITIES, self.rings.radii().len());
        Sums {
            pass: 0,
            images: 0,
            clean_errors: 0,
            sensitivity: self.sensitivity.start(),
            errors: vec![0; cells],
            changes: vec![0.0; cells * rings],
        }
    }

    fn next_pass(&self, sums: &mut Sums) {
        sums.pass += 1;
    }

    fn find(&self, network: &Frozen, batch: &Batch, _step: usize, sums: &Sums) -> Result<Found, Error> {
        let Some(cell) = sums.pass.checked_sub(1) else {
            let clean = guesses(network, batch, batch.images.clone())?;
            let sensitivity = self.sensitivity.find(network, batch, 0, &sums.sensitivity)?;
            return Ok((labels_differ(&clean, &batch.labels), Vec::new(), Some(sensitivity)));
        };
        let pixels = self.corrupter.pixels(batch, &self.corruption(cell))?;
        let each = batch.shape.len();
        let amplitudes = |(now, clean): (&[f32], &[f32])| {
            let pairs = now.iter().zip(clean);
            self.rings.amplitudes(&pairs.map(|(&a, &b)| f64::from(a) - f64::from(b)).collect::<Vec<_>>())
        };
        let changes: Vec<Vec<f64>> =
            pixels.par_chunks(each).zip(batch.images.par_chunks(each)).map(amplitudes).collect();
        Ok((labels_differ(&guesses(network, batch, pixels)?, &batch.labels), changes, None))
    }

    fn add(&self, batch: &Batch, step: usize, (errors, changes, sensitivity): Found, sums: &mut Sums) {
        let Some(cell) = sums.pass.checked_sub(1) else {
            sums.images += batch.len() as u64;
            sums.clean_errors += errors;
            if let Some(found) = sensitivity {
                self.sensitivity.add(batch, step, found, &mut sums.sensitivity);
            }
            return;
        };
        let rings = self.rings.radii().len();
        let sum = &mut sums.changes[cell * rings..][..rings];
        for own in changes {
            sum.iter_mut().zip(own).for_each(|(sum, value)| *sum += value);
        }
        sums.errors[cell] += errors;
    }

    fn row(&self, sums: Sums, what: &str) -> Result<CorruptionsRow, Error> {
        let Sums { images, clean_errors, sensitivity, errors, changes, .. } = sums;
        let sensitivity = self.sensitivity.row(sensitivity, what)?.mean;
        let rings = self.rings.radii().len();
        let rates = |(&errors, sums): (&u64, &[f64])| {
            let change: Vec<f64> = sums.iter().map(|sum| sum / images.max(1) as f64).collect();
            let predicted = change.iter().zip(&sensitivity).map(|(change, share)| change * share).sum();
            CorruptedRates { errors, change, predicted }
        };
        let all: Vec<CorruptedRates> = errors.iter().zip(changes.chunks(rings)).map(rates).collect();
        let numbers = |of: fn(&CorruptedRates) -> f64| all.iter().map(of).collect::<Vec<_>>();
        let rank_correlation = spearman(&numbers(|all| all.predicted), &numbers(|all| all.errors as f64));
        Ok(CorruptionsRow {
            images,
            clean_errors,
            sensitivity,
            corrupted: all.chunks(SEVERITIES).map(<[CorruptedRates]>::to_vec).collect(),
            rank_correlation_interval: rank_correlation
                .and_then(|found| correlation_interval(found, errors.len())),
            rank_correlation,
        })
    }

    fn head(&self) -> String {
        "clean error %  mean corruption error %  mCE %  rank correlation with frequencies  worst corruption"
            .to_owned()
    }

    fn line(&self, row: &CorruptionsRow) -> String {
        let clean = 100.0 * row.rate(row.clean_errors).fraction().unwrap_or(0.0);
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let errors = row.by_corruption();
        let worst = errors.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let worst = worst.map_or("–", |(at, _)| self.names[at].as_str());
        let relative = findings::relative(self.reference.as_ref(), &self.names, row);
        format!(
            "{clean:13.2}  {:23.2}  {:>5}  {:>33}  {worst}",
            100.0 * row.mean_error(),
            number(relative.mean.map(|mean| 100.0 * mean), 1),
            number(row.rank_correlation, 3)
        )
    }

    fn findings(&self, rows: &[&CorruptionsRow], epochs: &[usize], subject: &str) -> Result<Findings, Error> {
        let corrupted =
            Corrupted { names: &self.names, radii: self.rings.radii(), reference: self.reference.as_ref() };
        findings::of(corrupted, rows, epochs, subject)
    }
}
