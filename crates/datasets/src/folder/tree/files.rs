//! The files of a tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Error, Note,
    folder::names,
    images::store::{Place, Store},
    skipped::Skipped,
};

/// More bytes than any list of labels has.
const LONGEST_TEXT: u64 = 256 << 20;

/// A file: its path below the root, and where its bytes are.
#[derive(Debug, Clone)]
pub(in crate::folder) struct TreeFile {
    pub(in crate::folder) name: String,
    pub(in crate::folder) place: Place,
}

/// A text: its path, and its bytes.
type Text = (PathBuf, Vec<u8>);

/// The files below a root.
pub(in crate::folder) struct Tree {
    pub(in crate::folder) root: PathBuf,
    pub(in crate::folder) store: Store,
    /// Images of the kinds that are read, in no order.
    pub(in crate::folder) images: Vec<TreeFile>,
    /// Texts.
    pub(in crate::folder) texts: Vec<TreeFile>,
    /// Folders, with or without images.
    pub(in crate::folder) folders: Vec<String>,
    pub(super) skipped: Kinds,
}

/// What is not taken.
#[derive(Default)]
pub(super) struct Kinds {
    /// Images of kinds that are not read.
    unread: Skipped,
    /// Links in an archive.
    pub(super) links: Skipped,
    /// What other programs left.
    pub(super) foreign: Skipped,
    /// Archives without a mark at their end.
    pub(super) unended: Skipped,
}

impl Tree {
    /// Nothing below a root so far.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            store: Store::default(),
            images: Vec::new(),
            texts: Vec::new(),
            folders: Vec::new(),
            skipped: Kinds::default(),
        }
    }

    /// What was not taken.
    pub(in crate::folder) fn notes(&self) -> Vec<Note> {
        let Kinds { unread, links, foreign, unended } = &self.skipped;
        let unread = unread.clone().found().map(|(count, first)| Note::UnreadKinds { count, first });
        let links = links.clone().found().map(|(count, first)| Note::LinksInArchive { count, first });
        let foreign = foreign.clone().found().map(|(count, first)| Note::PassedOver { count, first });
        let unended = unended.clone().found().map(|(_, first)| Note::NoEnd { first });
        unread.into_iter().chain(links).chain(foreign).chain(unended).collect()
    }

    /// The first image of a kind that is not read.
    pub(in crate::folder) fn unread(&self) -> Option<String> {
        self.skipped.unread.clone().found().map(|(_, first)| first)
    }

    /// The bytes of the text whose path ends so, if there is one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(in crate::folder) fn text(&self, ending: &str) -> Result<Option<Text>, Error> {
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
        Ok(Some((path, bytes.into_owned())))
    }

    /// Takes a file if it is an image or a text.
    pub(super) fn add(
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
