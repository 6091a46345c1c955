//! The Fourier sensitivity of a network.
//!
//! Per image g = mean over channels of ∂ℓ/∂x and P = |F g|²; S(r) = Σ_{round|k| = r} P / Σ_{|k| ≥ 1} P: the share of ring r in the
//! gradient's energy. DC is left out, so Σ_r S = 1. Where `grad` has amplitudes, means over a ring and min–max scaled profiles, this
//! has powers, sums over a ring and shares. Means over images, with Student's intervals.

use datasets::{Batch, ImageShape};
use evaluation::mean_interval;
use models::Frozen;
use pipeline::{out_of_memory, tally};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spectral::{Convention, RadialBins, RealFft2, RunningBands};

use super::{findings, row::SensitivityRow};
use crate::{
    Error,
    measuring::{Findings, Measure, Subject, tensor},
};

/// The share of each ring of frequencies in the energy of input gradients.
///
/// ```
/// use analysis::{Sensitivity, Subject, measure_network};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let images = Synthetic { seed: 0, train: 0, test: 8 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let architecture: models::Architecture = "resnet20".parse()?;
/// let subject = Subject { images: &images, profile: &profile, network: architecture.into(), session: &session };
/// let network = fresh_network(architecture, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let row = measure_network(&Sensitivity::new(&subject)?, &subject, &network)?;
/// assert_eq!(row.mean.len(), 23); // |k| up to √2 · 16
/// assert!((row.mean.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sensitivity {
    shape: ImageShape,
    bins: RadialBins,
    plan: RealFft2<f64>,
}

/// What is summed over images: the last of the bands is the centre.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sums {
    images: usize,
    skipped: usize,
    correct: usize,
    bands: RunningBands,
}

impl Sensitivity {
    /// For images of the subject's size.
    ///
    /// # Errors
    /// If a side is shorter than two pixels.
    pub fn new(subject: &Subject<'_>) -> Result<Self, Error> {
        let shape = subject.images.shape();
        let bins = RadialBins::new(shape.height, shape.width, Convention::Nearest);
        Ok(Self { shape, bins, plan: RealFft2::new(shape.height, shape.width)? })
    }

    pub(super) fn radii(&self) -> &[usize] {
        self.bins.radii()
    }

    /// The shares of an image's gradient (C, H, W); absent where it has no energy, or no finite one.
    fn shares(&self, gradient: &[f32]) -> Option<Vec<f64>> {
        let (plane, channels) = (self.shape.height * self.shape.width, self.shape.channels as f64);
        let mut mean = vec![0.0; plane];
        for channel in gradient.chunks(plane) {
            mean.iter_mut().zip(channel).for_each(|(sum, &value)| *sum += f64::from(value) / channels);
        }
        let spectrum = self.plan.full(&mean);
        let (height, width) = (self.shape.height, self.shape.width);
        let mut sums = vec![0.0; self.bins.len()];
        for (at, value) in spectrum.iter().enumerate() {
            let (row, column) = (at / width, at % width);
            let shifted = ((row + height / 2) % height, (column + width / 2) % width);
            if let Some(band) = self.bins.band(shifted.0, shifted.1) {
                sums[band] += value.norm_sqr();
            }
        }
        let total: f64 = sums.iter().sum();
        // A constant gradient leaves what rounding makes of it.
        let noise = 1e-24 * spectrum.first().map_or(0.0, |dc| dc.norm_sqr());
        (total.is_finite() && total > noise).then(|| sums.iter().map(|sum| sum / total).collect())
    }

    fn centre(&self, shares: &[f64]) -> f64 {
        shares.iter().zip(self.radii()).map(|(share, &radius)| share * radius as f64).sum()
    }
}

impl Measure for Sensitivity {
    const NAME: &'static str = "sensitivity";
    type Sums = Sums;
    /// By image the shares of its energy; and how many are right.
    type Found = (Vec<Option<Vec<f64>>>, usize);
    type Row = SensitivityRow;

    fn settings(&self) -> Value {
        json!({
            "gradient": "of the cross-entropy with respect to pixels in [0, 1], mean over channels",
            "quantity": "share of |F g|² by the nearest whole |k|, DC left out",
        })
    }

    fn start(&self) -> Sums {
        Sums { images: 0, skipped: 0, correct: 0, bands: RunningBands::new(self.bins.len() + 1) }
    }

    fn find(
        &self,
        network: &Frozen,
        batch: &Batch,
        _step: usize,
        _sums: &Sums,
    ) -> Result<Self::Found, Error> {
        // Shares ignore scale, and the scaled gradient is right however sure the network is.
        let found = network.scaled_input_gradient(&tensor(batch, batch.images.clone())?, &batch.labels);
        let found = found.map_err(|error| out_of_memory(error, batch.len()))?;
        let gradient = found.gradient.flatten_all()?.to_vec1::<f32>()?;
        let images = gradient.par_chunks(self.shape.len()).map(|image| self.shares(image));
        Ok((images.collect(), tally(found.loss, &found.logits, &batch.labels)?.correct))
    }

