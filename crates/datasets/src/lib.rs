//! Labelled images for training and measuring image classifiers.
//!
//! ```
//! use datasets::{Augmentation, BatchOptions, Order, synthetic::Synthetic};
//! let data = Synthetic { seed: 0, train: 100, test: 50 }.generate();
//! let training = BatchOptions {
//!     batch_size: 32,
//!     order: Order::Shuffled { seed: 0, epoch: 3 },
//!     augmentation: Some(Augmentation::default()),
//!     workers: 2,
//!     ..BatchOptions::default()
//! };
//! let sizes: Vec<usize> = data.train.batches(training).map(|batch| batch.unwrap().len()).collect();
//! assert_eq!(sizes, [32, 32, 32, 4]);
//! let first = data.test.batches(BatchOptions::default()).next().unwrap().unwrap();
//! assert_eq!(first.images.len(), 50 * 3 * 32 * 32);
//! assert_eq!(first.images[0], data.test.bytes(0).unwrap()[0] as f32 / 255.0);
//! ```
//!
//! * Pixels are stored as bytes (computed ones as f32) in (N, C, H, W) order and delivered as f32 in [0, 1], the byte divided by 255;
//!   networks normalise them themselves.
//! * Every random choice follows from a seed: the images of [`synthetic`], the order of an epoch, the crops and flips.
//!   The bytes of a batch do not depend on the number of threads that prepare it.
//! * [`generated`] reads and writes computed images as NumPy arrays; [`frequency`] hybrids and filtered copies, paired by
//!   [`donors`].
//! * [`folder`] reads folders of photographs and ImageNet, decoded and resized when a batch is made of them.
//! * [`cifar`] reads CIFAR-10 and CIFAR-100 as people have them. Files are checked: a damaged one gives an
//!   [`Error`] that names it, the byte, what was found and what was expected.

mod augmentation;
mod batches;
pub mod cifar;
mod error;
pub mod folder;
pub mod frequency;
pub mod generated;
mod image_set;
mod images;
mod npy;
mod packed;
mod pairing;
mod passed_over;
mod pickle;
mod prefetch;
mod random;
pub mod synthetic;
mod tar;

// Sets of images
pub use folder::OnCorrupt;
pub use image_set::{Dataset, ImageSet, ImageShape, Limits, Pixels};
pub use images::encoded::Encoded;

// Batches of them
pub use augmentation::{Augmentation, Look, Pixel, View};
pub use batches::{Batch, BatchOptions, Batches, Order};

// Pairs of them
pub use pairing::donors;

// What can go wrong
pub use error::Error;
