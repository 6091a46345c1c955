//! From accuracies to thresholds, and from thresholds to a channel.

use serde::{Deserialize, Serialize};

use super::bands::centre;

/// A Gaussian over octaves, A·exp(−(b − μ)² / 2s²).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Gaussian {
    pub(super) peak: f64,
    /// μ, in octaves above the lowest one's centre.
    pub(super) place: f64,
    /// s, in octaves.
    pub(super) spread: f64,
}

impl Gaussian {
    /// 1.75·2^μ, in cycles per image.
    pub(super) fn centre(&self) -> f64 {
        centre(self.place)
    }

    /// The whole width at half of the peak, 2·√(2 ln 2)·s, in octaves.
    pub(super) fn width(&self) -> f64 {
        2.0 * (2.0 * 2f64.ln()).sqrt() * self.spread
    }
}

/// The strength of noise, in order, at which accuracy falls to the criterion: straight lines between the strengths. None where it does
/// not, or is below from the start.
pub(super) fn threshold(strengths: &[f64], accuracies: &[f64], criterion: f64) -> Option<f64> {
    let below = accuracies.iter().position(|&accuracy| accuracy < criterion)?;
    let before = below.checked_sub(1)?;
    let part = (accuracies[before] - criterion) / (accuracies[before] - accuracies[below]);
    Some(strengths[before] + part * (strengths[below] - strengths[before]))
}

/// By octave: log₁₀ of the strongest noise over the threshold; 0 where the network withstands the strongest noise.
pub(super) fn sensitivity(threshold: Option<f64>, strongest: f64) -> f64 {
    threshold.map_or(0.0, |threshold| (strongest / threshold.max(1e-3 * strongest)).log10())
}

/// Points a side of the grid, and how often it is narrowed.
const GRID: usize = 25;
const ROUNDS: usize = 12;

/// The Gaussian nearest to sensitivities by least squares; none where fewer than three of them are above 0.
///
/// A follows from μ and s. These two are searched on a grid, which is narrowed to the neighbours of its best point again and again:
/// μ from an octave below the lowest to one above the highest, s from 0.2 to 10 octaves, in equal ratios.
pub(super) fn gaussian(sensitivities: &[f64]) -> Option<Gaussian> {
    if sensitivities.iter().filter(|&&value| value > 0.0).count() < 3 {
        return None;
    }
    let mut places = [-1.0, sensitivities.len() as f64];
    let mut spreads = [0.2f64.ln(), 10f64.ln()];
    let (least_place, least_spread) = (places, spreads);
    let mut best: Option<(f64, Gaussian)> = None;
    for _ in 0..ROUNDS {
        let at = |[low, high]: [f64; 2], index: usize| low + (high - low) * index as f64 / (GRID - 1) as f64;
        for index in 0..GRID * GRID {
            let (place, spread) = (at(places, index / GRID), at(spreads, index % GRID).exp());
            let (error, peak) = of_shape(sensitivities, place, spread);
            if best.is_none_or(|(least, _)| error < least) {
                best = Some((error, Gaussian { peak, place, spread }));
            }
        }
        let (_, found) = best?;
        places = narrowed(places, found.place, least_place);
        spreads = narrowed(spreads, found.spread.ln(), least_spread);
    }
    best.map(|(_, found)| found)
}

/// The squared error of the best Gaussian of this shape, and its peak.
fn of_shape(values: &[f64], place: f64, spread: f64) -> (f64, f64) {
    let shape = |band: usize| (-((band as f64 - place) / spread).powi(2) / 2.0).exp();
    let (mut product, mut square) = (0.0, 0.0);
    for (band, value) in values.iter().enumerate() {
        product += value * shape(band);
        square += shape(band).powi(2);
    }
    let peak = if square > 0.0 { product / square } else { 0.0 };
    let error = |(band, value): (usize, &f64)| (value - peak * shape(band)).powi(2);
    (values.iter().enumerate().map(error).sum(), peak)
}

/// Two steps of the grid to either side of a point, within bounds.
fn narrowed([low, high]: [f64; 2], around: f64, [least, most]: [f64; 2]) -> [f64; 2] {
    let reach = 2.0 * (high - low) / (GRID - 1) as f64;
    [(around - reach).max(least), (around + reach).min(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_where_lines_cross() {
        let strengths = [0.0, 0.02, 0.04, 0.08, 0.16];
        let of = |accuracies: &[f64]| threshold(&strengths, accuracies, 0.5);
        assert!((of(&[0.9, 0.8, 0.6, 0.2, 0.1]).unwrap_or(0.0) - 0.05).abs() < 1e-12);
        assert_eq!(of(&[0.9, 0.8, 0.6, 0.5, 0.5]), None, "never below");
        assert_eq!(of(&[0.4, 0.3, 0.2, 0.1, 0.0]), None, "below from the start");
        assert!((sensitivity(Some(0.016), 0.16) - 1.0).abs() < 1e-12);
        assert_eq!([sensitivity(None, 0.16), sensitivity(Some(0.0), 1.0)], [0.0, 3.0]);
    }

    #[test]
    fn a_gaussian_is_found_again() {
        for truth in [(0.7, 2.3, 0.9), (2.0, -0.5, 3.0), (1.0, 4.0, 0.5)] {
            let (peak, place, spread) = truth;
            let values: Vec<f64> =
                (0..7).map(|band| peak * (-((band as f64 - place) / spread).powi(2) / 2.0).exp()).collect();
            let Some(found) = gaussian(&values) else { panic!("{truth:?}") };
            let far = [found.peak - peak, found.place - place, found.spread - spread];
            assert!(far.iter().all(|far| far.abs() < 1e-6), "{truth:?}: {found:?}");
            // A channel of s = 1/(2√(2 ln 2)) is one octave wide.
            assert!((found.width() - 2.354_820_045 * spread).abs() < 1e-5);
            assert!((found.centre() / (1.75 * place.exp2()) - 1.0).abs() < 1e-5);
        }
        assert_eq!(gaussian(&[0.0, 0.3, 0.2, 0.0]), None);
    }
}
