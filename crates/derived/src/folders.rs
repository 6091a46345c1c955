//! Names in folders.

use std::path::Path;

/// The last part of a path, as text.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
