//! Errors on corrupted images, and what frequencies say of them (Hendrycks & Dietterich, ICLR 2019; Yin et al., NeurIPS 2019).

mod built_in;
mod findings;
mod measure;
mod reference;
mod row;
mod source;

pub use measure::Corruptions;
pub use row::{CorruptedRates, CorruptionsRow};
pub use source::CorruptionSource;

/// Severities of each corruption.
const SEVERITIES: usize = 5;
