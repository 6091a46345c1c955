//! What a measurement that was stopped has measured already.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use datasets::ImageSet;
use files::{Seal, seal, unseal};
use runs::results;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::Error;

/// How long work may take until it is kept: what a power failure costs.
pub(crate) const KEEP_EVERY: Duration = Duration::from_secs(20);

/// A file beside the results that holds finished rows and the sums of the row that is measured; gone once all rows are there.
///
/// What it holds is used again only if the images, the settings and the checkpoint file are the same, byte for byte.
#[derive(Debug)]
pub struct PartialMeasure {
    images: ImageSet,
    path: PathBuf,
    content: Content,
    found: Content,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    settings: String,
    rows: Vec<Entry>,
    current: Option<Entry>,
    /// Damaged images that were left out so far.
    left_out: Vec<(usize, String)>,
}

/// What belongs to a checkpoint: a row has its epoch as number, one of several parts of a checkpoint its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    checksum: u32,
    number: usize,
    value: Value,
}

impl PartialMeasure {
    /// The file of a measure of these images in a folder; one of other settings, or that cannot be read or is damaged, counts as absent.
    pub(crate) fn open(images: &ImageSet, output: &Path, name: &str, settings: String) -> Self {
        let path = output.join(results::partial_measure(name));
        let text = files::read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let intact = text.filter(|text| unseal(text, b"") == Seal::Intact);
        let stored = intact.and_then(|text| serde_json::from_str::<Content>(&text).ok());
        let found = stored.filter(|content| content.settings == settings).unwrap_or_default();
        images.note_left_out(found.left_out.clone());
        Self { images: images.clone(), path, content: Content { settings, ..Content::default() }, found }
    }

    /// What is kept holds for this.
    pub(crate) fn settings(&self) -> &str {
        &self.content.settings
    }

    /// The row of this checkpoint, if it was measured before.
    pub(crate) fn row(&self, checksum: u32, number: usize) -> Option<&Value> {
        let row = self.found.rows.iter().find(|entry| entry.is_of(checksum, number));
        row.map(|entry| &entry.value)
    }

    /// How far this checkpoint was measured, if the file says so in the form of `like`.
    pub(crate) fn progress(&self, checksum: u32, number: usize, like: &Value) -> Option<&Value> {
        let current = self.found.current.as_ref().filter(|entry| entry.is_of(checksum, number))?;
        has_form(&current.value, like).then_some(&current.value)
    }

    /// Keeps how far a checkpoint is measured.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn keep(&mut self, checksum: u32, number: usize, value: Value) -> Result<(), Error> {
        self.content.current = Some(Entry { checksum, number, value });
        self.write()
    }

    /// Adds a finished row.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn push(&mut self, checksum: u32, number: usize, value: Value) -> Result<(), Error> {
        self.content.rows.push(Entry { checksum, number, value });
        self.content.current = None;
        self.write()
    }

    fn write(&mut self) -> Result<(), Error> {
        self.content.left_out = self.images.left_out_of(0..self.images.len());
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

impl Entry {
    fn is_of(&self, checksum: u32, number: usize) -> bool {
        self.checksum == checksum && self.number == number
    }
}

/// What was kept, if it can be read as this.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// Whether a value has the members and the lengths of another: a damaged file must not give lists that are too short.
fn has_form(value: &Value, like: &Value) -> bool {
    match (value, like) {
        (Value::Object(value), Value::Object(like)) => {
            value.len() == like.len()
                && like.iter().all(|(key, like)| value.get(key).is_some_and(|value| has_form(value, like)))
        }
        (Value::Array(value), Value::Array(like)) => {
            value.len() == like.len() && value.iter().zip(like).all(|(value, like)| has_form(value, like))
        }
        // What the first batch makes known.
        (Value::Object(_), Value::Null) => true,
        (value, like) => std::mem::discriminant(value) == std::mem::discriminant(like),
    }
}

#[cfg(test)]
mod tests {
    use datasets::{
        BatchOptions, OnCorrupt,
        folder::{self, Options},
        synthetic::Synthetic,
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_holds_for_the_same_file_and_settings_alone() -> Result<(), Box<dyn std::error::Error>> {
        let (folder, images) =
            (tempfile::tempdir()?, Synthetic { seed: 0, train: 0, test: 10 }.generate().test);
        let open =
            |settings: &str| PartialMeasure::open(&images, folder.path(), "sensitivity", settings.to_owned());
        let mut first = open("a");
        first.push(7, 0, json!([1]))?;
        first.keep(8, 1, json!({ "sums": [1, 2] }))?;
        let again = open("a");
        assert_eq!(again.row(7, 0), Some(&json!([1])));
        assert!(again.row(8, 0).is_none() && again.row(7, 1).is_none());
        let like = json!({ "sums": [0, 0] });
        assert_eq!(again.progress(8, 1, &like), Some(&json!({ "sums": [1, 2] })));
        assert!(again.progress(7, 1, &like).is_none());
        for other in
            [json!({ "sums": [0] }), json!({ "sum": [0, 0] }), json!([0, 0]), json!({ "sums": ["0", 0] })]
        {
            assert!(again.progress(8, 1, &other).is_none(), "{other}");
        }
        assert!(again.progress(8, 1, &Value::Null).is_some(), "known after the first batch");
        let other = open("b");
        assert!(other.row(7, 0).is_none() && other.progress(8, 1, &like).is_none());
        let path = folder.path().join("sensitivity.partial.json");
        let whole = std::fs::read_to_string(&path)?;
        std::fs::write(&path, whole.replace("[1]", "[3]"))?;
        assert!(open("a").row(7, 0).is_none(), "damaged");
        again.remove()?;
        assert!(open("a").row(7, 0).is_none());
        Ok(())
    }

    #[test]
    fn images_that_were_left_out_before_a_stop_are_known_after_it() -> Result<(), Box<dyn std::error::Error>>
    {
        let folder = tempfile::tempdir()?;
        let pixels = [7; 12 * 10 * 3];
        for (name, content) in [("a", [&b"P6 12 10 255\n"[..], &pixels].concat()), ("b", b"P6 12".to_vec())] {
            std::fs::create_dir_all(folder.path().join("images").join(name))?;
            std::fs::write(folder.path().join("images").join(name).join("1.ppm"), content)?;
        }
        let images = || {
            let options = Options { side: Some(8), on_corrupt: OnCorrupt::Skip, ..Options::default() };
            folder::load(folder.path().join("images"), options).map(|found| found.test)
        };
        let open = |images: &ImageSet, settings: &str| {
            PartialMeasure::open(images, folder.path(), "sensitivity", settings.to_owned())
        };
        let before = images()?;
        let mut partial = open(&before, "a");
        assert_eq!(before.batches(BatchOptions::default()).next().ok_or("a batch")??.len(), 1);
        partial.keep(7, 0, json!({ "batch": 1 }))?;
        for (settings, count) in [("a", 1), ("b", 0)] {
            let after = images()?;
            open(&after, settings);
            assert_eq!(after.left_out().len(), count, "{settings}");
        }
        Ok(())
    }
}
