//! Which class scores highest.

use crate::{Error, error::check_rows};

/// The class that scores highest of each image; among equals the first class wins. Logits are (N, classes).
///
/// ```
/// assert_eq!(evaluation::predictions(&[0.0, 2.0, 1.0, 3.0, 3.0, 0.0], 3)?, [1, 0]);
/// # Ok::<(), evaluation::Error>(())
/// ```
///
/// # Errors
/// If there is no class, or logits are not (N, classes) or not finite.
pub fn predictions(logits: &[f32], classes: usize) -> Result<Vec<u32>, Error> {
    if classes == 0 {
        return Err(Error::TooFew { what: "classes", found: 0, least: 1 });
    }
    check_rows("logits", logits, classes, logits.len() / classes)?;
    Ok(logits.chunks_exact(classes).map(|row| best(row) as u32).collect())
}

/// The place of the highest score; among equals the first.
pub(crate) fn best(row: &[f32]) -> usize {
    let higher = |best: usize, (class, &score): (usize, &f32)| if score > row[best] { class } else { best };
    row.iter().enumerate().fold(0, higher)
}

/// How many classes score higher; among equals the first class wins.
pub(crate) fn rank(row: &[f32], own: usize) -> usize {
    let better = |(class, &score): (usize, &f32)| score > row[own] || (score == row[own] && class < own);
    row.iter().enumerate().filter(|&entry| better(entry)).count()
}

/// The rank of each value among all, from 0; equal ones share the mean of their ranks.
pub(crate) fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = first as f64 + 0.5 * (equal.len() - 1) as f64;
        equal.iter().for_each(|&at| ranks[at] = mean);
        first += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_row_is_refused() {
        assert!(predictions(&[0.0; 5], 3).is_err() && predictions(&[], 0).is_err());
        assert!(predictions(&[0.0, f32::NAN], 2).is_err());
        assert_eq!(predictions(&[], 2), Ok(vec![]));
    }

    #[test]
    fn equal_values_share_ranks() {
        assert_eq!(mean_ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        assert_eq!(mean_ranks(&[0.0, -0.0]), [0.5, 0.5]);
    }
}
