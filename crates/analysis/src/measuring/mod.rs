//! What all measures share: the loop over checkpoints, batches and steps, and the files of a result.

mod directions;
mod findings;
mod gaussian;
mod measure;
mod pass;
mod report;
mod resampling;
mod rings;
mod run;
mod subject;

// A measure, and what it is of
pub use measure::Measure;
pub(crate) use measure::{guesses, labels_differ, logits, tensor};
pub use subject::Subject;

// Measuring
pub use run::{MeasuredRow, help_measure, measure_network, resume_measure};

// What several measures use
pub(crate) use directions::Directions;
pub(crate) use gaussian::gaussian;
pub(crate) use resampling::Resampled;
pub(crate) use rings::ImageRings;

// Results
pub use findings::{Findings, Picture};
pub(crate) use findings::{chosen, fraction, interval_json, of_last, rate_curve, ring_axes};
pub use report::MeasureReport;
