//! Data sets by name: which there are, what is usual for each, and how one is opened.
//!
//! A [`Request`] says which data set, where it is and which of its images are taken; [`Request::open`] gives the images.
//!
//! ```
//! use datasets::{Limits, catalog::{Name, Request}};
//! use progress::Progress;
//!
//! let limits = Limits { train: Some(200), test: Some(100) };
//! let request = Request { name: "synthetic".parse()?, limits, ..Request::default() };
//! let data = request.open(&Progress::default())?;
//! assert_eq!((data.train.len(), data.test.len()), (200, 100));
//! assert_eq!(data.train.classes().len(), 10);
//!
//! assert_eq!(Name::Cifar10.normalisation().mean, [0.4914, 0.4822, 0.4465]);
//! assert_eq!(Name::Cifar10.training_batch_size(), 128);
//! // What is on disk needs a place.
//! let error = Request { name: Name::Cifar10, ..Request::default() }.open(&Progress::default()).unwrap_err();
//! assert!(matches!(error, datasets::Error::NeedsRoot { .. }));
//! # Ok::<(), datasets::Error>(())
//! ```

mod corrupted;
mod fetching;
mod name;
mod request;

pub use self::{
    corrupted::CorruptedImages,
    fetching::Download,
    name::{Name, Normalisation},
    request::Request,
};
