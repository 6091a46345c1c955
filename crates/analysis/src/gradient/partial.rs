//! The rows of a gradient spectrum that an interrupted measurement has finished already.

use std::path::{Path, PathBuf};

use files::{Seal, seal, unseal};
use runs::results;
use serde::{Deserialize, Serialize};
use spectral::SpectrumRow;

use crate::Error;

/// A file beside the results that holds finished rows; gone once all rows are there.
///
/// A row is used again only if the same images were measured and the checkpoint file is the same, byte for byte.
#[derive(Debug)]
pub struct PartialRows {
    path: PathBuf,
    content: Content,
    found: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    settings: String,
    rows: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    checksum: u32,
    row: SpectrumRow,
}

impl PartialRows {
    /// Opens the file in `output`; a file of other settings, or one that cannot be read or is damaged, counts as absent.
    pub(crate) fn open(output: &Path, settings: String) -> Self {
        let path = output.join(results::PARTIAL);
        let text = files::read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let intact = text.filter(|text| unseal(text, b"") == Seal::Intact);
        let stored = intact.and_then(|text| serde_json::from_str::<Content>(&text).ok());
        let found = stored
            .filter(|content| content.settings == settings)
            .map_or_else(Vec::new, |content| content.rows);
        Self { path, content: Content { settings, rows: Vec::new() }, found }
    }

    /// The row of this checkpoint, if it was measured before.
    pub(crate) fn find(&self, checksum: u32, epoch: usize) -> Option<SpectrumRow> {
        let same = |entry: &&Entry| entry.checksum == checksum && entry.row.epoch == epoch;
        self.found.iter().find(same).map(|entry| entry.row.clone())
    }

    /// Adds a finished row to the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn keep(&mut self, checksum: u32, row: &SpectrumRow) -> Result<(), Error> {
        self.content.rows.push(Entry { checksum, row: row.clone() });
        let sealed = seal(&serde_json::to_string(&self.content)?, b"");
        Ok(files::write_atomically(&self.path, sealed.as_bytes())?)
    }

    /// Removes the file: the results are written.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn remove(self) -> Result<(), Error> {
        Ok(files::remove_file(&self.path)?)
    }
}
