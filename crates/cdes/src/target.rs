//! The density that images are to get.

/// The target density of the paper (Lin, Gao & Sang, IJCAI 2022, CDES): minmax over k = 0…bands−1 of N(k; 0, σ) + ρ·N(k; 16, σ)
/// with σ = height/10, a peak at the lowest frequencies and a second one at band 16.
///
/// `height` is that of the images in pixels, `rho` the weight of the second peak; the paper's text has 1, its figure
/// looks like less. Entry k belongs to the k-th band of [`spectral::RadialBins`], that of radius ρ = k + 1. With one band all is 0.
/// What cannot be computed (height 0, a `rho` that is no number) gives values that are no numbers, which
/// [`Objective::new`](crate::Objective::new) refuses; any other density can be given to it instead.
///
/// ```
/// let target = cdes::target_density(20, 32, 1.0);
/// assert_eq!((target.len(), target[0]), (20, 1.0));
/// assert!((target[16] - 1.0).abs() < 1e-5); // the other peak, of the same height
/// assert_eq!(target[8], 0.0); // the valley
/// let flatter = cdes::target_density(20, 32, 0.5);
/// assert!((flatter[16] - 0.4653).abs() < 1e-4);
/// ```
pub fn target_density(bands: usize, height: usize, rho: f64) -> Vec<f64> {
    let deviation = height as f64 / 10.0;
    // The normal density but for its constant factor, which the scaling takes away.
    let normal = |k: f64, mean: f64| (-0.5 * ((k - mean) / deviation).powi(2)).exp();
    let peaks = |k: usize| normal(k as f64, 0.0) + rho * normal(k as f64, SECOND_PEAK);
    let values: Vec<f64> = (0..bands).map(peaks).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = if high == low { 1.0 } else { high - low };
    values.iter().map(|value| (value - low) / range).collect()
}

/// Where the second peak is, in bands.
const SECOND_PEAK: f64 = 16.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_defined() {
        assert!(target_density(0, 32, 1.0).is_empty());
        assert_eq!(target_density(1, 32, 1.0), [0.0]);
        assert!(target_density(20, 0, 1.0)[0].is_nan());
        assert!(target_density(20, 32, f64::NAN).iter().all(|value| value.is_nan()));
        assert!(target_density(43, 64, 1.0).iter().all(|value| (0.0..=1.0).contains(value)));
    }
}
