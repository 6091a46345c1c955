//! Figures of spectra, as PNG and as SVG from the same strokes, and sheets of small images. Text comes from an embedded
//! font; nothing of the system's is needed.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spectral::{SpectrumRow, SpectrumTable};
//! let mut table = SpectrumTable::new("synthetic", "resnet18", 100, (1..=20).collect());
//! for epoch in 0..3 {
//!     let mean = (0..20).map(|band| 1.0 / f64::from(1 + band + epoch)).collect();
//!     table.push(SpectrumRow { epoch: epoch as usize, mean, std: vec![0.0; 20], nat_prec1: 50.0, ..SpectrumRow::default() })?;
//! }
//! let folder = tempfile::tempdir()?;
//! let [png, svg] = plots::HeatMap::new(&table)?.save(&folder.path().join("gradient_spectrum"))?;
//! let picture = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(png)?)).read_info()?;
//! assert_eq!(picture.info().width, 1520);
//! assert!(std::fs::read_to_string(svg)?.starts_with(r#"<svg width="760""#));
//! # Ok(())
//! # }
//! ```
//!
//! * **Sizes** are in logical pixels, an SVG's own unit. A PNG has two pixels for each, so that it is sharp on any screen.
//! * **Files** appear whole or not at all: they are drawn in memory, written to a sibling and renamed.
//! * **Numbers** that are not finite are refused with an [`Error`] that says where they are; no figure hides them.

mod axis;
mod canvas;
mod color_bar;
mod contact_sheet;
mod error;
mod frequency_maps;
mod header;
mod heat_map;
mod ink;
mod legend;
mod line_chart;
mod palette;
mod save;
mod small_multiples;
#[cfg(test)]
mod testing;
mod text;

// Spectra over epochs
pub use heat_map::HeatMap;

// A value for each frequency
pub use frequency_maps::{FrequencyMap, FrequencyMaps};

// Curves over bands, epochs or anything else that is counted
pub use line_chart::{Axes, BandCurves, Curve, LineChart, Spread};
pub use small_multiples::{Panel, SmallMultiples};

// Images
pub use contact_sheet::{ContactSheet, SheetRow, Thumbnail};

// For who draws by himself and wants the same colours and ticks
pub use axis::{index_ticks_to_the_end, value_ticks};
pub use palette::color_map;

// What can go wrong
pub use error::Error;
