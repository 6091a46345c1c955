//! What each block of a network does to high frequencies (Park & Kim, ICLR 2022).

mod diagonal;
mod findings;
mod measure;
mod row;

pub use measure::LayerSpectra;
pub use row::{BlockSpectrum, LayerSpectraRow};
