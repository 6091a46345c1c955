//! Numbers with their intervals.

use serde::Serialize;
use spectral::{SpectrumRow, SpectrumTable};

use crate::reproduce::findings::{Bands, Component};

/// What a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
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
pub(crate) struct Measure {
    /// What it is.
    pub label: String,
    /// What of.
    pub unit: Unit,
    /// The number.
    pub value: f64,
    /// From where to where.
    pub interval: Option<[f64; 2]>,
    /// What the paper has.
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

    /// The same beside the paper's.
    pub(super) fn beside(self, paper: f64) -> Self {
        Self { paper: Some(paper), ..self }
    }

    /// The mean over bands, with an interval that is at least as wide as the true one: the deviations of bands are added as
    /// if all moved together.
    fn bands(
        label: impl Into<String>,
        (mean, std): (&[f64], &[f64]),
        bands: &[usize],
        images: usize,
    ) -> Self {
        let over =
            |values: &[f64]| bands.iter().map(|&band| values[band]).sum::<f64>() / bands.len().max(1) as f64;
        let (value, half) = (over(mean), Z * over(std) / (images.max(1) as f64).sqrt());
        Self { interval: Some([value - half, value + half]), ..Self::plain(label, Unit::Scaled, value) }
    }

    /// The mean over bands of an epoch's gradient spectrum.
    pub(super) fn of_row(
        label: impl Into<String>,
        row: &SpectrumRow,
        images: usize,
        bands: &[usize],
    ) -> Self {
        Self::bands(label, (&row.mean, &row.std), bands, images.saturating_sub(row.skipped))
    }

    /// The density of images at one band.
    pub(super) fn of_density(label: impl Into<String>, of: &Bands, images: usize, band: usize) -> Self {
        Self::bands(label, (&of.mean, &of.std), &[band], images)
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

/// The standard normal's quantile at 0.975.
const Z: f64 = 1.96;

/// Groups of bands as the paper speaks of them, for 20 bands and in proportion for others: places in the list of bands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups {
    bands: usize,
}

impl Groups {
    /// Of so many bands.
    pub(super) fn of(bands: usize) -> Self {
        Self { bands }
    }

    /// Of a spectrum's.
    pub(super) fn of_table(table: &SpectrumTable) -> Self {
        Self::of(table.radii.len())
    }

    /// Bands 0 to 5.
    pub(super) fn low(self) -> Vec<usize> {
        self.range(0, 6)
    }

    /// Bands 7 to 17, to which the energy moves.
    pub(super) fn middle(self) -> Vec<usize> {
        self.range(7, 18)
    }

    /// Bands from 15 on, which networks trained on WCR images leave dark and those trained on SCR images do not.
    pub(super) fn high(self) -> Vec<usize> {
        self.range(15, 20)
    }

    /// All below them.
    pub(super) fn below_high(self) -> Vec<usize> {
        self.range(0, 15)
    }

    /// Bands 18 and 19, which stay dark.
    pub(super) fn finest(self) -> Vec<usize> {
        self.range(18, 20)
    }

    /// Bands 7 to 11, where densities of SCR and WCR images are lowest.
    pub(super) fn valley(self) -> Vec<usize> {
        self.range(7, 12)
    }

    fn range(self, from: usize, to: usize) -> Vec<usize> {
        let place = |of_twenty: usize| (of_twenty * self.bands + 10) / 20;
        (place(from)..place(to)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> SpectrumRow {
        let mean = (0..20).map(|band| f64::from(band) / 20.0).collect();
        SpectrumRow { epoch: 0, mean, std: vec![0.5; 20], nat_prec1: 50.0, skipped: 1 }
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

    #[test]
    fn groups_of_bands_are_those_of_the_paper_in_proportion() {
        assert_eq!(Groups::of(20).low(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(Groups::of(20).finest(), [18, 19]);
        assert_eq!(Groups::of(43).finest(), (39..43).collect::<Vec<_>>());
        assert_eq!(Groups::of(156).low().len(), 47);
    }
}
