//! What is where in the versions of a data set, and how it is put together.

use std::{io::Read, path::Path, sync::Arc};

use super::{
    names,
    part::{Part, Source},
    pickles,
    records::Layout,
};
use crate::{Dataset, Error, ImageSet, ImageShape, class_names};

/// One data set with one kind of label.
pub(super) struct Edition {
    /// Its name, for people.
    pub(super) title: &'static str,
    /// Its name as a data set.
    pub(super) name: &'static str,
    /// The versions that its authors publish.
    pub(super) versions: [Version; 2],
    /// Folders of the Hub's files.
    pub(super) hub: &'static str,
    /// The column of the labels there.
    pub(super) column: &'static str,
    pub(super) usual: &'static [&'static str],
}

/// One version of a data set.
pub(super) struct Version {
    /// The folder that its archive unpacks to.
    pub(super) folder: &'static str,
    /// The archive.
    pub(super) archive: &'static str,
    /// Files of training images, in order.
    pub(super) train: &'static [&'static str],
    /// The file of test images; there if the data set is.
    pub(super) test: &'static str,
    /// The file of class names, which may be missing.
    pub(super) names: &'static str,
    format: Format,
}

enum Format {
    Records(Layout),
    /// Keys of the labels and of the class names.
    Pickles {
        labels: &'static str,
        names: &'static str,
    },
}

impl Edition {
    pub(super) const CIFAR10: Self = Self {
        title: "CIFAR-10",
        name: "cifar10",
        versions: [
            Version {
                folder: "cifar-10-batches-bin",
                archive: "cifar-10-binary.tar.gz",
                train: &[
                    "data_batch_1.bin",
                    "data_batch_2.bin",
                    "data_batch_3.bin",
                    "data_batch_4.bin",
                    "data_batch_5.bin",
                ],
                test: "test_batch.bin",
                names: "batches.meta.txt",
                format: Format::Records(Layout { label_bytes: 1, label_at: 0 }),
            },
            Version {
                folder: "cifar-10-batches-py",
                archive: "cifar-10-python.tar.gz",
                train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
                test: "test_batch",
                names: "batches.meta",
                format: Format::Pickles { labels: "labels", names: "label_names" },
            },
        ],
        hub: "plain_text",
        column: "label",
        usual: &names::CIFAR10,
    };

    pub(super) const CIFAR100_FINE: Self = Self::cifar100(
        1,
        "fine_label_names.txt",
        "fine_labels",
        "fine_label_names",
        "fine_label",
        &names::CIFAR100_FINE,
    );

    pub(super) const CIFAR100_COARSE: Self = Self::cifar100(
        0,
        "coarse_label_names.txt",
        "coarse_labels",
        "coarse_label_names",
        "coarse_label",
        &names::CIFAR100_COARSE,
    );

    const fn cifar100(
        label_at: usize,
        names_file: &'static str,
        labels: &'static str,
        names: &'static str,
        column: &'static str,
        usual: &'static [&'static str],
    ) -> Self {
        let binary = Version {
            folder: "cifar-100-binary",
            archive: "cifar-100-binary.tar.gz",
            train: &["train.bin"],
            test: "test.bin",
            names: names_file,
            format: Format::Records(Layout { label_bytes: 2, label_at }),
        };
        let python = Version {
            folder: "cifar-100-python",
            archive: "cifar-100-python.tar.gz",
            train: &["train"],
            test: "test",
            names: "meta",
            format: Format::Pickles { labels, names },
        };
        Self {
            title: "CIFAR-100",
            name: "cifar100",
            versions: [binary, python],
            hub: "cifar100",
            column,
            usual,
        }
    }

    /// The edition that people take this one for.
    pub(super) fn other(&self) -> &'static Self {
        if self.name == Self::CIFAR10.name { &Self::CIFAR100_FINE } else { &Self::CIFAR10 }
    }

    /// The data set of two parts; `names` are those of a file, by its path.
    pub(super) fn dataset(&self, parts: [Part; 2], names: Option<Arc<[String]>>) -> Result<Dataset, Error> {
        let classes = names.unwrap_or_else(|| class_names::usual(self.usual));
        let set =
            |part: Part| ImageSet::new(part.pixels, part.labels, Arc::clone(&classes), ImageShape::RGB32);
        let [train, test] = parts;
        Ok(Dataset { name: self.name.into(), train: set(train)?, test: set(test)?, notes: Vec::new() })
    }

    /// How many classes there are.
    pub(super) fn classes(&self) -> usize {
        self.usual.len()
    }
}

impl Version {
    /// Appends the images of a file to `part`, until there are `limit` of them.
    pub(super) fn read<R: Read>(
        &self,
        from: Source<'_, R>,
        classes: usize,
        limit: Option<usize>,
        part: &mut Part,
    ) -> Result<(), Error> {
        match &self.format {
            Format::Records(layout) => layout.read(from, classes, limit, part),
            Format::Pickles { labels, .. } => {
                pickles::read(from, pickles::Labels { key: labels, classes }, limit, part)
            }
        }
    }

    /// The class names in a file.
    pub(super) fn names(
        &self,
        path: &Path,
        content: &[u8],
        edition: &Edition,
    ) -> Result<Arc<[String]>, Error> {
        match self.format {
            Format::Records(_) => class_names::parse(path, content, edition.classes()),
            Format::Pickles { names, .. } => pickles::names(path, content, names, edition.classes()),
        }
    }
}
