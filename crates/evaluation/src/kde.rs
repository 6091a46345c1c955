//! Densities of samples.

use crate::Error;

/// Kernels beyond this many bandwidths are below 1e-17 of their peak.
const REACH: f64 = 9.0;

/// A kernel density estimate: a Gaussian around each sample, (1/nh)·Σ φ((x − xᵢ)/h), with Scott's bandwidth (1992)
/// h = σ·n^(−1/5), σ the standard deviation with divisor n − 1.
///
/// ```
/// let density = evaluation::Kde::new(&[-1.0, 1.0])?;
/// assert!((density.bandwidth() - 2f64.sqrt() * 2f64.powf(-0.2)).abs() < 1e-15);
/// // Two Gaussians of this width, at distance 1 on either side.
/// let h = density.bandwidth();
/// let expected = (-0.5 / (h * h)).exp() / (h * (2.0 * std::f64::consts::PI).sqrt());
/// assert!((density.at(0.0) - expected).abs() < 1e-15);
/// # Ok::<(), evaluation::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Kde {
    /// In ascending order.
    samples: Vec<f64>,
    bandwidth: f64,
}

impl Kde {
    /// The density of samples, in any order and unit.
    ///
    /// # Errors
    /// If there are fewer than two, or all are the same or not finite: then there is no bandwidth.
    pub fn new(samples: &[f64]) -> Result<Self, Error> {
        let count = samples.len();
        if count < 2 {
            return Err(Error::TooFew { what: "samples of a density", found: count, least: 2 });
        }
        let mut samples = samples.to_vec();
        samples.sort_unstable_by(f64::total_cmp);
        let mean = samples.iter().sum::<f64>() / count as f64;
        let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
        let bandwidth = (squares / (count - 1) as f64).sqrt() * (count as f64).powf(-0.2);
        // A bandwidth below the samples' own precision is rounding, not spread.
        let resolution = f64::EPSILON * samples[0].abs().max(samples[count - 1].abs());
        if !bandwidth.is_finite() || bandwidth <= resolution {
            return Err(Error::NoSpread { what: "samples of a density", count });
        }
        Ok(Self { samples, bandwidth })
    }

    /// The standard deviation of each kernel, in the samples' unit.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// Where the density is more than about a thousandth of a single kernel's peak: three bandwidths beyond the samples.
    ///
    /// ```
    /// let density = evaluation::Kde::new(&[0.0, 2.0])?;
    /// let (low, high) = density.extent();
    /// assert!((low + 3.0 * density.bandwidth()).abs() < 1e-15 && high + low == 2.0);
    /// # Ok::<(), evaluation::Error>(())
    /// ```
    pub fn extent(&self) -> (f64, f64) {
        let beyond = 3.0 * self.bandwidth;
        (self.samples[0] - beyond, self.samples[self.samples.len() - 1] + beyond)
    }

    /// The density at a place, per unit of the samples.
    pub fn at(&self, x: f64) -> f64 {
        let reach = REACH * self.bandwidth;
        let first = self.samples.partition_point(|&sample| sample < x - reach);
        let near = self.samples[first..].iter().take_while(|&&sample| sample <= x + reach);
        let sum: f64 = near.map(|sample| (-0.5 * ((x - sample) / self.bandwidth).powi(2)).exp()).sum();
        sum / (self.samples.len() as f64 * self.bandwidth * (2.0 * std::f64::consts::PI).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: usize) -> Vec<f64> {
        (0..count).map(|at| ((at * at * 31 + at * 17) % 101) as f64 / 10.0).collect()
    }

    #[test]
    fn a_density_integrates_to_one() -> Result<(), Error> {
        for count in [2, 5, 100] {
            let density = Kde::new(&samples(count))?;
            let (low, high) = density.extent();
            let (low, high) = (low - 6.0 * density.bandwidth(), high + 6.0 * density.bandwidth());
            let (steps, step) = (4000, (high - low) / 4000.0);
            let integral: f64 =
                (0..steps).map(|at| density.at(low + (f64::from(at) + 0.5) * step) * step).sum();
            assert!((integral - 1.0).abs() < 1e-9, "{count}: {integral}");
        }
        Ok(())
    }

    #[test]
    fn the_order_of_samples_does_not_matter() -> Result<(), Error> {
        let mut turned = samples(50);
        turned.reverse();
        assert_eq!(Kde::new(&turned)?, Kde::new(&samples(50))?);
        Ok(())
    }

    #[test]
    fn samples_without_spread_are_refused() {
        assert!(matches!(Kde::new(&[1.0]), Err(Error::TooFew { found: 1, .. })));
        assert!(matches!(Kde::new(&[0.1; 7]), Err(Error::NoSpread { count: 7, .. })));
        assert!(matches!(Kde::new(&[0.0, f64::NAN]), Err(Error::NoSpread { .. })));
    }
}
