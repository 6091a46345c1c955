//! What images a network is made for.

use std::fmt;

/// What images a network is made for: the same name means one network for small images and another for large ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// About 32 pixels, as the CIFAR models of the `robustness` library.
    Cifar,
    /// About 224 pixels, as torchvision's models.
    Imagenet,
}

impl Family {
    /// The family for images with this many rows and columns: that for larger ones above 64.
    ///
    /// ```
    /// use models::Family;
    ///
    /// assert_eq!([[32, 32], [64, 64], [96, 80]].map(Family::for_size), [Family::Cifar, Family::Cifar, Family::Imagenet]);
    /// ```
    pub fn for_size([height, width]: [usize; 2]) -> Self {
        if height.max(width) <= 64 { Self::Cifar } else { Self::Imagenet }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Cifar => "cifar",
            Self::Imagenet => "imagenet",
        })
    }
}
