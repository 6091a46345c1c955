//! Mean and variance of a stream.

use serde::{Deserialize, Serialize};

/// Mean and population variance per band of any number of profiles, in constant memory (Welford 1962; merging after
/// Chan, Golub & LeVeque 1979).
///
/// ```
/// let mut bands = spectral::RunningBands::new(1);
/// [1.0, 2.0, 6.0].iter().for_each(|&value| bands.push(&[value]));
/// assert!((bands.mean()[0] - 3.0).abs() < 1e-12);
/// assert!((bands.std()[0] - (14f64 / 3.0).sqrt()).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningBands {
    count: usize,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl RunningBands {
    /// Nothing yet, of so many bands.
    pub fn new(bands: usize) -> Self {
        Self { count: 0, mean: vec![0.0; bands], squares: vec![0.0; bands] }
    }

    /// Adds a profile.
    ///
    /// # Panics
    /// If it has another number of bands.
    pub fn push(&mut self, row: &[f64]) {
        assert_eq!(row.len(), self.mean.len(), "one value a band");
        self.count += 1;
        for ((mean, squares), value) in self.mean.iter_mut().zip(&mut self.squares).zip(row) {
            let before = value - *mean;
            *mean += before / self.count as f64;
            *squares += before * (value - *mean);
        }
    }

    /// Adds what another stream has seen.
    ///
    /// # Panics
    /// If it has another number of bands.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(other.mean.len(), self.mean.len(), "one value a band");
        let total = self.count + other.count;
        if total == 0 {
            return;
        }
        let share = other.count as f64 / total as f64;
        for band in 0..self.mean.len() {
            let apart = other.mean[band] - self.mean[band];
            self.mean[band] += apart * share;
            self.squares[band] += other.squares[band] + apart * apart * share * self.count as f64;
        }
        self.count = total;
    }

    /// How many profiles.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mean per band; zeros if there was none.
    pub fn mean(&self) -> Vec<f64> {
        self.mean.clone()
    }

    /// The population standard deviation per band (divided by the count).
    pub fn std(&self) -> Vec<f64> {
        self.squares.iter().map(|squares| (squares / self.count.max(1) as f64).sqrt()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<[f64; 2]> {
        (0..100).map(|i| [f64::from(i * 37 % 101) + 1e6, f64::from(i).sin()]).collect()
    }

    #[test]
    fn a_stream_gives_what_two_passes_give() {
        let rows = rows();
        let mut running = RunningBands::new(2);
        rows.iter().for_each(|row| running.push(row));
        for band in 0..2 {
            let mean = rows.iter().map(|row| row[band]).sum::<f64>() / 100.0;
            let variance = rows.iter().map(|row| (row[band] - mean).powi(2)).sum::<f64>() / 100.0;
            assert!((running.mean()[band] - mean).abs() < 1e-9);
            assert!((running.std()[band] - variance.sqrt()).abs() < 1e-9);
        }
    }

    #[test]
    fn merged_parts_give_the_whole() {
        let rows = rows();
        let of = |rows: &[[f64; 2]]| {
            let mut running = RunningBands::new(2);
            rows.iter().for_each(|row| running.push(row));
            running
        };
        let (whole, mut parts) = (of(&rows), RunningBands::new(2));
        [&rows[..0], &rows[..7], &rows[7..60], &rows[60..]].iter().for_each(|part| parts.merge(&of(part)));
        assert_eq!(parts.count(), 100);
        for band in 0..2 {
            assert!((parts.mean()[band] - whole.mean()[band]).abs() < 1e-9);
            assert!((parts.std()[band] - whole.std()[band]).abs() < 1e-9);
        }
    }
}
