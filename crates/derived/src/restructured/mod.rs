//! The images that fitted kernels make of a data set (Lin, Gao & Sang, IJCAI 2022, CDES): their low frequencies are the images' own,
//! their high ones those of what the kernels made of them. Labels, order and both parts stay.
//!
//! What is written is a data set for [`datasets::generated::load`], with a figure of the spectral densities, their numbers and a
//! sheet for each class beside the images of each part:
//!
//! ```text
//! {folder}/config.json, classes.txt
//! {folder}/{train,test}/images.npy, labels.npy
//! {folder}/{train,test}/density.json, density.png, density.svg, class3.png
//! ```
//!
//! ```
//! use cdes::FitSettings;
//! use datasets::{Limits, generated, synthetic::Synthetic};
//! use derived::{Experiment, kernels::KernelFit, restructured::Restructuring};
//! use progress::Progress;
//! use training::Start;
//!
//! let data = Synthetic { seed: 0, train: 8, test: 4 }.generate();
//! let folder = tempfile::tempdir()?;
//! let (kernels, images) = (folder.path().join("WCR"), folder.path().join("WCR-images"));
//! let fit = KernelFit {
//!     experiment: Experiment::Wcr,
//!     number: 2,
//!     kernel_size: 3,
//!     steps: FitSettings { epochs: 1, ..FitSettings::default() },
//!     ..KernelFit::new(&kernels)
//! };
//! fit.run(&data, Start::Fresh, None, &Progress::default())?;
//!
//! let restructuring = Restructuring { experiment: Experiment::Wcr, ..Restructuring::new(&kernels, &images) };
//! let parts = restructuring.run(&data, &Progress::default())?;
//! assert_eq!((parts[0].images, parts[1].images), (8, 4));
//! assert_eq!(parts[0].radii, (1..=20).collect::<Vec<_>>());
//! let written = generated::load(&images, Limits::default())?;
//! assert_eq!(written.test.labels(), data.test.labels());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fitted;
mod part;
mod placing;
mod run;
mod seen;
mod settings;
mod summary;

pub use settings::Restructuring;
pub use summary::{Density, Summary};
