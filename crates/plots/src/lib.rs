//! Figures of spectra, as PNG and as SVG from the same strokes. Text comes from an embedded font; nothing of the
//! system's is needed.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spectral::{SpectrumRow, SpectrumTable};
//! let mut table = SpectrumTable::new("synthetic", "resnet18", 100, (1..=20).collect());
//! for epoch in 0..3 {
//!     let mean = (0..20).map(|band| 1.0 / f64::from(1 + band + epoch)).collect();
//!     table.push(SpectrumRow { epoch: epoch as usize, mean, std: vec![0.0; 20], nat_prec1: 50.0, skipped: 0 })?;
//! }
//! let folder = tempfile::tempdir()?;
//! let [png, _svg] = plots::HeatMap::new(&table)?.save(&folder.path().join("gradient_spectrum"))?;
//! assert!(std::fs::metadata(png)?.len() > 1000);
//! # Ok(())
//! # }
//! ```

mod canvas;
mod curves;
mod error;
mod heat_map;
mod save;

pub use curves::{BandCurves, Curve};
pub use error::Error;
pub use heat_map::HeatMap;
