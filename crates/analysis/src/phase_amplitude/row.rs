//! What is found of a network.

use evaluation::Accuracy;
use serde::{Deserialize, Serialize};

/// What was found of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseAmplitudeRow {
    /// How many images were measured.
    pub images: u64,
    /// How many are taken for their own class as they are.
    pub correct: u64,
    /// How many recombined ones are taken for the class that their phase is of.
    pub by_phase: u64,
    /// The same of their amplitude.
    pub by_amplitude: u64,
}

impl PhaseAmplitudeRow {
    /// How many are right of how many, by name: of images as they are, by phase, by amplitude.
    pub fn rates(&self) -> [(&'static str, Accuracy); 3] {
        let of = |correct: u64| Accuracy { correct, of: self.images };
        [
            ("accuracy", of(self.correct)),
            ("by_phase", of(self.by_phase)),
            ("by_amplitude", of(self.by_amplitude)),
        ]
    }
}
