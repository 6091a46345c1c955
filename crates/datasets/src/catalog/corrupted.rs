//! The images of a data set with corruptions.

use std::path::{Path, PathBuf};

use progress::Progress;

use super::{name::Name, request::Request};
use crate::{Corruption, Error, ImageSet};

/// Test images with many corruptions, of a data set whose images without them are known.
///
/// CIFAR-10 has CIFAR-10-C, CIFAR-100 CIFAR-100-C, ImageNet ImageNet-C.
#[derive(Debug, Clone)]
pub struct CorruptedImages {
    request: Request,
    names: Vec<String>,
}

impl CorruptedImages {
    /// Looks for the corruptions in a folder or archive.
    ///
    /// # Errors
    /// [`Error::NoCorruptions`] if nobody has corrupted this data set, or as [`Request::open`].
    pub fn find(clean: &Request, root: &Path) -> Result<Self, Error> {
        let name = match clean.name {
            Name::Cifar10 => Name::Cifar10C,
            Name::Cifar100 => Name::Cifar100C,
            Name::ImageNet => Name::ImageNetC,
            _ => return Err(Error::NoCorruptions { name: clean.name.to_string() }),
        };
        let root: Option<PathBuf> = Some(root.to_path_buf());
        let request = Request { name, root, corruption: None, download: None, ..clean.clone() };
        match request.open(&Progress::default()) {
            Err(Error::Corruption { known, .. }) => Ok(Self { request, names: known }),
            Err(error) => Err(error),
            Ok(_) => Ok(Self { request, names: Vec::new() }),
        }
    }

    /// Their names, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The images with a corruption, in the order of the images without.
    ///
    /// # Errors
    /// As [`Request::open`].
    pub fn open(&self, corruption: &Corruption) -> Result<ImageSet, Error> {
        let request = Request { corruption: Some(corruption.clone()), ..self.request.clone() };
        Ok(request.open(&Progress::default())?.test)
    }
}
