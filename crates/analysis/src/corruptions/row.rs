//! What is found of a network.

use evaluation::Accuracy;
use serde::{Deserialize, Serialize};

/// What was found of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorruptionsRow {
    /// How many images were measured.
    pub images: u64,
    /// How many are taken for another class as they are.
    pub clean_errors: u64,
    /// By ring: the share of gradient energy (see [`Sensitivity`](crate::Sensitivity)).
    pub sensitivity: Vec<f64>,
    /// By corruption and severity.
    pub corrupted: Vec<Vec<CorruptedRates>>,
    /// Spearman's correlation, over corruptions and severities, of errors with Σ_r D(r)·S(r).
    pub rank_correlation: Option<f64>,
    /// Its 95 % interval (Fisher's).
    pub rank_correlation_interval: Option<[f64; 2]>,
}

/// What was found of a corruption of one severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorruptedRates {
    /// How many images are taken for another class than their own.
    pub errors: u64,
    /// By ring: the mean amplitude of what the corruption changes, D(r).
    pub change: Vec<f64>,
    /// Σ_r D(r)·S(r): what frequencies say of it.
    pub predicted: f64,
}

impl CorruptionsRow {
    /// So many errors of all images.
    pub fn rate(&self, errors: u64) -> Accuracy {
        Accuracy { correct: errors, of: self.images }
    }

    /// The mean error rate of each corruption over its severities.
    pub fn by_corruption(&self) -> Vec<f64> {
        let rate = |of: &CorruptedRates| self.rate(of.errors).fraction().unwrap_or(0.0);
        let mean = |all: &Vec<CorruptedRates>| all.iter().map(rate).sum::<f64>() / all.len().max(1) as f64;
        self.corrupted.iter().map(mean).collect()
    }

    /// The mean of these over corruptions.
    pub fn mean_error(&self) -> f64 {
        let each = self.by_corruption();
        each.iter().sum::<f64>() / each.len().max(1) as f64
    }
}
