//! CIFAR-10 and CIFAR-100 (Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009) as people have them.
//!
//! * The binary version: a file is a row of records, the label bytes, then 3072 pixel bytes (red, green and blue plane of
//!   32×32, row by row from the top). CIFAR-10 has one label byte (files `data_batch_1.bin` to `data_batch_5.bin` and
//!   `test_batch.bin`), CIFAR-100 two, coarse and fine (`train.bin` and `test.bin`). The number of records follows from the
//!   size of the file, so a cut-down copy with fewer of them is a data set as well.
//! * The Python version: pickles of the same (`data_batch_1` to `data_batch_5` and `test_batch`; `train` and `test`), read
//!   by a program that knows lists, dictionaries, strings, numbers and arrays of bytes, and runs nothing.
//! * The archive of either, as it is downloaded (`.tar.gz`), without unpacking it.
//! * The files of the Hugging Face Hub, `train-….parquet` and `test-….parquet`.
//!
//! The images of one are those of the others, to the byte.

mod archive;
mod edition;
mod load;
pub(crate) mod names;
mod parquet;
mod part;
mod pickles;
mod place;
mod records;

use std::path::Path;

use self::edition::Edition;
use crate::{Dataset, Error, Limits};

/// Which labels of CIFAR-100 to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Labels {
    /// The 100 classes.
    #[default]
    Fine,
    /// The 20 superclasses, of five classes each.
    Coarse,
}

/// Reads CIFAR-10: 50,000 training and 10,000 test images of 32×32 in ten classes, or as many as the files hold.
///
/// `root` is an archive, the folder with the batches, or the folder that holds one of these under its published name. The
/// class names are those of the file beside the batches, or the usual ones if there is none. Of unpacked files what lies beyond the limits is
/// not read.
///
/// # Errors
/// [`Error::NotFound`] with the places looked at; [`Error::Read`],
/// [`Error::Records`], [`Error::Pickle`], [`Error::Batch`], [`Error::Archive`] about one of the files;
/// [`Error::ClassNames`] if there are not ten names.
pub fn load_cifar10(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    Edition::CIFAR10.load(root.as_ref(), limits)
}

/// Reads CIFAR-100: as CIFAR-10 but 100 classes, or 20 superclasses.
///
/// # Errors
/// As [`load_cifar10`].
pub fn load_cifar100(root: impl AsRef<Path>, labels: Labels, limits: Limits) -> Result<Dataset, Error> {
    match labels {
        Labels::Fine => Edition::CIFAR100_FINE.load(root.as_ref(), limits),
        Labels::Coarse => Edition::CIFAR100_COARSE.load(root.as_ref(), limits),
    }
}
