//! The images below a root, and the texts that may have their labels: names, and where the bytes are.
//!
//! A root is a folder or an archive. An archive in a folder, or in an archive, stands for a folder.

mod archive;
mod walk;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::names::{self, Part};
use crate::{
    Error, Note,
    images::store::{Place, Store},
    skipped::Skipped,
};

/// More bytes than any list of labels has.
const LONGEST_TEXT: u64 = 256 << 20;

/// A file: its path below the root, and where its bytes are.
#[derive(Debug, Clone)]
pub(super) struct TreeFile {
    pub(super) name: String,
    pub(super) place: Place,
}

/// The files below a root.
pub(super) struct Tree {
    pub(super) root: PathBuf,
    pub(super) store: Store,
    /// Images of the kinds that are read, in no order.
    pub(super) images: Vec<TreeFile>,
    /// Texts.
    pub(super) texts: Vec<TreeFile>,
    /// Folders, with or without images.
    pub(super) folders: Vec<String>,
    skipped: Kinds,
}

/// What is not taken.
#[derive(Default)]
struct Kinds {
    /// Images of kinds that are not read.
    unread: Skipped,
    /// Links in an archive.
    links: Skipped,
    /// What other programs left.
    foreign: Skipped,
}

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
            skipped: Kinds::default(),
        };
        match root.is_file() {
            true => tree.add_archive(root, "")?,
            false => walk::folder(&mut tree, follows_links)?,
        }
        Ok(tree)
    }

    /// What was not taken.
    pub(super) fn notes(&self) -> Vec<Note> {
        let Kinds { unread, links, foreign } = &self.skipped;
        let unread = unread.clone().found().map(|(count, first)| Note::UnreadKinds { count, first });
        let links = links.clone().found().map(|(count, first)| Note::LinksInArchive { count, first });
        let foreign = foreign.clone().found().map(|(count, first)| Note::PassedOver { count, first });
        unread.into_iter().chain(links).chain(foreign).collect()
    }

    /// The text whose path ends so, if there is one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn text(&self, ending: &str) -> Result<Option<(PathBuf, String)>, Error> {
        let is_it = |file: &&TreeFile| {
            let before = file.name.strip_suffix(ending);
            before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        let Some(file) = self.texts.iter().filter(is_it).min_by_key(|file| (file.name.len(), &file.name))
        else {
            return Ok(None);
        };
        let path = self.root.join(&file.name);
        if file.place == Place::File && fs::metadata(&path).is_ok_and(|found| found.len() > LONGEST_TEXT) {
            let problem = format!("it has more than {LONGEST_TEXT} bytes");
            return Err(Error::Corrupt { path, problem });
        }
        let bytes = self.store.bytes(file.place, &path)?;
        Ok(Some((path, String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// Takes a file if it is an image or a text.
    fn add(
        &mut self,
        name: String,
        place: impl FnOnce(&mut Store) -> Result<Option<Place>, Error>,
    ) -> Result<(), Error> {
        let is_image = names::is_image(&name);
        if is_image && !names::is_read(&name) {
            self.skipped.unread.add(&name);
            return Ok(());
        }
        let is_taken = is_image || names::is_text(&name);
        if let Some(place) = is_taken.then(|| place(&mut self.store)).transpose()?.flatten() {
            let files = if is_image { &mut self.images } else { &mut self.texts };
            files.push(TreeFile { name, place });
        }
        Ok(())
    }
}

/// Whether a folder has one of the parts of a data set.
pub(super) fn has_parts(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| {
                entry.file_name().to_str().and_then(Part::of_folder).is_some() && entry.path().is_dir()
            })
        })
    })
}
