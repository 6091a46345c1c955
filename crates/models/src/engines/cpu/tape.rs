//! What a forward pass leaves behind for the way back.

use std::collections::BTreeMap;

use kernels::blocked::{Blocked, Dims, Mask, Moments, PixelMoments, Winners};

use crate::plan::{Norm, Slot};

/// What a forward pass leaves behind.
#[derive(Debug)]
pub(super) struct Tape {
    /// (N, features).
    pub(super) latent: Vec<f32>,
    /// (N, classes).
    pub(super) logits: Vec<f32>,
    /// In training mode, the moments that each batch-norm saw.
    pub(super) moments: Vec<(Norm, Vec<Moments>)>,
    pub(super) values: Vec<Option<Blocked>>,
    pub(super) statistics: BTreeMap<Slot, Statistics>,
    /// What ReLU after convolutions, leaky ReLU and dropout let through.
    pub(super) masks: BTreeMap<Slot, Mask>,
    pub(super) dims: BTreeMap<Slot, Dims>,
    pub(super) winners: BTreeMap<Slot, Winners>,
    /// Of layer norms.
    pub(super) pixel_moments: BTreeMap<Slot, PixelMoments>,
}

/// Which statistics a batch-norm used, and what the ReLU after it let through.
#[derive(Debug)]
pub(super) struct Statistics {
    pub(super) mean: Vec<f32>,
    /// 1 / √(variance + ε).
    pub(super) inverse_std: Vec<f32>,
    /// γ / √(variance + ε).
    pub(super) scale: Vec<f32>,
    pub(super) mask: Option<Mask>,
}

impl Tape {
    /// An empty tape for so many values.
    pub(super) fn new(slots: usize) -> Self {
        Self {
            latent: Vec::new(),
            logits: Vec::new(),
            moments: Vec::new(),
            values: (0..slots).map(|_| None).collect(),
            statistics: BTreeMap::new(),
            masks: BTreeMap::new(),
            dims: BTreeMap::new(),
            winners: BTreeMap::new(),
            pixel_moments: BTreeMap::new(),
        }
    }

    /// A value that an earlier step computed and that is still needed.
    pub(super) fn value(&self, slot: Slot) -> &Blocked {
        self.values[slot].as_ref().expect("a step reads values that an earlier one computed")
    }
}
