//! What is found of a network.

use evaluation::Accuracy;
use serde::{Deserialize, Serialize};

/// Shares of directions that are dominant, in percent.
pub(super) const SHARES: [usize; 4] = [1, 5, 10, 20];
/// Numbers by class and frequency that are kept at most: of more, neither maps are written nor amplitudes compared.
pub(super) const MOST_MAPPED: usize = 4_000_000;

/// What was found of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShortcutsRow {
    /// How many images were measured.
    pub images: u64,
    /// Each class that was asked for and has images.
    pub classes: Vec<ClassShortcut>,
}

/// What was found of a class; lists are by direction ±k, or by share of directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassShortcut {
    /// Its number.
    pub class: u32,
    /// Its images.
    pub images: u64,
    /// How many of them are right as they are.
    pub correct: u64,
    /// How many images there are of other classes.
    pub others: u64,
    /// By direction: the rise of the class's mean loss without it, in nats; of squares of several directions, the rise for each of them.
    pub loss_rise: Vec<f64>,
    /// By direction: for how many other classes less the mean amplitude is below the class's, less for how many it is above; empty where
    /// there are too many classes and directions.
    pub amplitude_rank: Vec<i64>,
    /// By share: how many of its images are right when only their dominant frequencies are left.
    pub true_positives: Vec<u64>,
    /// By share: how many images of other classes are taken for it when only its dominant frequencies are left.
    pub false_positives: Vec<u64>,
}

impl ClassShortcut {
    /// TPR and FPR of a share of frequencies.
    pub fn rates(&self, share: usize) -> [Accuracy; 2] {
        [
            Accuracy { correct: self.true_positives[share], of: self.images },
            Accuracy { correct: self.false_positives[share], of: self.others },
        ]
    }
}
