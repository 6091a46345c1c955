//! The images below a root, and the texts that may have their labels: names, and where the bytes are.
//!
//! A root is a folder or an archive. An archive in a folder, or in an archive, stands for a folder.

mod archive;
mod files;
mod walk;

use std::path::Path;

pub(super) use self::files::{Tree, TreeFile};
use crate::Error;

impl Tree {
    /// Lists a folder or an archive; links out of a folder are followed or refused.
    ///
    /// # Errors
    /// [`Error::LinkOut`], [`Error::BrokenClass`], [`Error::Archive`] or [`Error::Read`].
    pub(super) fn read(root: &Path, follows_links: bool) -> Result<Self, Error> {
        let mut tree = Self::new(root);
        match root.is_file() {
            true => tree.add_archive(root, "")?,
            false => walk::folder(&mut tree, follows_links)?,
        }
        Ok(tree)
    }

    /// Lists what is below a folder of the root.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn read_below(root: &Path, below: &str, follows_links: bool) -> Result<Self, Error> {
        let mut tree = Self::new(root);
        walk::below(&mut tree, below, follows_links)?;
        Ok(tree)
    }
}
