//! What is summed over the images of a row.

use candle_core::Tensor;
use pipeline::hits;
use serde::{Deserialize, Serialize};
use spectral::{MeanSpectrum, Outcome, Outcomes, Profiles, RunningBands, SpectrumDetails, SpectrumRow};

use super::profiler::GradientProfiler;
use crate::Error;

/// Which spectra a row has beside that of all images; of the same gradients, so that they cost next to nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpectrumGroups {
    /// Those of images that are classified rightly and wrongly, and their difference, which way.
    pub difference: Option<Outcome>,
    /// Those of each class's images.
    pub per_class: bool,
}

/// Sums of the images of a row.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RowSums {
    bands: RunningBands,
    shares: RunningBands,
    /// By outcome: correct, wrong; none where they are not asked for.
    outcomes: Option<[RunningBands; 2]>,
    /// By class; none where they are not asked for.
    classes: Vec<RunningBands>,
    seen: usize,
    correct: usize,
    skipped: usize,
}

/// What is found in a batch, as ranks send it.
pub(super) struct BatchProfiles {
    /// The profiles and the shares of energy that there are, one after the other.
    rows: Vec<f64>,
    shares: Vec<f64>,
    /// By image: whether it has a profile, whether it is classified rightly, its class.
    images: Vec<(bool, bool, u32)>,
}

/// The same as a message.
pub(super) type Parts = (Vec<f64>, Vec<f64>, Vec<(bool, bool, u32)>);

impl BatchProfiles {
    /// Of a batch's profiles, logits (N, classes) and labels.
    ///
    /// # Errors
    /// If the logits are no such table.
    pub(super) fn new(profiles: &Profiles, logits: &Tensor, labels: &[u32]) -> Result<Self, Error> {
        let hits = hits(logits, labels)?;
        let (rows, shares): (Vec<&[f64]>, Vec<&[f64]>) = profiles.rows_and_shares().unzip();
        let each = profiles.by_image().zip(hits).zip(labels);
        let images = each.map(|((row, is_hit), &label)| (row.is_some(), is_hit, label)).collect();
        Ok(Self { rows: rows.concat(), shares: shares.concat(), images })
    }

    /// Images.
    pub(super) fn len(&self) -> usize {
        self.images.len()
    }

    pub(super) fn into_parts(self) -> Parts {
        (self.rows, self.shares, self.images)
    }
}

impl From<Parts> for BatchProfiles {
    fn from((rows, shares, images): Parts) -> Self {
        Self { rows, shares, images }
    }
}

impl SpectrumGroups {
    /// What tells rows with other groups apart; nothing where there are none.
    pub(super) fn identity(self) -> String {
        let outcomes = if self.difference.is_some() { " by outcome" } else { "" };
        let classes = if self.per_class { " by class" } else { "" };
        format!("{outcomes}{classes}")
    }
}

impl RowSums {
    /// Sums of nothing, of images of so many classes.
    pub(super) fn new(profiler: &GradientProfiler, groups: SpectrumGroups, classes: usize) -> Self {
        let bands = || RunningBands::new(profiler.radii().len());
        Self {
            bands: bands(),
            shares: RunningBands::new(profiler.rings().len()),
            outcomes: groups.difference.map(|_| [bands(), bands()]),
            classes: if groups.per_class { vec![bands(); classes] } else { Vec::new() },
            seen: 0,
            correct: 0,
            skipped: 0,
        }
    }

    /// Adds a batch.
    pub(super) fn add(&mut self, batch: BatchProfiles) {
        let BatchProfiles { rows, shares, images } = batch;
        let (bands, rings) = (self.bands.mean().len().max(1), self.shares.mean().len().max(1));
        let mut each = rows.chunks_exact(bands).zip(shares.chunks_exact(rings));
        for &(has_profile, is_hit, label) in &images {
            self.seen += 1;
            self.correct += usize::from(is_hit);
            if !has_profile {
                self.skipped += 1;
                continue;
            }
            let Some((row, shares)) = each.next() else { continue };
            self.bands.push(row);
            self.shares.push(shares);
            if let Some([correct, wrong]) = &mut self.outcomes {
                if is_hit { correct.push(row) } else { wrong.push(row) }
            }
            if let Some(class) = self.classes.get_mut(label as usize) {
                class.push(row);
            }
        }
    }

