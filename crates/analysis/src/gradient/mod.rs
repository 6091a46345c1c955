//! Gradient spectra: definition, while training, of anybody's network, and the files that they leave.

mod events;
mod figures;
mod live;
mod module;
mod position;
mod profiler;
mod recorded;
mod report;
mod spectrum;
mod statistics;
mod sums;

pub use live::{Recording, train_recording};
pub use module::{logit_gradient, module_gradient, spectrum_of_module};
pub use profiler::GradientProfiler;
pub use recorded::RecordedSpectrum;
pub use report::{SpectrumReport, difference_words, image_density};
pub use spectrum::GradientSpectrum;
pub use statistics::{BandStatistics, GradientStatistics, GradientSums};
pub use sums::SpectrumGroups;
