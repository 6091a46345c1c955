//! What is found of a network.

use serde::{Deserialize, Serialize};

/// What was found of a network; lists are by ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensitivityRow {
    /// How many images were measured.
    pub images: usize,
    /// How many of them have no gradient: all zero but for its mean, or not finite.
    pub skipped: usize,
    /// How many are taken for their own class.
    pub correct: usize,
    /// The mean share.
    pub mean: Vec<f64>,
    /// Its population standard deviation over images.
    pub std: Vec<f64>,
    /// The 95 % interval of the mean (Student's); absent of one image.
    pub interval: Option<Vec<[f64; 2]>>,
    /// Σ r·S(r), the mean radius of the energy, in cycles per image.
    pub centre: f64,
    /// Its 95 % interval.
    pub centre_interval: Option<[f64; 2]>,
}
