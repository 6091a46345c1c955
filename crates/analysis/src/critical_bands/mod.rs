//! Which octaves of noise stop a network from seeing (Subramanian et al., NeurIPS 2023).

mod bands;
mod findings;
mod fit;
mod measure;
mod row;

pub use measure::CriticalBands;
pub use row::{Channel, CriticalBandsRow};
