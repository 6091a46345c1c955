//! What a forward pass leaves behind for the way back.

use std::collections::BTreeMap;

use candle_core::Tensor;
use kernels::device::BatchMoments;

use crate::plan::{Norm, Slot};

/// What a forward pass leaves behind.
#[derive(Debug)]
pub(super) struct Tape {
    /// In training mode, the moments that each batch-norm saw.
    pub(super) moments: Vec<(Norm, BatchMoments)>,
    /// Results of steps, for as long as they are needed.
    pub(super) values: Vec<Option<Tensor>>,
    /// What each step needs on the way back.
    pub(super) kept: BTreeMap<Slot, Kept>,
    /// Of each value.
    pub(super) dims: BTreeMap<Slot, Vec<usize>>,
}

/// What a step needs on the way back, besides the values that it read.
#[derive(Debug)]
pub(super) enum Kept {
    /// What came out of a ReLU.
    Gate(Tensor),
    /// Of a batch-norm: what came out if ReLU was its end, and what it saw.
    Norm(Option<Tensor>, Statistics),
    /// What windows saw, and what came out.
    Windows(Tensor, Tensor),
    /// What a layer norm left: x̂ and 1 / σ.
    Standard([Tensor; 2]),
    /// What a value's gradient is multiplied by.
    Factor(Tensor),
}

/// Where a batch-norm had its statistics from.
#[derive(Debug)]
pub(super) enum Statistics {
    Batch(BatchMoments),
    /// Mean and 1 / σ, (1, C, 1, 1).
    Running(Tensor, Tensor),
}

impl Tape {
    /// An empty tape for so many values.
    pub(super) fn new(slots: usize) -> Self {
        let values = (0..slots).map(|_| None).collect();
        Self { moments: Vec::new(), values, kept: BTreeMap::new(), dims: BTreeMap::new() }
    }

    /// A value that an earlier step computed and that is still needed.
    pub(super) fn value(&self, slot: Slot) -> &Tensor {
        self.values[slot].as_ref().expect("a step reads values that an earlier one computed")
    }
}
