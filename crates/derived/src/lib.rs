//! Data sets made of data sets (Lin, Gao & Sang, *Investigating and Explaining the Frequency Bias in Image Classification*, IJCAI 2022).
//!
//! * [`hybrids`]: one image's high frequencies with another's low ones (HARS), and low- and high-pass copies.
//! * [`kernels`]: kernels that give images another spectral density, fitted on a data set, by class (SCR) or for all (WCR).
//! * [`restructured`]: the images that such kernels make of a data set.
//!
//! Each is a struct of settings with a `run` or `make` that writes a folder. Images are RGB and of one size. Files appear whole or not
//! at all, and nothing is replaced that the settings do not allow. The same seeds give the same bytes, for any number of threads.
//! Long work reports to a [`progress::Progress`] and stops at the next batch once its interrupt flag is set.
//!
//! ```
//! use datasets::synthetic::Synthetic;
//! use derived::hybrids::{Maker, Part};
//! use progress::Progress;
//!
//! let data = Synthetic { seed: 0, train: 20, test: 10 }.generate();
//! let folder = tempfile::tempdir()?;
//! let made = Maker::new(&data, folder.path()).make(Part::High, &[Part::Low, Part::High], &Progress::default())?;
//! let counts: Vec<usize> = made.iter().map(|made| made.count).collect();
//! assert_eq!(counts, [20, 10, 10]); // hybrids, low-pass and high-pass copies
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod curves;
mod error;
mod experiment;
mod folders;
pub mod hybrids;
pub mod kernels;
pub mod restructured;
mod source;

// What kernels are of, and what is noted of who fits them
pub use config::Provenance;
pub use experiment::{Experiment, Scope};

// What can go wrong
pub use error::Error;
