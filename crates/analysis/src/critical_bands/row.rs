//! What is found of a network.

use evaluation::Accuracy;
use serde::{Deserialize, Serialize};

/// What was found of a network; tables are by octave and strength of noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriticalBandsRow {
    /// How many images were measured.
    pub images: u64,
    /// How many grey images of low contrast are right.
    pub clean: u64,
    /// By octave and strength above 0: how many are right.
    pub correct: Vec<Vec<u64>>,
    /// By octave: the strength at which accuracy falls to the criterion, if it does.
    pub thresholds: Vec<Option<f64>>,
    /// Their 95 % intervals.
    pub threshold_intervals: Vec<Option<[f64; 2]>>,
    /// By octave: log₁₀ of the strongest noise over the threshold, 0 where the network withstands that. Absent where accuracy is below the
    /// criterion without noise.
    pub sensitivities: Option<Vec<f64>>,
    /// The Gaussian fitted to them, if three are above 0.
    pub channel: Option<Channel>,
}

/// A band of frequencies that a network sees by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// The peak's sensitivity, A.
    pub peak: f64,
    /// The peak's frequency, 1.75·2^μ cycles per image.
    pub centre: f64,
    /// Its 95 % interval.
    pub centre_interval: Option<[f64; 2]>,
    /// The whole width at half of the peak, in octaves.
    pub width: f64,
    /// Its 95 % interval.
    pub width_interval: Option<[f64; 2]>,
}

impl CriticalBandsRow {
    /// So many right of all images.
    pub fn accuracy(&self, correct: u64) -> Accuracy {
        Accuracy { correct, of: self.images }
    }

    /// By octave and strength, 0 among them.
    pub fn accuracies(&self) -> Vec<Vec<Accuracy>> {
        let row = |correct: &Vec<u64>| {
            std::iter::once(&self.clean).chain(correct).map(|&correct| self.accuracy(correct)).collect()
        };
        self.correct.iter().map(row).collect()
    }
}
