//! Images with a spectral density of one's choice (CDES: Lin, Gao & Sang, *Investigating and Explaining the Frequency Bias in
//! Image Classification*, IJCAI 2022).
//!
//! Two small convolutions, [`ToyKernels`], are fitted so that images that pass them keep their looks and get the
//! [`target_density`]; [`Restructurer`] then joins the low frequencies of the images with the high frequencies of what
//! the kernels made of them. One kernel set for each class makes class-related spectra (SCR), one for all makes unrelated ones (WCR).
//!
//! * **Images**: (B, 3, H, W) f32 with pixels in [0, 1], in the CPU's memory; any size with at least one band.
//! * **Bands**: the rings of radius ρ = 1, 2, … of [`spectral::Convention::Reference`]; 32×32 has 20.
//! * **Randomness**: seeds only. The same arguments give the same bits, for any number of threads.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use candle_core::{Device, Tensor};
//! use cdes::{FitSettings, FloatImages, Objective, ToyKernels, noise_generator, noisy, restructure, target_density};
//!
//! let pixels: Vec<f32> = (0..4 * 3072).map(|at| (at * at % 251) as f32 / 251.0).collect();
//! let objective = Objective::new(32, 32, target_density(20, 32, 1.0))?;
//! let fit = FitSettings { epochs: 1, batch_size: 2, ..FitSettings::default() }.check(objective)?;
//! let mut kernels = ToyKernels::new(4, 3, 0)?;
//! fit.run(&mut kernels, &FloatImages::new(&pixels, [32, 32])?, None, &AtomicBool::new(false), &mut |_| ())?;
//!
//! let images = Tensor::from_vec(pixels, (4, 3, 32, 32), &Device::Cpu)?;
//! let made = kernels.apply(&noisy(&images, &mut noise_generator(0, 0, 0))?)?;
//! let restructured = restructure(&images, &made, 10)?;
//! assert_eq!(restructured.dims(), [4, 3, 32, 32]);
//! // Every channel reaches from 0 to 1.
//! assert_eq!(restructured.flatten_from(2)?.max(2)?.min_all()?.to_scalar::<f32>()?, 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod fit;
mod folder;
mod images;
mod mask;
mod noise;
mod objective;
mod pair;
mod random;
mod reduce;
mod restructure;
mod run;
mod setting;
mod source;
mod state;
mod target;
mod tensors;
mod toy;

// What is fitted, and for what
pub use noise::{noise_generator, noisy, with_noise};
pub use objective::{Losses, Objective};
pub use target::target_density;
pub use toy::ToyKernels;

// How it is fitted
pub use fit::{EpochLosses, Fit, FitEvent, FitSettings};
pub use folder::KernelFolder;
pub use source::{ByteImages, FloatImages, ImageSource};
pub use training::{Outcome, Start};

// What is made with it
pub use mask::{Norm, QuadrantMask};
pub use restructure::{Restructurer, restructure};

// What can go wrong
pub use error::Error;
pub use setting::Setting;
