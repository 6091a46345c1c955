//! The files in a zip archive, and where their bytes are in it.

use std::{fs::File, io::BufReader, path::Path};

use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config},
    result::ZipError,
};

use crate::{ArchiveError, Error, packed::open_regular};

/// A file or folder in an archive.
pub(crate) struct Member {
    /// Its path in the archive, as it stands there.
    pub(crate) name: String,
    pub(crate) kind: MemberKind,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Folder,
    /// A link, which is not followed.
    Link,
    /// A file that cannot be read, and what it is.
    Refused(String),
    /// Where its bytes start, how many they are, and how many they unpack to if they are compressed.
    File {
        start: u64,
        packed: u64,
        deflated: Option<u64>,
    },
}

/// Lists an archive.
///
/// # Errors
/// [`Error::Archive`] if it is none, or [`Error::Read`].
pub(crate) fn members(path: &Path) -> Result<Vec<Member>, Error> {
    let (file, size) = open_regular(path)?;
    let mut archive = open(BufReader::new(file)).map_err(|error| failed(path, error))?;
    let mut members = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| failed(path, error))?;
        let name = file.name().map_err(|error| failed(path, error))?.into_owned();
        let kind = match file.compression() {
            _ if file.is_dir() => MemberKind::Folder,
            _ if file.is_symlink() => MemberKind::Link,
            _ if file.encrypted() => MemberKind::Refused("encrypted".to_owned()),
            method @ (CompressionMethod::STORE | CompressionMethod::DEFLATE) => {
                let (start, packed) = (file.data_start().unwrap_or(size), file.compressed_size());
                let deflated = (method == CompressionMethod::DEFLATE).then_some(file.size());
                match start.checked_add(packed) {
                    Some(end) if end <= size => MemberKind::File { start, packed, deflated },
                    _ => MemberKind::Refused("said to lie outside of the archive".to_owned()),
                }
            }
            method => MemberKind::Refused(format!("compressed by {method}, which is not read here")),
        };
        members.push(Member { name, kind });
    }
    Ok(members)
}

/// The archive as it says it is; what was put before one makes its own places wrong.
fn open(mut file: BufReader<File>) -> Result<ZipArchive<BufReader<File>>, ZipError> {
    let at_start = Config { archive_offset: ArchiveOffset::Known(0) };
    let is_at_start = ZipArchive::with_config(at_start, &mut file).is_ok_and(|archive| !archive.is_empty());
    ZipArchive::with_config(if is_at_start { at_start } else { Config::default() }, file)
}

fn failed(path: &Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) if source.raw_os_error().is_some() => {
            Error::Read { path: path.to_path_buf(), source }
        }
        _ => Error::Archive(ArchiveError::OtherFile {
            path: path.to_path_buf(),
            found: "a zip archive that is cut short or damaged",
        }),
    }
}
