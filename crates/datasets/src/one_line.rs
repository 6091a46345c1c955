//! Texts of files and folders in messages, which are one line whatever those hold.

use std::path::{Path, PathBuf};

/// A text in a message: what would end a line or steer a terminal is written out.
pub(crate) fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(visible).collect()
}

/// A path in a message.
pub(crate) fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}

/// Paths in a message.
pub(crate) fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(" or ")
}