    /// The row of all batches; `name` is the network's in errors.
    ///
    /// # Errors
    /// If no image has a profile.
    pub(super) fn row(self, epoch: usize, name: &str) -> Result<SpectrumRow, Error> {
        let Self { bands, shares, outcomes, classes, seen, correct, skipped } = self;
        if skipped == seen {
            return Err(Error::NoGradients { what: name.to_owned(), images: skipped });
        }
        let outcomes = outcomes.map(|[correct, wrong]| Outcomes {
            correct: MeanSpectrum::new(&correct),
            wrong: MeanSpectrum::new(&wrong),
        });
        let details = SpectrumDetails {
            shares: Some(MeanSpectrum::new(&shares)),
            outcomes,
            classes: classes.iter().map(MeanSpectrum::new).collect(),
        };
        let nat_prec1 = 100.0 * correct as f64 / seen.max(1) as f64;
        Ok(SpectrumRow { epoch, mean: bands.mean(), std: bands.std(), nat_prec1, skipped, details })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use datasets::ImageShape;
    use models::Backend;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// Gradients that are waves of so many periods across, one an image.
    fn waves(periods: &[usize]) -> candle_core::Result<Tensor> {
        let turn = |periods: usize, at: usize| std::f32::consts::TAU * (periods * at % 32) as f32 / 32.0;
        let wave = |&periods: &usize| (0..3 * 1024).map(move |at| turn(periods, at).cos());
        let values: Vec<f32> = periods.iter().flat_map(wave).collect();
        Tensor::from_vec(values, (periods.len(), 3, 32, 32), &Device::Cpu)
    }

    #[test]
    fn groups_have_the_waves_of_their_images() -> TestResult {
        let shape = ImageShape { channels: 3, height: 32, width: 32 };
        let groups = SpectrumGroups { difference: Some(Outcome::Wrong), per_class: true };
        let profiler = GradientProfiler::new(shape, &Backend::default())?;
        let mut sums = RowSums::new(&profiler, groups, 3);
        // Bands lie half a pixel beside zero: a wave of three periods is in ρ = 2 and 3, one of seven in ρ = 6 and, weaker, 7.
        // Three waves of three periods that are classified rightly, two of seven that are not, and a constant gradient.
        let gradients = Tensor::cat(
            &[waves(&[3, 7, 3, 7, 3])?, Tensor::ones((1, 3, 32, 32), candle_core::DType::F32, &Device::Cpu)?],
            0,
        )?;
        let logits = Tensor::new(
            &[[1f32, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]],
            &Device::Cpu,
        )?;
        sums.add(BatchProfiles::new(&profiler.profiles(&gradients)?, &logits, &[0, 1, 1, 0, 0, 1])?);
        let row = sums.row(4, "it")?;
        let near = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
        assert!(row.epoch == 4 && row.skipped == 1 && near(row.nat_prec1, 400.0 / 6.0));
        assert!(near(row.mean[2], 0.6) && near(row.mean[5], 0.4), "{:?}", row.mean);
        let shares = row.details.shares.as_ref().ok_or("shares")?;
        assert!(shares.images == 5 && near(shares.mean[2], 0.6) && near(shares.mean[6], 0.4), "{shares:?}");
        assert!(near(shares.std[2], 0.24f64.sqrt()), "of three ones and two zeros: {shares:?}");
        let outcomes = row.details.outcomes.as_ref().ok_or("outcomes")?;
        assert_eq!((outcomes.correct.images, outcomes.wrong.images), (3, 2));
        let difference = outcomes.difference(Outcome::Wrong).ok_or("a difference")?;
        assert!(
            near(difference[2], -1.0) && near(difference[5], 1.0) && near(difference[12], 0.0),
            "{difference:?}"
        );
        // Images of a group are alike: nothing is uncertain.
        let [low, high] = outcomes.difference_interval(Outcome::Wrong).ok_or("an interval")?[5];
        assert!(near(low, 1.0) && near(high, 1.0));
        let images: Vec<usize> = row.details.classes.iter().map(|class| class.images).collect();
        assert_eq!(images, [3, 2, 0]);
        let [of_first, of_second] = [0, 1].map(|class: usize| row.details.classes[class].mean[5]);
        assert!(near(of_first, 1.0 / 3.0) && near(of_second, 0.5), "{of_first} {of_second}");
        Ok(())
    }
}
