//! The images below a root, and the texts that may have their labels: names, and where the bytes are.
//!
//! A root is a folder or an archive. An archive in a folder, or in an archive, stands for a folder.

mod archive;
mod files;
mod walk;

use std::path::Path;

pub(super) use self::files::{Tree, TreeFile};
use crate::{Error, images::store::Store};

impl Tree {
    /// Lists a folder or an archive; links out of a folder are followed or refused.
    ///
    /// # Errors
    /// [`Error::LinkOut`], [`Error::BrokenClass`], [`Error::Archive`], [`Error::NoArchive`], [`Error::Member`] or [`Error::Read`].
    pub(super) fn read(root: &Path, follows_links: bool) -> Result<Self, Error> {
        let mut tree = Self {
            root: root.to_path_buf(),
            store: Store::default(),
            images: Vec::new(),
            texts: Vec::new(),
            folders: Vec::new(),
            skipped: files::Kinds::default(),
        };
        match root.is_file() {
            true => tree.add_archive(root, "")?,
            false => walk::folder(&mut tree, follows_links)?,
        }
        Ok(tree)
    }
}
