//! What is found of a network.

use evaluation::Accuracy;
use serde::{Deserialize, Serialize};

/// What was found of a network; lists are by ring, or by octave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttackSpectrumRow {
    /// How many images were measured.
    pub images: u64,
    /// How many of them were not changed, or have no gradient.
    pub skipped: u64,
    /// How many are taken for another class as they are.
    pub clean_errors: u64,
    /// The same under the attack.
    pub attacked_errors: u64,
    /// The same under attacks with the frequencies of an octave alone.
    pub octave_errors: Vec<u64>,
    /// The mean amplitude of changes.
    pub change_mean: Vec<f64>,
    /// Its 95 % interval; absent of one image.
    pub change_interval: Option<Vec<[f64; 2]>>,
    /// The mean amplitude of gradients of the same length.
    pub gradient_mean: Vec<f64>,
    /// Its 95 % interval.
    pub gradient_interval: Option<Vec<[f64; 2]>>,
}

impl AttackSpectrumRow {
    /// So many errors of all images.
    pub fn rate(&self, errors: u64) -> Accuracy {
        Accuracy { correct: errors, of: self.images }
    }
}
