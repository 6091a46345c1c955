//! The rows of a data set's files: encoded images and labels.

use std::path::Path;

use super::cache::Snapshot;
use crate::{
    Error, Limits,
    cifar::Labels,
    folder::{Image, Listing},
    images::store::Store,
    parquet::ImageTable,
};

/// The columns of labels.
const FINE: [&str; 3] = ["label", "labels", "fine_label"];
const COARSE: [&str; 1] = ["coarse_label"];

/// More classes than any data set of images has.
const MOST_CLASSES: usize = 1 << 16;

/// The key of what Python's `datasets` keeps in its files.
const KEY: &str = "huggingface";

/// Encoded images of all parts.
#[derive(Default)]
struct Rows {
    store: Store,
    /// The names of the classes, if a file has them.
    names: Option<Vec<String>>,
    /// One more than the largest label.
    classes: usize,
}

/// Reads the encoded images of a data set.
pub(super) fn listing(snapshot: Snapshot, labels: Labels, limits: Limits) -> Result<Listing, Error> {
    let Snapshot { folder, train, test } = snapshot;
    let columns = if labels == Labels::Coarse { &COARSE[..] } else { &FINE };
    let mut rows = Rows::default();
    let train = rows.part(&folder, &train, columns, limits.train)?;
    let test = rows.part(&folder, &test, columns, limits.test)?;
    let classes = rows.names.unwrap_or_else(|| (0..rows.classes).map(|class| class.to_string()).collect());
    let (root, store) = (folder, rows.store);
    Ok(Listing { root, store, classes, train, test, notes: Vec::new() })
}

impl Rows {
    /// Reads files one after the other, until there are as many images as the limit says.
    fn part(
        &mut self,
        folder: &Path,
        files: &[String],
        columns: &[&str],
        limit: Option<usize>,
    ) -> Result<Vec<Image>, Error> {
        let mut images = Vec::new();
        for name in files {
            let left = limit.map(|limit| limit.saturating_sub(images.len()));
            if left == Some(0) {
                break;
            }
            let table = ImageTable::open(&folder.join(name), columns)?;
            if self.names.is_none() {
                self.names = table.text(KEY).and_then(|text| names(text, table.label_column()));
            }
            table.each(left, |row, image, label| {
                let label = self.label(label)?;
                let place = self.store.keep(image.to_vec())?;
                images.push(Image { name: format!("{name}[{row}]"), place, label });
                Ok(())
            })?;
        }
        Ok(images)
    }

    fn label(&mut self, label: i64) -> Result<u32, String> {
        let classes = self.names.as_ref().map_or(MOST_CLASSES, Vec::len);
        let known = u32::try_from(label).ok().filter(|&label| (label as usize) < classes);
        let known = known.ok_or_else(|| format!("label {label}, not 0 to {},", classes.saturating_sub(1)))?;
        self.classes = self.classes.max(known as usize + 1);
        Ok(known)
    }
}

/// The names of the classes in what Python's `datasets` keeps: `{"info": {"features": {"label": {"names": […]}}}}`.
fn names(text: &str, column: &str) -> Option<Vec<String>> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let names = value.get("info")?.get("features")?.get(column)?.get("names")?.as_array()?;
    let names: Option<Vec<String>> = names.iter().map(|name| Some(name.as_str()?.to_owned())).collect();
    names.filter(|names| !names.is_empty() && names.len() <= MOST_CLASSES)
}
