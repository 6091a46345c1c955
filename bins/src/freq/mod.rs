//! Hybrids and filtered copies of a data set's images: where they are, how they are made, how a network is given them.

mod maker;
mod sheets;
mod training;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;

pub(crate) use maker::{Made, Maker};
pub(crate) use training::training_images;

use crate::flags::{DataFlags, DatasetName};

/// The radius of the published hybrids.
pub(crate) const RADIUS: usize = 12;

/// A part of the frequencies of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// Frequencies below r
    Low,
    /// Frequencies from r on
    High,
}

impl Part {
    /// As files and folders carry it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

/// A data set's name as folders carry it. Generated sets are many, so theirs is the folder's.
fn set_name(data: &DataFlags) -> String {
    let folder =
        data.data.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let of_set = folder.filter(|_| data.dataset == DatasetName::Generated);
    of_set.unwrap_or_else(|| data.dataset.as_str().to_owned())
}

/// `{out-dir}/{dataset}-freq`.
pub(crate) fn folder(out_dir: &Path, data: &DataFlags) -> PathBuf {
    out_dir.join(format!("{}-freq", set_name(data)))
}

/// The files of the hybrids whose labels are those of the images that give `keep`.
#[derive(Debug, Clone)]
pub(crate) struct HybridFiles {
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
    pub(crate) donors: PathBuf,
    /// Where the contact sheet is, without its extension.
    pub(crate) sheet: PathBuf,
}

impl HybridFiles {
    pub(crate) fn at(root: &Path, keep: Part, radius: usize) -> Self {
        let stem = format!("hybrid_{}_{radius}", keep.as_str());
        Self {
            images: root.join(format!("{stem}.npy")),
            labels: root.join("train_label.npy"),
            donors: root.join(format!("{stem}_donor.npy")),
            sheet: root.join(stem),
        }
    }
}

/// The files of the copies that keep a part of each image.
#[derive(Debug, Clone)]
pub(crate) struct CopyFiles {
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
    pub(crate) sheet: PathBuf,
}

impl CopyFiles {
    pub(crate) fn at(root: &Path, part: Part, radius: usize) -> Self {
        let (folder, stem) = (root.join("dft"), format!("test_data_{}_{radius}", part.as_str()));
        Self {
            images: folder.join(format!("{stem}.npy")),
            labels: folder.join("test_label.npy"),
            sheet: folder.join(stem),
        }
    }
}
