//! How far the spectrum of a checkpoint is measured.

use serde::{Deserialize, Serialize};

use super::sums::RowSums;
use crate::Error;

/// What is kept of a measurement that is stopped.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Position {
    /// Images of a batch.
    pub(super) size: usize,
    /// The first batch that is not measured yet.
    pub(super) batch: usize,
    /// Sums of the batches before it.
    pub(super) sums: RowSums,
}

/// Who keeps it.
pub(super) type Keep<'a> = dyn FnMut(&Position) -> Result<(), Error> + 'a;

impl Position {
    /// Whether its batches are those of another.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.size == other.size
    }

    /// How many of so many images are measured.
    pub(super) fn images(&self, all: usize) -> usize {
        self.batch.saturating_mul(self.size).min(all)
    }
}
