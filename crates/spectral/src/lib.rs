//! Spectra of images and of input gradients, band by band.
//!
//! * **Transform**: the unnormalised 2-D DFT, F(u, v) = Σ p(y, x)·exp(−2πi(u·y/H + v·x/W)); its inverse divides by H·W.
//! * **Axes**: planes are (H, W), row by row; batches (N, C, H, W). In a *shifted* spectrum DC is at (⌊H/2⌋, ⌊W/2⌋).
//! * **Bands**: rings of radius ρ, in cycles per image, around a centre that the [`Convention`] names. The default is that of
//!   Lin, Gao & Sang (IJCAI 2022): 32×32 has 20 bands, ρ = 1…20.
//! * **Memory**: statistics are streams ([`RunningBands`]); nothing grows with the number of images.
//! * **Speed**: vectors are chosen at run time. Build with `codegen-units = 1` or `lto = "thin"`: where the compiler cuts
//!   the crate into pieces, they run several times slower.
//!
//! ```
//! use spectral::{Convention, Profiler, Recipe, RunningBands};
//! let profiler = Profiler::new(Recipe::Density, 3, 32, 32, Convention::Reference)?;
//! let image: Vec<f32> = (0..3072).map(|i| (i % 7) as f32 / 7.0).collect();
//! let mut bands = RunningBands::new(profiler.radii().len());
//! profiler.profiles(&image)?.rows().for_each(|row| bands.push(row));
//! assert_eq!((bands.count(), bands.mean().len()), (1, 20));
//! assert!(bands.mean().iter().all(|value| (0.0..=1.0).contains(value)));
//! # Ok::<(), spectral::Error>(())
//! ```

mod ahead;
mod arrays;
mod batch;
mod bytes;
mod columns;
mod corner;
mod density;
mod details;
mod dft;
mod dispatch;
mod error;
mod fft;
mod filter;
mod group;
mod hybrid;
mod interleave;
mod lines;
mod low_pass;
mod mask;
mod npz;
mod passes;
mod plane;
mod pool;
mod powers;
mod profile;
mod rader;
mod radial;
mod real;
mod recipe;
mod rings;
mod running;
mod shape;
mod table;
#[cfg(feature = "candle")]
mod tensor;
mod transpose;
mod vector;

// Transforms
pub use corner::DctCorner;
pub use dft::{naive_dft, unshifted};
pub use fft::{RealFft2, Scratch};
pub use real::Real;

// Bands and profiles
pub use density::{Densities, DensityMap};
pub use profile::{Profiler, Profiles};
pub use radial::{Convention, RadialBins};
pub use recipe::Recipe;
pub use running::RunningBands;

// Low and high frequencies
pub use filter::{Filter, Pass, Rescale};
pub use hybrid::Hybrid;
pub use mask::{RadialMask, Split, to_bytes};
pub use shape::Shape;

// Results
pub use details::{MeanSpectrum, Outcome, Outcomes, SpectrumDetails};
pub use npz::Array;
pub use table::{SpectrumRow, SpectrumTable};

// As tensors
#[cfg(feature = "candle")]
pub use tensor::density;

// What can go wrong
pub use error::Error;
