//! What can go wrong, by cause.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// What can go wrong with a file or folder.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// The system cannot do something with a file or folder.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    File { action: Action, path: PathBuf, source: io::Error },
    /// A folder, a pipe or a device in the place of a file.
    #[error("{path}: cannot read: it is {found}, expected a file", path = path.display())]
    NotAFile { path: PathBuf, found: FileKind },
    /// Another program writes to the folder.
    #[error("{folder}: another program is writing to this folder; wait for it or stop it, or let this one write elsewhere", folder = folder.display())]
    InUse { folder: PathBuf },
    /// The folder that a program writes to is not there any more.
    #[error("{folder}: this folder was removed, moved or replaced while the program was writing to it; nothing more is written there", folder = folder.display())]
    Gone { folder: PathBuf },
}

impl Error {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::File { path, .. }
            | Self::NotAFile { path, .. }
            | Self::InUse { folder: path }
            | Self::Gone { folder: path } => path,
        }
    }
}

/// What is done with a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // the names say it
pub enum Action {
    Create,
    Read,
    Write,
    Remove,
    CreateFolder,
    ReadFolder,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Remove => "remove",
            Self::CreateFolder => "create folder",
            Self::ReadFolder => "read folder",
        })
    }
}

/// What is there in the place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A folder.
    Folder,
    /// A pipe, a socket or a device.
    Special,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "a folder",
            Self::Special => "a pipe or a device",
        })
    }
}

/// Makes an [`Error::File`] of what the system reports.
///
/// ```
/// let path = std::path::Path::new("missing");
/// let error = std::fs::read_dir(path).map_err(files::failed(files::Action::ReadFolder, path)).expect_err("nothing is there");
/// assert!(error.to_string().starts_with("missing: cannot read folder: "));
/// ```
pub fn failed(action: Action, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}
