//! What the files of runs say of the program that wrote them.

use runs::Provenance;
use serde::Serialize;
use serde_json::{Map, Value};

/// The commit that this package was built from; empty where that is not known.
const COMMIT: &str = include_str!(concat!(env!("OUT_DIR"), "/commit"));

/// A program of this package.
pub(crate) fn provenance(command: &str) -> Provenance {
    Provenance {
        command: command.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: (!COMMIT.is_empty()).then(|| COMMIT.to_owned()),
    }
}

/// All flags of a program by their names, as its configuration has them.
///
/// # Errors
/// If a flag cannot be written as JSON.
pub(crate) fn settings(flags: &impl Serialize) -> Result<Map<String, Value>, serde_json::Error> {
    let settings = serde_json::to_value(flags)?;
    Ok(settings.as_object().cloned().unwrap_or_default())
}

/// The same for what the crate `derived` writes, with all flags of the program.
///
/// # Errors
/// If a flag cannot be written as JSON.
pub(crate) fn derived_provenance(
    command: &str,
    flags: &impl Serialize,
) -> Result<derived::Provenance, serde_json::Error> {
    let Provenance { command, version, git_commit } = provenance(command);
    let settings = settings(flags)?;
    Ok(derived::Provenance { command, version, git_commit, settings, ..derived::Provenance::default() })
}
