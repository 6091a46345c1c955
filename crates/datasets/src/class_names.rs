//! Class names: a text with one a line, or numbers.

use std::{fs::File, io::Read, path::Path, sync::Arc};

use crate::Error;

/// More than any list of class names takes.
pub(crate) const LONGEST: u64 = 1 << 20;

/// The content of a file of names; nothing if the file is missing. What lies beyond [`LONGEST`] is not read.
pub(crate) fn content(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_path_buf(), source }),
    }
}

/// The names in a text, one a line, blank lines left out.
pub(crate) fn parse(path: &Path, bytes: &[u8], expected: usize) -> Result<Arc<[String]>, Error> {
    let names = lines(path, bytes, expected)?;
    if names.len() == expected { Ok(names) } else { Err(wrong(path, names.len().to_string(), expected)) }
}

/// The same of a text that may have more names than there are labels.
pub(crate) fn parse_at_least(path: &Path, bytes: &[u8], least: usize) -> Result<Arc<[String]>, Error> {
    let names = lines(path, bytes, least)?;
    if names.len() >= least { Ok(names) } else { Err(wrong(path, names.len().to_string(), least)) }
}

fn lines(path: &Path, bytes: &[u8], expected: usize) -> Result<Arc<[String]>, Error> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| wrong(path, "something other than UTF-8 as".into(), expected))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect())
}

fn wrong(path: &Path, found: String, expected: usize) -> Error {
    Error::ClassNames { path: path.to_path_buf(), found, expected }
}

/// The names as everyone has them.
pub(crate) fn usual(names: &[&str]) -> Arc<[String]> {
    names.iter().map(|&name| name.to_owned()).collect()
}
