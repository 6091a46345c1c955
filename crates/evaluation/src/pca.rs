//! The first principal axis of features, by power iteration.

use rayon::prelude::*;

use crate::{Error, Features};

/// Rows summed by a thread at once; partial sums are added in their order, so that threads do not matter.
const ROWS: usize = 256;

/// The iteration ends when no coordinate of the direction moves by more than this, or after so many rounds: then two axes have
/// all but the same variance, and either direction between them is as good.
const STILL: f64 = 1e-12;
const ROUNDS: usize = 2000;

/// The direction in which features vary most.
///
/// ```
/// let mut features = evaluation::Features::new(2)?;
/// // ±(3, 4) and ±(4, −3)/5: variances 12.5 and 0.5 along (0.6, 0.8) and (0.8, −0.6).
/// features.push(&[3.0, 4.0, -3.0, -4.0, 0.8, -0.6, -0.8, 0.6], &[0, 0, 1, 1])?;
/// let axis = evaluation::Axis::from_features(&features)?;
/// assert!((axis.direction()[0] - 0.6).abs() < 1e-7 && (axis.direction()[1] - 0.8).abs() < 1e-7);
/// assert!((axis.variance() - 12.5).abs() < 1e-6 && (axis.explained() - 12.5 / 13.0).abs() < 1e-7);
/// assert!((axis.project(&features)?[0] - 5.0).abs() < 1e-6);
/// # Ok::<(), evaluation::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    mean: Vec<f64>,
    direction: Vec<f64>,
    variance: f64,
    total: f64,
}

impl Axis {
    /// The first principal axis of features: the eigenvector of their covariance with the largest eigenvalue.
    ///
    /// The covariance itself, (D, D), is never formed. The start is a fixed vector and the sign such that the largest
    /// coordinate is positive, so that the same features give the same bits.
    ///
    /// # Errors
    /// If all rows are the same, or there are fewer than two.
    pub fn from_features(features: &Features) -> Result<Self, Error> {
        if features.len() < 2 {
            return Err(Error::TooFew { what: "rows of features", found: features.len(), least: 2 });
        }
        let mean = scaled(sum(features, |row, out| add(out, row, 1.0)), features.len());
        let squares = |row: &[f32], out: &mut [f64]| {
            let each = out.iter_mut().zip(row).zip(&mean);
            each.for_each(|((out, &value), mean)| *out += (f64::from(value) - mean).powi(2));
        };
        let total: f64 = scaled(sum(features, squares), features.len()).iter().sum();
        let largest =
            features.values().iter().fold(0.0, |most: f64, &value| most.max(f64::from(value).abs()));
        // Below it is rounding of the mean, not spread.
        if total.sqrt() <= 4.0 * f64::EPSILON * largest * (features.width() as f64).sqrt() {
            return Err(Error::NoSpread { what: "rows of features", count: features.len() });
        }
        let (direction, variance) = iterate(features, &mean);
        Ok(Self { mean, direction: with_sign(direction), variance, total })
    }

    /// A unit vector, (D).
    pub fn direction(&self) -> &[f64] {
        &self.direction
    }

    /// The variance of the features along the axis, with divisor N.
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// How much of the variance of all features lies along the axis, 0 to 1.
    pub fn explained(&self) -> f64 {
        (self.variance / self.total).clamp(0.0, 1.0)
    }

    /// The coordinate of each row along the axis, its zero at the mean: (N).
    ///
    /// # Errors
    /// If the rows have another width than the axis.
    pub fn project(&self, features: &Features) -> Result<Vec<f64>, Error> {
        let (found, expected) = (features.width(), self.direction.len());
        if found != expected {
            return Err(Error::Length { what: "features a row", found, images: features.len(), expected });
        }
        let rows = features.values().par_chunks_exact(expected);
        Ok(rows.map(|row| coordinate(row, &self.mean, &self.direction)).collect())
    }
}

/// v ← C·v / |C·v|, C the covariance, until v stands still; the direction, and |C·v|, which is the variance along it.
fn iterate(features: &Features, mean: &[f64]) -> (Vec<f64>, f64) {
    let mut direction = unit(start(features.width())).0;
    let mut variance = 0.0;
    for _ in 0..ROUNDS {
        let turned = sum(features, |row, out| {
            let along = coordinate(row, mean, &direction);
            let each = out.iter_mut().zip(row).zip(mean);
            each.for_each(|((out, &value), mean)| *out += along * (f64::from(value) - mean));
        });
        let (next, length) = unit(scaled(turned, features.len()));
        let moved = next.iter().zip(&direction).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        (direction, variance) = (next, length);
        if moved <= STILL {
            break;
        }
    }
    (direction, variance)
}

/// Fixed numbers without pattern (SplitMix64): orthogonal to no axis that features could have.
fn start(width: usize) -> Vec<f64> {
    let mix = |at: usize| {
        let mut bits = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + 0.5
    };
    (0..width).map(mix).collect()
}

