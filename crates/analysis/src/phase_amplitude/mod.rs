//! Whether a network goes by the phase or by the amplitude of images (Chen et al., ICCV 2021).

mod findings;
mod measure;
mod row;

pub use measure::PhaseAmplitude;
pub use row::PhaseAmplitudeRow;
