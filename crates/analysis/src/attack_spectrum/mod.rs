//! Which frequencies adversaries change, and which of them suffice (Yin et al., NeurIPS 2019; Ortiz-Jiménez et al., NeurIPS 2020).

mod findings;
mod limited;
mod measure;
mod row;

pub use measure::AttackSpectrum;
pub use row::AttackSpectrumRow;