/// The vector divided by its length, and the length.
fn unit(vector: Vec<f64>) -> (Vec<f64>, f64) {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 { (vector.iter().map(|value| value / length).collect(), length) } else { (vector, 0.0) }
}

/// (row − mean)·direction.
fn coordinate(row: &[f32], mean: &[f64], direction: &[f64]) -> f64 {
    row.iter().zip(mean).zip(direction).map(|((&value, mean), along)| (f64::from(value) - mean) * along).sum()
}

fn add(out: &mut [f64], row: &[f32], factor: f64) {
    out.iter_mut().zip(row).for_each(|(out, &value)| *out += factor * f64::from(value));
}

/// The sum over rows of what `term` adds, on all threads, in an order that depends on the number of rows alone.
fn sum(features: &Features, term: impl Fn(&[f32], &mut [f64]) + Sync) -> Vec<f64> {
    let width = features.width();
    let parts: Vec<Vec<f64>> = features
        .values()
        .par_chunks(ROWS * width)
        .map(|rows| {
            let mut part = vec![0.0; width];
            rows.chunks_exact(width).for_each(|row| term(row, &mut part));
            part
        })
        .collect();
    let mut total = vec![0.0; width];
    parts.iter().for_each(|part| total.iter_mut().zip(part).for_each(|(total, part)| *total += part));
    total
}

fn scaled(mut vector: Vec<f64>, count: usize) -> Vec<f64> {
    vector.iter_mut().for_each(|value| *value /= count as f64);
    vector
}

/// An axis has two directions: that whose largest coordinate, the first of equals, is positive.
fn with_sign(direction: Vec<f64>) -> Vec<f64> {
    let largest =
        direction.iter().fold(0.0, |most: f64, &value| if value.abs() > most.abs() { value } else { most });
    if largest < 0.0 { direction.iter().map(|value| -value).collect() } else { direction }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four points that have this covariance: ±a along one axis, ±b along the other, turned by 30°.
    fn turned(a: f64, b: f64) -> Result<Features, Error> {
        let (cos, sin) = (0.75f64.sqrt(), 0.5);
        let mut features = Features::new(2)?;
        for (along, across) in [(a, 0.0), (-a, 0.0), (0.0, b), (0.0, -b)] {
            let point = [along * cos - across * sin + 7.0, along * sin + across * cos - 3.0];
            features.push(&point.map(|value| value as f32), &[0])?;
        }
        Ok(features)
    }

    #[test]
    fn the_axis_of_a_known_covariance_is_found() -> Result<(), Error> {
        for (a, b) in [(2.0, 1.0), (2.0, 1.9), (1e-3, 1e-4)] {
            let axis = Axis::from_features(&turned(a, b)?)?;
            let [x, y] = [axis.direction()[0], axis.direction()[1]];
            // The points are f32 around 7, so they are off by 2e-7 at most.
            let tolerance = 2e-6 / (a - b);
            assert!(
                (x - 0.75f64.sqrt()).abs() < tolerance && (y - 0.5).abs() < tolerance,
                "{a} {b}: {x} {y}"
            );
            assert!((axis.variance() / (a * a / 2.0) - 1.0).abs() < 4e-6 / a, "{a} {b}: {}", axis.variance());
            assert!((axis.explained() - a * a / (a * a + b * b)).abs() < 4e-6 / a);
        }
        Ok(())
    }

    #[test]
    fn a_start_along_another_axis_is_no_trap() -> Result<(), Error> {
        // The farthest point lies across the axis of the largest variance.
        let mut features = Features::new(2)?;
        features.push(&[1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 1.1, 0.0, -1.1], &[0; 6])?;
        let axis = Axis::from_features(&features)?;
        assert!((axis.direction()[0] - 1.0).abs() < 1e-9 && axis.direction()[1].abs() < 1e-9);
        Ok(())
    }

    #[test]
    fn the_bits_do_not_depend_on_threads() -> Result<(), Error> {
        let values: Vec<f32> = (0..9000).map(|at| ((at * 7919) % 1013) as f32 / 100.0).collect();
        let mut features = Features::new(9)?;
        features.push(&values, &[0; 1000])?;
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| Axis::from_features(&features))
        };
        assert_eq!(on(1)?, on(2)?);
        Ok(())
    }

    #[test]
    fn features_without_spread_have_no_axis() -> Result<(), Error> {
        let mut features = Features::new(2)?;
        features.push(&[0.1, 0.3], &[0])?;
        assert!(matches!(Axis::from_features(&features), Err(Error::TooFew { found: 1, .. })));
        features.push(&[0.1, 0.3, 0.1, 0.3], &[0, 1])?;
        assert!(matches!(Axis::from_features(&features), Err(Error::NoSpread { count: 3, .. })));
        let other = Features::new(3)?;
        let axis = Axis::from_features(&turned(2.0, 1.0)?)?;
        assert!(axis.project(&other).is_err());
        Ok(())
    }
}
