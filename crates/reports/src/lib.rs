//! A page of everything that was measured of a run, made of the files in its folder.
//!
//! [`save_run_page`] writes `report.html` into the folder of a run: the gradient spectrum with a slider for the epoch, training, what the
//! network gets right, and a section for each measure that has results. It is made anew from the files each time, so that it never says
//! what no file does; what is damaged, missing or of another network is said on the page. The same files give the same bytes.
//!
//! ```
//! use spectral::{SpectrumRow, SpectrumTable};
//!
//! let run = tempfile::tempdir()?;
//! let mut table = SpectrumTable::new("synthetic", "resnet20", 100, vec![1, 2]);
//! let (mean, std) = (vec![0.75, 0.25], vec![0.1; 2]);
//! table.push(SpectrumRow { mean, std, nat_prec1: 12.5, ..SpectrumRow::default() })?;
//! std::fs::create_dir(run.path().join("grad"))?;
//! table.save_json(&run.path().join("grad/gradient_spectrum.json"))?;
//!
//! let page = std::fs::read_to_string(reports::save_run_page(run.path())?)?;
//! assert!(page.contains("Epoch 0: accuracy 12.5 %, centre of mass ρ = 1.25"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod evaluation;
mod how;
mod json;
mod measures;
mod page;
mod rows;
mod run;
mod section;
mod spectrum;
mod state;
mod training;

// The page of a run
pub use page::{RunPage, save_run_page};

// Its sections, for pages of several runs
pub use measures::measure_sections;

// What can go wrong
pub use error::Error;
