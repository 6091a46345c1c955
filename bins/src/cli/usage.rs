//! Command lines that cannot be used.

use std::path::Path;

/// A problem with the flags that only shows once they are put together, or once what they name is looked at.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Whether a path given on the command line exists; the error names flag and path.
pub(crate) fn must_exist(flag: &str, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    Err(UsageError(format!("{flag} {}: no such file or folder", path.display())).into())
}
