//! Many values to one, in eight strands that fill vectors; the order depends on how many there are, never on threads.

use rayon::prelude::*;

const STRANDS: usize = 8;

/// Values that a thread takes at once.
pub(crate) const CHUNK: usize = 1 << 12;

/// Minimum and maximum; values that are no numbers are passed over.
pub(crate) fn extremes(values: &[f32]) -> [f32; 2] {
    let (mut low, mut high) = ([f32::INFINITY; STRANDS], [f32::NEG_INFINITY; STRANDS]);
    let mut take = |values: &[f32]| {
        for ((low, high), &value) in low.iter_mut().zip(&mut high).zip(values) {
            *low = if value < *low { value } else { *low };
            *high = if value > *high { value } else { *high };
        }
    };
    let (whole, rest) = values.as_chunks::<STRANDS>();
    whole.iter().for_each(|values| take(values));
    take(rest);
    [low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max)]
}

/// The largest magnitude; infinite or not a number if a value is. Without their sign, the bits of numbers have the
/// numbers' order, with infinity and what is no number on top.
pub(crate) fn largest(values: &[f32]) -> f32 {
    let mut most = [0i32; STRANDS];
    let mut take = |values: &[f32]| {
        for (most, value) in most.iter_mut().zip(values) {
            *most = (*most).max((value.to_bits() & i32::MAX as u32) as i32);
        }
    };
    let (whole, rest) = values.as_chunks::<STRANDS>();
    whole.iter().for_each(|values| take(values));
    take(rest);
    f32::from_bits(most.into_iter().max().unwrap_or(0) as u32)
}

/// Whether all are finite.
pub(crate) fn are_finite(values: &[f32]) -> bool {
    values.par_chunks(CHUNK).all(|values| largest(values).is_finite())
}

/// The mean.
pub(crate) fn mean(values: &[f32]) -> f64 {
    let sums: Vec<f64> = values.par_chunks(CHUNK).map(sum).collect();
    sums.iter().sum::<f64>() / values.len() as f64
}

fn sum(values: &[f32]) -> f64 {
    let mut sums = [0f64; STRANDS];
    let mut take =
        |values: &[f32]| sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
    let (whole, rest) = values.as_chunks::<STRANDS>();
    whole.iter().for_each(|values| take(values));
    take(rest);
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_whole_strands_and_beyond_count() {
        let values: Vec<f32> = (0..19).map(|at| (at as f32 - 9.0) * 0.5).collect();
        assert_eq!(extremes(&values), [-4.5, 4.5]);
        assert_eq!(largest(&values[..18]), 4.5);
        assert_eq!(mean(&values), 0.0);
        assert_eq!(mean(&values[9..]), 2.25);
        assert_eq!((extremes(&[3.0]), largest(&[-3.0]), mean(&[3.0])), ([3.0; 2], 3.0, 3.0));
    }

    #[test]
    fn one_value_that_is_not_finite_is_enough() {
        for value in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in 0..19 {
                let mut values = [f32::MAX; 19];
                assert!(are_finite(&values));
                values[at] = value;
                assert!(!are_finite(&values) && !largest(&values).is_finite(), "{value} at {at}");
            }
        }
    }
}
