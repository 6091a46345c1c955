//! CIFAR-10 and CIFAR-100 in the binary layout of their authors (Krizhevsky, *Learning Multiple Layers of Features
//! from Tiny Images*, 2009).
//!
//! A file is a row of records: the label bytes, then 3072 pixel bytes (red, green and blue plane of 32×32, row by row
//! from the top). CIFAR-10 has one label byte (files `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`),
//! CIFAR-100 two, coarse and fine (`train.bin` and `test.bin`). The number of records follows from the size of the
//! file, so a cut-down copy with fewer of them is a data set as well.

mod folder;
mod names;
mod records;

use std::{path::Path, sync::Arc};

use self::{folder::Edition, records::Layout};
use crate::{Dataset, Error, ImageSet, ImageShape, Limits};

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
/// `root` is the folder with the batches or its parent, in which it is called `cifar-10-batches-bin`. The class
/// names are those of `batches.meta.txt`, or the usual ones if there is no such file. What lies beyond the limits is
/// not read.
///
/// # Errors
/// [`Error::NotFound`] with the places looked at; [`Error::Read`], [`Error::Empty`], [`Error::Truncated`],
/// [`Error::TooLarge`] or [`Error::LabelByte`] about one of the files; [`Error::ClassNames`] if there are not ten names.
pub fn load_cifar10(root: impl AsRef<Path>, limits: Limits) -> Result<Dataset, Error> {
    let folder = CIFAR10.find(root.as_ref())?;
    let classes = names::read(&folder.join("batches.meta.txt"), &names::CIFAR10)?;
    let layout = Layout { label_bytes: 1, label_at: 0, classes: classes.len() };
    let batches: Vec<_> = (1..=5).map(|i| folder.join(format!("data_batch_{i}.bin"))).collect();
    let train = set(layout, &batches, limits.train, &classes)?;
    let test = set(layout, &[folder.join("test_batch.bin")], limits.test, &classes)?;
    Ok(Dataset { name: "cifar10".into(), train, test })
}

/// Reads CIFAR-100: as CIFAR-10 but 100 classes, or 20 superclasses.
///
/// `root` is the folder with `train.bin` and `test.bin` or its parent, in which it is called `cifar-100-binary`.
/// The class names are those of `fine_label_names.txt` or `coarse_label_names.txt`, or the usual ones without them.
///
/// # Errors
/// As [`load_cifar10`].
pub fn load_cifar100(root: impl AsRef<Path>, labels: Labels, limits: Limits) -> Result<Dataset, Error> {
    let folder = CIFAR100.find(root.as_ref())?;
    let (label_at, file, usual): (_, _, &[&str]) = match labels {
        Labels::Coarse => (0, "coarse_label_names.txt", &names::CIFAR100_COARSE),
        Labels::Fine => (1, "fine_label_names.txt", &names::CIFAR100_FINE),
    };
    let classes = names::read(&folder.join(file), usual)?;
    let layout = Layout { label_bytes: 2, label_at, classes: classes.len() };
    let train = set(layout, &[folder.join("train.bin")], limits.train, &classes)?;
    let test = set(layout, &[folder.join("test.bin")], limits.test, &classes)?;
    Ok(Dataset { name: "cifar100".into(), train, test })
}

const CIFAR10: Edition = Edition {
    name: "CIFAR-10",
    folder: "cifar-10-batches-bin",
    marker: "test_batch.bin",
    archive: "cifar-10-binary.tar.gz",
};

const CIFAR100: Edition = Edition {
    name: "CIFAR-100",
    folder: "cifar-100-binary",
    marker: "test.bin",
    archive: "cifar-100-binary.tar.gz",
};

fn set(
    layout: Layout,
    files: &[impl AsRef<Path>],
    limit: Option<usize>,
    classes: &Arc<[String]>,
) -> Result<ImageSet, Error> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for file in files {
        if limit.is_some_and(|limit| labels.len() >= limit) {
            break;
        }
        layout.read(file.as_ref(), limit, &mut pixels, &mut labels)?;
    }
    ImageSet::new(pixels, labels, Arc::clone(classes), ImageShape::RGB32)
}
