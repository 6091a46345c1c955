//! How a network's sensitivity is shared out over frequencies (Chari et al., TMLR 2022).

mod findings;
mod measure;
mod row;

pub use measure::Sensitivity;
pub use row::SensitivityRow;
