//! Hybrids and filtered copies of a data set's images: where they are, how they are made, how a network is given them.

mod maker;
mod sheets;
mod training;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub(crate) use maker::{Made, Maker};
pub(crate) use training::training_images;

use crate::{flags::DataFlags, mask::MaskName};

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

/// `{out-dir}/{dataset}-freq`.
pub(crate) fn folder(out_dir: &Path, data: &DataFlags) -> PathBuf {
    out_dir.join(format!("{}-freq", data.label()))
}

/// The files of the hybrids whose labels are those of the images that give `keep`.
#[derive(Debug, Clone)]
pub(crate) struct HybridFiles {
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
    pub(crate) donors: PathBuf,
    /// What the hybrids were made of: see [`Origin`].
    pub(crate) origin: PathBuf,
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
            origin: root.join(format!("{stem}.json")),
            sheet: root.join(stem),
        }
    }
}

/// What hybrids were made of, by which stale ones are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The checksum of the images and labels.
    pub(crate) images_checksum: u32,
    /// The seed of the pairs.
    pub(crate) seed: u64,
}

/// The files of the copies that keep a part of each image.
#[derive(Debug, Clone)]
pub(crate) struct CopyFiles {
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
    pub(crate) sheet: PathBuf,
}

impl CopyFiles {
    /// Those of the published mask have the published names, others say theirs.
    pub(crate) fn at(root: &Path, part: Part, radius: usize, mask: MaskName) -> Self {
        let suffix = if mask == MaskName::Radial { String::new() } else { format!("_{}", mask.as_str()) };
        let (folder, stem) = (root.join("dft"), format!("test_data_{}_{radius}{suffix}", part.as_str()));
        Self {
            images: folder.join(format!("{stem}.npy")),
            labels: folder.join("test_label.npy"),
            sheet: folder.join(stem),
        }
    }
}