    fn add(&self, batch: &Batch, _step: usize, (images, correct): Self::Found, sums: &mut Sums) {
        for shares in images {
            match shares {
                Some(mut shares) => {
                    shares.push(self.centre(&shares));
                    sums.bands.push(&shares);
                }
                None => sums.skipped += 1,
            }
        }
        sums.correct += correct;
        sums.images += batch.len();
    }

    fn row(&self, sums: Sums, what: &str) -> Result<SensitivityRow, Error> {
        let Sums { images, skipped, correct, bands } = sums;
        if bands.count() == 0 {
            return Err(Error::NoGradients { what: what.to_owned(), images });
        }
        let (mut mean, mut std) = (bands.mean(), bands.std());
        let of = |(&mean, &std): (&f64, &f64)| mean_interval(mean, std, bands.count());
        let mut interval: Option<Vec<[f64; 2]>> = mean.iter().zip(&std).map(of).collect();
        let (centre, _) = (mean.pop().unwrap_or(0.0), std.pop());
        let centre_interval = interval.as_mut().and_then(Vec::pop);
        Ok(SensitivityRow { images, skipped, correct, mean, std, interval, centre, centre_interval })
    }

    fn head(&self) -> String {
        "accuracy %  centre r  95 % interval   strongest r".to_owned()
    }

    fn line(&self, row: &SensitivityRow) -> String {
        let accuracy = 100.0 * row.correct as f64 / row.images.max(1) as f64;
        let ends = row.centre_interval;
        let ends = ends.map_or_else(|| "–".to_owned(), |[low, high]| format!("{low:5.2} – {high:5.2}"));
        let (centre, peak) = (row.centre, findings::peak(row, self.radii()));
        format!("{accuracy:10.2}  {centre:8.2}  {ends:>13}  {peak:12}")
    }

    fn findings(&self, rows: &[&SensitivityRow], epochs: &[usize], subject: &str) -> Result<Findings, Error> {
        findings::of(self.radii(), rows, epochs, subject)
    }
}

#[cfg(test)]
mod tests {
    use datasets::synthetic::Synthetic;
    use pipeline::{DatasetProfile, Session};

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn measure() -> Result<Sensitivity, Box<dyn std::error::Error>> {
        let images = Synthetic { seed: 0, train: 0, test: 1 }.generate().test;
        let (profile, session) = (DatasetProfile::synthetic(), Session::default());
        let architecture: models::Architecture = "resnet20".parse()?;
        Ok(Sensitivity::new(&Subject {
            images: &images,
            profile: &profile,
            network: architecture.into(),
            session: &session,
        })?)
    }

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-6
    }

    #[test]
    fn waves_have_their_energy_in_one_ring() -> Outcome {
        let measure = measure()?;
        let turn = |u: usize, v: usize, at: usize| {
            std::f64::consts::TAU * ((u * (at / 32) + v * (at % 32)) % 32) as f64 / 32.0
        };
        let image: Vec<f32> = (0..3 * 1024).map(|at| (turn(3, 4, at % 1024).cos() + 7.0) as f32).collect();
        let shares = measure.shares(&image).ok_or("shares")?;
        assert!(near(shares[4], 1.0), "|(3, 4)| is 5: {shares:?}");
        // Two waves of energies 1 and 4, and the same with another sign in one of three channels: the mean has a third.
        let two = |at: usize| (turn(0, 2, at).sin() + 2.0 * turn(6, 6, at).sin()) as f32;
        let shares =
            measure.shares(&(0..3 * 1024).map(|at| two(at % 1024)).collect::<Vec<_>>()).ok_or("shares")?;
        assert!(near(shares[1], 0.2) && near(shares[7], 0.8), "√72 is nearest to 8: {shares:?}");
        assert!(near(measure.centre(&shares), 0.2 * 2.0 + 0.8 * 8.0));
        Ok(())
    }

    #[test]
    fn a_point_shares_by_the_number_of_frequencies() -> Outcome {
        let measure = measure()?;
        let mut point = vec![0f32; 3 * 1024];
        point[1024 + 77] = 1e-20;
        let shares = measure.shares(&point).ok_or("shares")?;
        // White: each of 1,023 frequencies has the same.
        for (share, &count) in shares.iter().zip(measure.bins.counts()) {
            assert!((share - count as f64 / 1023.0).abs() < 1e-12);
        }
        Ok(())
    }

    #[test]
    fn without_energy_there_are_no_shares() -> Outcome {
        let measure = measure()?;
        for value in [0.0, 0.1, f32::NAN, f32::INFINITY] {
            assert!(measure.shares(&vec![value; 3 * 1024]).is_none(), "{value}");
        }
        Ok(())
    }
}
