//! The development kit of ImageNet (ILSVRC2012): its numbers of classes are not their places, and `meta.mat` says what they mean.

use std::{collections::HashMap, path::Path};

use crate::{
    Error,
    mat::{self, Record},
};

/// The WordNet numbers of the classes that images have, by the kit's own numbers.
///
/// # Errors
/// [`Error::Batch`] if the file is damaged, or of something else.
pub(super) fn classes(path: &Path, bytes: &[u8]) -> Result<HashMap<u32, String>, Error> {
    let variables = mat::read_bytes(path, bytes, &["synsets"])?;
    let records = variables.first().and_then(|(_, synsets)| synsets.records()).unwrap_or_default();
    let classes: HashMap<u32, String> = records.iter().filter_map(class).collect();
    if classes.is_empty() {
        let (path, found) = (path.to_path_buf(), "no list `synsets` of classes".to_owned());
        return Err(Error::Batch { path, found, expected: "that of ImageNet's development kit".to_owned() });
    }
    Ok(classes)
}

/// Number and name of a class; classes of classes have no images.
fn class(record: &Record<'_>) -> Option<(u32, String)> {
    let number = |field: &str| record.get(field)?.number();
    let id = number("ILSVRC2012_ID").filter(|id| (1.0..1e6).contains(id))?;
    (number("num_children")? == 0.0).then_some(())?;
    Some((id as u32, record.get("WNID")?.text()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_kit_are_classes() -> Result<(), Error> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/arrays/meta.mat");
        let bytes = std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let mut found: Vec<(u32, String)> = classes(&path, &bytes)?.into_iter().collect();
        found.sort_unstable();
        assert_eq!(found.first().map(|(number, name)| (*number, name.as_str())), Some((1, "n02119789")));
        assert!(classes(&path, &bytes[..200]).is_err());
        Ok(())
    }
}
