//! What was measured of checkpoints, and how it is kept until all is.

use evaluation::{ScoreCounts, Scores, Separation};
use pipeline::NetworkDescription;
use runs::StoredCheckpoint;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{component::Component, densities::Densities};
use crate::Error;

/// What was measured of a checkpoint.
#[derive(Debug)]
pub struct EvaluatedCheckpoint {
    /// The file.
    pub checkpoint: StoredCheckpoint,
    /// What figures call it.
    pub label: String,
    /// What it is, and what of it was taken from where.
    pub network: NetworkDescription,
    /// In the order of the plan.
    pub parts: Vec<EvaluatedComponent>,
}

/// What was measured of a network on one component.
#[derive(Debug)]
pub struct EvaluatedComponent {
    /// Which images.
    pub component: Component,
    /// What was right.
    pub scores: Scores,
    /// How features separate classes, where that is asked for.
    pub separation: Option<Separation>,
    /// Densities of features, where they are drawn.
    pub densities: Option<Densities>,
}

/// The same as it is kept.
#[derive(Debug, Deserialize)]
pub(super) struct KeptComponent {
    scores: ScoreCounts,
    separation: Option<Separation>,
    densities: Option<Densities>,
}

/// How far a component is measured. Features are not kept: they may be as large as the images.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// The first batch that is not measured yet.
    pub(super) batch: usize,
    /// Counts of the batches before it.
    pub(super) scores: ScoreCounts,
}

/// Who keeps it.
pub(super) type Keep<'a> = dyn FnMut(&Position) -> Result<(), Error> + 'a;

impl EvaluatedComponent {
    /// What is kept of it: a [`KeptComponent`].
    pub(super) fn kept(&self) -> Value {
        json!({ "scores": self.scores.counts(), "separation": self.separation, "densities": self.densities })
    }
}

impl KeptComponent {
    /// What was kept of a component of images of so many classes; none where it is of others.
    pub(super) fn into_evaluated(self, component: Component, classes: usize) -> Option<EvaluatedComponent> {
        let Self { scores, separation, densities } = self;
        let scores = Scores::from_counts(classes, &scores).ok()?;
        Some(EvaluatedComponent { component, scores, separation, densities })
    }
}
