//! What data sets hold.

mod dataset;

pub use dataset::{Inspection, PartFound, inspect_dataset};
