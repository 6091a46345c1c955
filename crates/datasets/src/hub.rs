//! Data sets of the Hugging Face Hub, and those of candle. With the feature `hub`.
//!
//! [`load`] reads a data set from the Hub's cache folder, as Python's `datasets` and `huggingface_hub` and candle leave it:
//!
//! ```text
//! {cache}/datasets--{owner}--{name}/refs/main                       the commit, 40 digits
//! {cache}/datasets--{owner}--{name}/refs/refs/convert/parquet       that of the Hub's own conversion
//! {cache}/datasets--{owner}--{name}/snapshots/{commit}/…/train-00000-of-00001.parquet, or …/train/0000.parquet
//! ```
//!
//! A row has an image file in the structure `img` or `image`, and a class number in `label`, `labels` or `fine_label` (or
//! `coarse_label`). Images are treated as those of a [`folder`](crate::folder): RGB, resized where they are not squares of
//! one size, decoded when they are asked for unless they are few. The order is that of the files. The test images are those
//! of the split validation, or of test where there is none.
//!
//! [`fetch`] fills the cache folder from the Hub, or from the server that `HF_ENDPOINT` names, through
//! [`candle_datasets::hub::from_hub`]. The conversion that it asks for has all configurations of a data set, and all are fetched.
//!
//! The feature takes about three hundred crates more, among them a network client, TLS in C, tokio and arrow, and some
//! minutes to compile. Nothing of it is in a build without the feature.
//!
//! # What to know of candle-datasets 0.11.1
//! * `vision::cifar::load` gives images with rows and columns exchanged: it permutes (N, H, W, C) to (N, C, W, H).
//!   `vision::cifar::load_dir` does not. [`Dataset::from_candle`](crate::Dataset::from_candle) takes either.
//! * It divides by 255 as a product with 1/255: some pixels are not the quotient that the rest of this crate has.
//! * A file that is damaged, an image of another size or a second column of whole numbers (CIFAR-100 has two) make it
//!   panic, or give tensors whose sizes do not fit; rows that cannot be read are left out unsaid. Files are decoded here by this
//!   crate instead.
//! * It looks for CIFAR-10 under the name `cifar10`, so what is cached as `uoft-cs/cifar10` is not found.
//! * `hub::from_hub` gives readers without the names of their files, so nothing says which are of which split.
//! * hf-hub 1.0.0 beneath it knows no time limit: [`fetch`] waits for a silent server until it is interrupted.

mod cache;
mod candle;
mod fetching;

use std::path::{Path, PathBuf};

pub use self::{candle::Axes, fetching::fetch};
use crate::{Dataset, Error, Repository, cifar::Labels, folder};

/// The Hub's cache folder: `$HF_HUB_CACHE`, `$HF_HOME/hub`, or `huggingface/hub` in the user's cache folder.
pub fn cache_folder() -> PathBuf {
    hf_hub::resolve_cache_dir()
}

/// Reads a data set from a cache folder of the Hub.
///
/// The class names are those that the files have, or the numbers of the classes.
///
/// # Errors
/// * [`Error::Hub`] if it is not there;
/// * [`Error::Hub`] if its files are not those of a set of images, or some are missing;
/// * [`Error::Batch`], [`Error::Corrupt`], [`Error::LinkOut`] or [`Error::Read`] about one of them.
pub fn load(
    repository: &Repository,
    cache: impl AsRef<Path>,
    labels: Labels,
    options: folder::Options,
) -> Result<Dataset, Error> {
    let listing = cache::find(cache.as_ref(), repository)?.listing(labels, options.limits)?;
    folder::from_listing(repository.as_str(), listing, options)
}
