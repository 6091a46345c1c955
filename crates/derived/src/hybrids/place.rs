//! The folder of hybrids and copies: what is there already, and how it is replaced.

use std::path::{Path, PathBuf};

use datasets::frequency;
use files::FolderLock;

use super::{
    made::{Made, Pending},
    names::{self, CopyFiles, HybridFiles},
};
use crate::{Error, folders};

/// The file that names images while they take their places.
const NOTE: &str = ".unfinished.json";

/// Where images go, and the labels that they have.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) hybrids: HybridFiles,
    pub(super) hybrid_labels: Vec<i64>,
    pub(super) copies: Vec<CopyFiles>,
    pub(super) copy_labels: Vec<i64>,
}

impl Place {
    /// Rejects what would replace images, or the labels of images, that are there.
    ///
    /// # Errors
    /// If there are some and they may not be overwritten.
    pub(super) fn may_write(&self, overwrite: bool) -> Result<(), Error> {
        if overwrite {
            return Ok(());
        }
        let unfinished = self.unfinished()?;
        for (images, (labels, numbers)) in self.images().zip(self.labels()) {
            if images.exists() && !unfinished.contains(images) {
                return Err(Error::ImagesExist { images: images.clone() });
            }
            if is_of_others(labels, numbers) && unfinished.is_empty() {
                return Err(Error::OtherLabels { labels: labels.to_owned() });
            }
        }
        Ok(())
    }

    /// Locks the folders, the inner one first in the list.
    ///
    /// # Errors
    /// If one cannot be made, or another program writes to it.
    pub(super) fn take(&self) -> Result<Vec<FolderLock>, Error> {
        let below = self.copies.first().and_then(|files| files.images.parent());
        let each = [Some(self.folder.as_path()), below].into_iter().flatten();
        let mut locks = each.map(FolderLock::take).collect::<Result<Vec<_>, _>>()?;
        // Given up from within: the outer folder goes only once the inner one has.
        locks.reverse();
        Ok(locks)
    }

    /// Removes what is to be replaced: with other labels all images that they belonged to.
    ///
    /// # Errors
    /// If a file cannot be removed.
    fn remove_other_images(&self) -> Result<(), Error> {
        for (labels, numbers) in self.labels() {
            if !is_of_others(labels, numbers) {
                continue;
            }
            let folder = labels.parent().unwrap_or(&self.folder);
            let found = files::entries(folder)?.into_iter();
            for path in found.filter(|path| names::is_ours(&folders::name(path))) {
                files::remove_file(&path)?;
            }
            files::remove_file(labels)?;
        }
        Ok(())
    }

    /// Puts images that are written aside in their places. Meanwhile a note says which: whoever is killed may begin again.
    ///
    /// # Errors
    /// If a file cannot be written or replaced.
    pub(super) fn replace(&self, pending: Vec<Pending>) -> Result<Vec<Made>, Error> {
        let names: Vec<String> = self.images().map(|path| folders::name(path)).collect();
        let note = self.note();
        let content =
            serde_json::to_vec(&names).map_err(Error::damaged(&note, "list of unfinished images"))?;
        files::write_atomically(&note, &content)?;
        self.remove_other_images()?;
        let made = pending.into_iter().map(Pending::finish).collect::<Result<_, _>>()?;
        files::remove_file(&note)?;
        Ok(made)
    }

    fn note(&self) -> PathBuf {
        self.folder.join(NOTE)
    }

    /// The images that a program was putting in their places when it was killed; they may be replaced.
    fn unfinished(&self) -> Result<Vec<PathBuf>, Error> {
        let names = unfinished(&self.folder)?;
        Ok(self.images().filter(|path| names.contains(&folders::name(path))).cloned().collect())
    }

    /// The files of images, those of the hybrids first.
    fn images(&self) -> impl Iterator<Item = &PathBuf> {
        let copies = self.copies.iter().map(|files| &files.images);
        [&self.hybrids.images].into_iter().chain(copies)
    }

    /// The files of labels and what they are to hold, those of the hybrids first.
    fn labels(&self) -> impl Iterator<Item = (&Path, &[i64])> {
        let copies = self.copies.iter().map(|files| (files.labels.as_path(), self.copy_labels.as_slice()));
        [(self.hybrids.labels.as_path(), self.hybrid_labels.as_slice())].into_iter().chain(copies)
    }
}

/// The names of images that a program was putting in their places in a folder when it was killed.
fn unfinished(folder: &Path) -> Result<Vec<String>, Error> {
    let content = files::read_if_there(&folder.join(NOTE))?.unwrap_or_default();
    Ok(serde_json::from_slice(&content).unwrap_or_default())
}

/// Whether a program was putting these images, among others, in their places when it was killed.
pub(super) fn is_unfinished(folder: &Path, images: &Path) -> Result<bool, Error> {
    Ok(unfinished(folder)?.contains(&folders::name(images)))
}

/// Whether a file of labels is there and has others; a damaged one has.
fn is_of_others(path: &Path, labels: &[i64]) -> bool {
    path.exists() && frequency::read_numbers(path).map_or(true, |found| found != labels)
}
