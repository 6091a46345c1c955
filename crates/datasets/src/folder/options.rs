//! How images are read, and how they lie on disk.

use std::path::PathBuf;

use crate::{Interpolation, Limits, OnCorrupt, Resize, cifar::Labels};

/// Bytes of pixels up to which a part of a data set is kept decoded.
pub const IN_MEMORY: usize = 1 << 30;

/// The side of images that are not all of one square size, if none is asked for.
pub const SIDE: usize = 224;

/// How a folder is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Rows and columns of an image; without it those of the images if most are squares of one size, else [`SIDE`].
    pub side: Option<usize>,
    /// What images are resized to before the middle is cut out; without it a shorter side of 256 for a side of 224, and in this
    /// proportion for others.
    pub resize: Option<Resize>,
    /// By which filter images are resized.
    pub interpolation: Interpolation,
    /// How many images.
    pub limits: Limits,
    /// What becomes of damaged ones.
    pub on_corrupt: OnCorrupt,
}

/// How the images lie below a root, as far as their names do not say it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Whether links out of the root are followed. Without, they are refused: a data set from elsewhere may hold any.
    pub follows_links: bool,
    /// A list of the labels of test images that lie in no folder of a class: `name class` a line, or a class a line in the order of
    /// the names; a class is a folder's name, or its place from 0.
    pub val_labels: Option<PathBuf>,
    /// What part of the images of each class is split off as test images, where there are no others: above 0 and below 1.
    pub val_fraction: Option<f64>,
    /// The seed of which these are.
    pub val_seed: u64,
    /// Which labels of a table that has two kinds of them, as CIFAR-100 does: in `label`, `labels` or `fine_label`, or in `coarse_label`.
    pub labels: Labels,
}
