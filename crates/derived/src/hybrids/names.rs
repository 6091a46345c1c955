//! Which files there are, and what they are called.

use std::path::{Path, PathBuf};

use datasets::ImageSet;
use serde::{Deserialize, Serialize};
use spectral::Shape;

use super::mask;

/// The radius of the published hybrids, in cycles per image.
pub const RADIUS: usize = 12;

/// A part of the frequencies of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Frequencies below r.
    Low,
    /// Frequencies from r on.
    High,
}

impl Part {
    /// `low` or `high`, as files and folders carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

/// The files of the hybrids whose labels are those of the images that give one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HybridFiles {
    /// (N, H, W, C) u8, one for each training image, in their order.
    pub images: PathBuf,
    /// (N) i64; hybrids of all radii share them.
    pub labels: PathBuf,
    /// (N) i64: the training image that gives the other part.
    pub donors: PathBuf,
    /// What the hybrids were made of: see [`Origin`].
    pub origin: PathBuf,
    /// Where the contact sheet is, without its extension.
    pub sheet: PathBuf,
}

impl HybridFiles {
    /// Those in a folder; `keep` is the part whose image gives the label.
    pub fn at(folder: &Path, keep: Part, radius: usize) -> Self {
        let stem = format!("hybrid_{}_{radius}", keep.as_str());
        Self {
            images: folder.join(format!("{stem}.npy")),
            labels: folder.join("train_label.npy"),
            donors: folder.join(format!("{stem}_donor.npy")),
            origin: folder.join(format!("{stem}.json")),
            sheet: folder.join(stem),
        }
    }
}

/// What hybrids were made of, which shows whether they are stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The checksum of the images and labels: [`ImageSet::checksum`].
    pub images_checksum: u32,
    /// The seed of the pairs.
    pub seed: u64,
}

/// The files of the copies that keep a part of each image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFiles {
    /// (M, H, W, C) u8, one for each test image, in their order.
    pub images: PathBuf,
    /// (M) i64; copies of all kinds share them.
    pub labels: PathBuf,
    /// Where the contact sheet is, without its extension.
    pub sheet: PathBuf,
}

impl CopyFiles {
    /// Those in a folder. Copies by discs have the published names, those by other masks name theirs.
    pub fn at(folder: &Path, part: Part, radius: usize, mask: Shape) -> Self {
        let suffix = if mask == Shape::Radial { String::new() } else { format!("_{}", mask::name(mask)) };
        let (folder, stem) = (folder.join("dft"), format!("test_data_{}_{radius}{suffix}", part.as_str()));
        Self {
            images: folder.join(format!("{stem}.npy")),
            labels: folder.join("test_label.npy"),
            sheet: folder.join(stem),
        }
    }
}

/// Whether a file's name is one that [`HybridFiles`] and [`CopyFiles`] give to images, donors and sheets.
pub(super) fn is_ours(name: &str) -> bool {
    let has_stem = ["hybrid_high_", "hybrid_low_", "test_data_high_", "test_data_low_"];
    has_stem.iter().any(|stem| name.starts_with(stem)) && (name.ends_with(".npy") || name.ends_with(".png"))
}

/// The labels of a set as the files hold them.
pub(super) fn labels(set: &ImageSet) -> Vec<i64> {
    set.labels().iter().copied().map(i64::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_again() {
        let hybrids = HybridFiles::at(Path::new("set"), Part::Low, 9);
        let copies = CopyFiles::at(Path::new("set"), Part::High, 8, Shape::Square);
        assert!(copies.images.ends_with("dft/test_data_high_8_square.npy"));
        for path in [&hybrids.images, &hybrids.donors, &copies.images] {
            assert!(path.file_name().is_some_and(|name| is_ours(&name.to_string_lossy())), "{path:?}");
        }
        assert!(!is_ours("train_label.npy") && !is_ours("hybrid_low_notes.txt"));
    }
}
