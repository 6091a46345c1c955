//! Tables of images in Arrow files: a row has the bytes of an image file and a label, as `save_to_disk` of Python's `datasets` writes them.
//!
//! Images stay in the file: what is read is where they are. Only what leads there is looked at: messages ([`messages`]), their FlatBuffers
//! tables ([`flat`]), the columns ([`schema`]), and of each batch of rows the places and labels ([`batch`]). Both forms of the format are
//! read, stream and file; bodies are not compressed.
//!
//! Source: <https://arrow.apache.org/docs/format/Columnar.html>.

mod batch;
mod failed;
mod flat;
mod messages;
mod schema;

use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
};

use self::{
    failed::Failed,
    messages::{Content, Messages},
    schema::Schema,
};
use crate::{Error, packed::open_regular};

/// A file whose columns are known.
pub(crate) struct ArrowTable {
    path: PathBuf,
    file: File,
    size: u64,
    schema: Schema,
}

impl ArrowTable {
    /// Opens a file; the first of `labels` that is a column is the one that is read. A text that is kept beside the table under `key` is
    /// read too.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Batch`] if it is damaged, [`Error::Table`] if it is no table of images with labels.
    pub(crate) fn open(path: &Path, labels: &[&str], key: &str) -> Result<Self, Error> {
        let (file, size) = open_regular(path)?;
        let schema = schema(&file, size, labels, key).map_err(|failed| failed.of(path))?;
        Ok(Self { path: path.to_path_buf(), file, size, schema })
    }

    /// The name of the column of labels.
    pub(crate) fn label_column(&self) -> &str {
        &self.schema.label_column
    }

    /// The text that is kept beside the table.
    pub(crate) fn text(&self) -> Option<&str> {
        self.schema.text.as_deref()
    }

    /// Gives the rows to `take`: the number of the row, where its image is in the file, the label.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`Error::Table`], or [`Error::Batch`] with what `take` says is wrong with a row.
    pub(crate) fn each(
        &self,
        mut take: impl FnMut(usize, Range<u64>, i64) -> Result<(), String>,
    ) -> Result<(), Error> {
        self.rows(&mut take).map_err(|failed| failed.of(&self.path))
    }

    fn rows(
        &self,
        take: &mut impl FnMut(usize, Range<u64>, i64) -> Result<(), String>,
    ) -> Result<(), Failed> {
        let (mut messages, mut row) = (Messages::new(&self.file, self.size)?, 0);
        while let Some(message) = messages.next()? {
            let Content::Rows(table) = message.content()? else { continue };
            for (image, label) in batch::rows(&self.file, row as u64, table, &message.body, &self.schema)? {
                take(row, image, label).map_err(|found| Failed::Damaged(format!("{found} in row {row}")))?;
                row += 1;
            }
        }
        Ok(())
    }
}

fn schema(file: &File, size: u64, labels: &[&str], key: &str) -> Result<Schema, Failed> {
    let first = Messages::new(file, size)?.next()?.ok_or_else(|| Failed::damaged("no message"))?;
    match first.content()? {
        Content::Schema(table) => Schema::read(table, labels, key),
        _ => Err(Failed::damaged("a first message that is no schema")),
    }
}
