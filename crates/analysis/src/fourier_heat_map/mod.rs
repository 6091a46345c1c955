//! Which single frequencies of noise a network errs on (Yin, Gontijo Lopes, Shlens, Cubuk & Gilmer, NeurIPS 2019).

mod findings;
mod measure;
mod rings;
mod row;

pub use measure::FourierHeatMap;
pub use row::FourierHeatMapRow;
