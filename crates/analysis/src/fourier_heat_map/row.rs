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
    /// Of how many images, where they were drawn until a goal of precision was reached; empty where all were measured.
    #[serde(default)]
    pub seen: Vec<u64>,
    /// The intervals of the error rates among all images, where they were drawn; empty where all were measured.
    #[serde(default)]
    pub intervals: Vec<[f64; 2]>,
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
        Accuracy {
            correct: self.errors[direction],
            of: self.seen.get(direction).copied().unwrap_or(self.images),
        }
    }

    /// The same as a number, 0 of no images.
    pub fn rate(&self, direction: usize) -> f64 {
        self.error_rate(direction).fraction().unwrap_or(0.0)
    }

    /// Its 95 % interval: Wilson's, or that of the images' drawing.
    pub fn interval(&self, direction: usize) -> [f64; 2] {
        let own = self.intervals.get(direction).copied();
        own.unwrap_or_else(|| self.error_rate(direction).interval())
    }

    /// Evaluations of an image with a direction that were made; absent where all were.
    pub fn evaluations(&self) -> Option<u64> {
        (!self.seen.is_empty()).then(|| self.seen.iter().sum())
    }

    /// The same as a share of those of all images and directions.
    pub fn drawn_share(&self) -> Option<f64> {
        let all = self.images * self.errors.len() as u64;
        Some(self.evaluations()? as f64 / all.max(1) as f64)
    }

    /// The same of images as they are.
    pub fn clean_error_rate(&self) -> Accuracy {
        Accuracy { correct: self.clean_errors, of: self.images }
    }
}
