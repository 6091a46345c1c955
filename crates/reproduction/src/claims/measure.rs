//! Numbers with their intervals.

use serde::Serialize;
use spectral::SpectrumRow;

use crate::findings::{Bands, Component};

/// The kind of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Accuracy, %.
    Percent,
    /// A radius ρ between bands.
    Radius,
    /// A band, by its radius ρ.
    Band,
    /// A spectrum's scale, [0, 1] per image.
    Scaled,
    /// A correlation or a ratio.
    Ratio,
}

/// A number, its 95 % interval where it has one, and the paper's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// What was measured.
    pub label: String,
    /// The kind of number.
    pub unit: Unit,
    /// The number.
    pub value: f64,
    /// The ends of its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// The paper's number.
    pub paper: Option<f64>,
}

impl Measure {
    /// A number without an interval.
    pub(super) fn plain(label: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self { label: label.into(), unit, value, interval: None, paper: None }
    }

    /// An accuracy.
    pub(super) fn accuracy(label: impl Into<String>, of: &Component) -> Self {
        Self { interval: Some(of.prec1_interval), ..Self::plain(label, Unit::Percent, of.prec1) }
    }

    /// A share of images, in percent.
    pub(super) fn share(label: impl Into<String>, share: f64, interval: [f64; 2]) -> Self {
        let interval = Some(interval.map(|end| 100.0 * end));
        Self { interval, ..Self::plain(label, Unit::Percent, 100.0 * share) }
    }

    /// The same beside the paper's.
    pub(super) fn beside(self, paper: f64) -> Self {
        Self { paper: Some(paper), ..self }
    }

    /// The mean over bands, with an interval that is at least as wide as the true one: the deviations of bands are added as
    /// if all moved together.
    fn bands(label: impl Into<String>, profile: Profile<'_>, bands: &[usize]) -> Self {
        let over =
            |values: &[f64]| bands.iter().map(|&band| values[band]).sum::<f64>() / bands.len().max(1) as f64;
        let (value, half) =
            (over(profile.mean), Z * over(profile.std) / (profile.images.max(1) as f64).sqrt());
        Self { interval: Some([value - half, value + half]), ..Self::plain(label, Unit::Scaled, value) }
    }

    /// The mean over bands of an epoch's gradient spectrum.
    pub(super) fn of_row(
        label: impl Into<String>,
        row: &SpectrumRow,
        images: usize,
        bands: &[usize],
    ) -> Self {
        let images = images.saturating_sub(row.skipped);
        Self::bands(label, Profile { mean: &row.mean, std: &row.std, images }, bands)
    }

    /// The density of images at one band.
    pub(super) fn of_density(label: impl Into<String>, of: &Bands, images: usize, band: usize) -> Self {
        Self::bands(label, Profile { mean: &of.mean, std: &of.std, images }, &[band])
    }

    /// How much more there is at some bands than at others.
    pub(super) fn difference(label: impl Into<String>, more: &Self, less: &Self) -> Self {
        let (a, b) = (more.ends(), less.ends());
        let interval = Some([a[0] - b[1], a[1] - b[0]]);
        Self { interval, ..Self::plain(label, more.unit, more.value - less.value) }
    }

    fn ends(&self) -> [f64; 2] {
        self.interval.unwrap_or([self.value; 2])
    }

    /// Whether it is larger, beyond both intervals.
    pub(super) fn above(&self, other: &Self) -> bool {
        self.ends()[0] > other.ends()[1]
    }

    /// Whether all of its interval is larger than a number.
    pub(super) fn exceeds(&self, bound: f64) -> bool {
        self.ends()[0] > bound
    }
}

/// A value a band, over so many images.
struct Profile<'a> {
    mean: &'a [f64],
    std: &'a [f64],
    images: usize,
}

/// The standard normal's quantile at 0.975.
const Z: f64 = 1.96;

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> SpectrumRow {
        let mean = (0..20).map(|band| f64::from(band) / 20.0).collect();
        SpectrumRow {
            epoch: 0,
            mean,
            std: vec![0.5; 20],
            nat_prec1: 50.0,
            skipped: 1,
            ..SpectrumRow::default()
        }
    }

    #[test]
    fn an_interval_narrows_with_the_images_that_have_a_profile() {
        let found = Measure::of_row("middle", &row(), 101, &[2, 4]);
        assert!((found.value - 0.15).abs() < 1e-12);
        let [low, high] = found.interval.expect("an interval");
        assert!((high - found.value - 0.098).abs() < 1e-12 && (found.value - low - 0.098).abs() < 1e-12);
    }

    #[test]
    fn larger_means_larger_beyond_both_intervals() {
        let measure = |value, half| Measure {
            interval: Some([value - half, value + half]),
            ..Measure::plain("", Unit::Scaled, value)
        };
        assert!(measure(0.5, 0.1).above(&measure(0.2, 0.1)));
        assert!(!measure(0.5, 0.2).above(&measure(0.2, 0.1)));
        assert_eq!(
            Measure::difference("", &measure(0.5, 0.25), &measure(0.25, 0.25)).interval,
            Some([-0.25, 0.75])
        );
    }
}
