//! What is found of a network.

use evaluation::Accuracy;
use serde::{Deserialize, Serialize};

/// What was found of a network; lists are by direction, or by ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FourierHeatMapRow {
    /// How many images were measured.
    pub images: u64,
    /// How many are taken for another class as they are.
    pub clean_errors: u64,
    /// How many are taken for another class with a direction added.
    pub errors: Vec<u64>,
    /// The mean square of the loss' first-order change, in nats².
    pub first_order: Vec<f64>,
    /// Spearman's correlation of the two over all directions.
    pub rank_correlation: Option<f64>,
    /// Share of errors over the directions of a ring.
    pub ring_mean: Vec<f64>,
    /// Its 95 % interval over images (Student's).
    pub ring_interval: Vec<Option<[f64; 2]>>,
}

impl FourierHeatMapRow {
    /// How many are wrong of how many, with a direction added.
    pub fn error_rate(&self, direction: usize) -> Accuracy {
        Accuracy { correct: self.errors[direction], of: self.images }
    }

    /// The same of images as they are.
    pub fn clean_error_rate(&self) -> Accuracy {
        Accuracy { correct: self.clean_errors, of: self.images }
    }
}
