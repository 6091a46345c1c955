//! Kernels that give images another spectral density, fitted on a data set (Lin, Gao & Sang, IJCAI 2022, CDES): a set for each class
//! ([`Experiment::Scr`](crate::Experiment::Scr)) or one for all ([`Experiment::Wcr`](crate::Experiment::Wcr)).
//!
//! ```text
//! {folder}/config.json                  every setting, and a checksum of the images
//! {folder}/{class3,all_class}/          checkpoints, log and state of one kernel set: see cdes::KernelFolder
//! {folder}/{class3,…}/Img/              densities and images after every fourth epoch and the last
//! {folder}/{class3,…}/tensorboard/      the same for TensorBoard
//! ```
//!
//! ```
//! use cdes::FitSettings;
//! use datasets::synthetic::Synthetic;
//! use derived::{Experiment, kernels::KernelFit};
//! use progress::Progress;
//! use training::Start;
//!
//! let data = Synthetic { seed: 0, train: 8, test: 4 }.generate();
//! let folder = tempfile::tempdir()?;
//! let fit = KernelFit {
//!     experiment: Experiment::Wcr,
//!     number: 2,
//!     kernel_size: 3,
//!     steps: FitSettings { epochs: 2, batch_size: 4, ..FitSettings::default() },
//!     ..KernelFit::new(folder.path().join("WCR"))
//! };
//! let fitted = fit.run(&data, Start::Fresh, None, &Progress::default())?;
//! assert_eq!((fitted.len(), fitted[0].epochs.len()), (1, 2));
//! assert!(fitted[0].epochs[1].loss < fitted[0].epochs[0].loss);
//! assert!(fitted[0].folder.join("Epoch1.safetensors").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod earlier;
mod events;
mod first;
mod fitter;
mod helper;
mod images;
mod pictures;
mod reporter;
mod run;
mod said;
mod sets;
mod settings;

pub use run::Fitted;
pub use settings::{FitOn, KernelFit};
