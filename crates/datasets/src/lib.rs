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
//! * [`catalog`] opens data sets by name, and knows what is usual for each: normalisation, batch sizes.
//! * Pixels are stored as bytes (computed ones as f32) in (N, C, H, W) order and delivered as f32 in [0, 1], the byte divided by 255;
//!   networks normalise them themselves.
//! * Every random choice follows from a seed: the images of [`synthetic`], the order of an epoch, the crops and flips.
//!   The bytes of a batch do not depend on the number of threads that prepare it.
//! * [`generated`] reads and writes computed images as NumPy arrays; [`frequency`] hybrids and filtered copies, paired by
//!   [`donors`].
//! * [`folder`] reads folders of photographs, Parquet and Arrow tables of them, and ImageNet, decoded and resized when a batch is made of
//!   them.
//! * [`cifar`] reads CIFAR-10 and CIFAR-100 as people have them. Files are checked: a damaged one gives an
//!   [`Error`] that names it, the byte, what was found and what was expected.
//! * [`mnist`], [`stl10`], [`svhn`] and [`cifar_tests`] read other published sets, and [`arrays`] anybody's images in NumPy's format.
//! * Damaged photographs may be left out: [`ImageSet::left_out`] says which. What else is worth knowing about how a data set was
//!   read is a [`Note`] of it.
//! * Of a data set with some of the classes of a network's head, [`HeadOutputs`] say which outputs these are.
//!
//! # Features
//! None is on by default.
//! * `download`: the module `download` fetches the archives of CIFAR (a network client and TLS).
//! * `hub`: the module `hub` reads, and fetches, any labelled images of the Hub by their name, and takes candle's data sets (three hundred crates).

#[cfg(any(feature = "download", feature = "hub"))]
mod address;
pub mod arrays;
mod arrow;
mod augmentation;
mod batches;
pub mod catalog;
pub mod cifar;
pub mod cifar_tests;
mod class_map;
mod class_names;
mod corruption;
mod distortion;
#[cfg(feature = "download")]
pub mod download;
mod erasing;
mod error;
pub mod folder;
pub mod frequency;
pub mod generated;
#[cfg(feature = "hub")]
pub mod hub;
mod image_set;
mod images;
mod kind;
mod left_out;
mod mat;
mod mixing;
pub mod mnist;
mod note;
mod npy;
mod npz;
mod one_line;
mod outputs;
mod packed;
mod pairing;
mod parquet;
mod pickle;
mod planes;
mod prefetch;
mod rand_augment;
mod random;
mod repository;
mod shape;
mod skipped;
pub mod stl10;
pub mod svhn;
pub mod synthetic;
mod tar;
mod zip;

// Sets of images
pub use corruption::Corruption;
pub use image_set::{Dataset, ImageSet, Limits, Pixels};
pub use images::{Interpolation, Resize, encoded::Encoded};
pub use left_out::{LeftOut, OnCorrupt};
pub use note::Note;
pub use outputs::{HeadOutputs, OutputsOrigin};
pub use repository::Repository;
pub use shape::ImageShape;

// Batches of them
pub use augmentation::{Augmentation, Look, Pixel, View};
pub use batches::{Batch, BatchOptions, Batches, Order};
pub use distortion::Distortions;
pub use erasing::Erasing;
pub use mixing::{Mix, Mixing};
pub use rand_augment::{Operation, RandAugment};

// Pairs of them
pub use pairing::donors;

// What can go wrong
pub use error::{ArchiveError, ClassMapError, DownloadError, Error, HubError, RecordsError, TableError};
