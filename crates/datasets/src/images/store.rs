//! Where the bytes of images are: in files of their own, in archives, or in memory.

use std::{
    borrow::Cow,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{Error, packed::open_regular};

/// More than any photograph takes.
pub(crate) const LARGEST: u64 = 1 << 28;

/// Bytes of encoded images that are kept in memory, at most.
pub(crate) const MOST_IN_MEMORY: u64 = 4 << 30;

/// How much of each end of an image a checksum takes.
const END: u64 = 4096;

/// Where the bytes of an image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file of its own, which is found by its name.
    File,
    /// In one of the store's archives, as they are.
    Piece { archive: u32, start: u64, size: u64 },
    /// In one of the store's archives, compressed by DEFLATE.
    Deflated { archive: u32, start: u64, packed: u64, size: u64 },
    /// In memory.
    Memory(u32),
}

/// What places refer to.
#[derive(Default)]
pub(crate) struct Store {
    archives: Vec<PathBuf>,
    /// Image by image: a single piece of memory would be copied as it grows.
    memory: Vec<Box<[u8]>>,
    bytes: u64,
}

impl Store {
    /// Adds an archive; gives its number.
    pub(crate) fn archive(&mut self, path: &Path) -> u32 {
        self.archives.push(path.to_path_buf());
        self.archives.len() as u32 - 1
    }

    /// Keeps an image in memory.
    ///
    /// # Errors
    /// If it is too large, or there are too many; the text says what was found.
    pub(crate) fn keep(&mut self, bytes: Vec<u8>) -> Result<Place, String> {
        let size = bytes.len() as u64;
        if size > LARGEST {
            return Err(format!("an image of {size} bytes, more than {LARGEST}"));
        }
        self.bytes += size;
        if self.bytes > MOST_IN_MEMORY {
            return Err(format!(
                "more than {MOST_IN_MEMORY} bytes of images, which a compressed file may not have (unpack it)"
            ));
        }
        self.memory.push(bytes.into_boxed_slice());
        Ok(Place::Memory(self.memory.len() as u32 - 1))
    }

    /// The bytes at a place; those of a file of its own are at `path`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] about the image, [`Error::Read`] about the file that it is in.
    pub(crate) fn bytes(&self, place: Place, path: &Path) -> Result<Cow<'_, [u8]>, Error> {
        let corrupt = |problem| Error::Corrupt { path: path.to_path_buf(), problem };
        match place {
            Place::File => {
                let (file, size) = open_regular(path).map_err(|error| no_file(path).unwrap_or(error))?;
                check_size(size).map_err(corrupt)?;
                all(path, file, size).map(Cow::Owned)
            }
            Place::Piece { archive, start, size } => {
                check_size(size).map_err(corrupt)?;
                let (archive, file) = self.open(archive, start)?;
                all(archive, file, size).map(Cow::Owned)
            }
            Place::Deflated { archive, start, packed, size } => {
                check_size(size.max(packed)).map_err(corrupt)?;
                let (archive, file) = self.open(archive, start)?;
                let packed = all(archive, file, packed)?;
                inflate(&packed, size).map(Cow::Owned).map_err(corrupt)
            }
            Place::Memory(number) => Ok(Cow::Borrowed(&self.memory[number as usize])),
        }
    }

    /// A checksum of the size of an image and, if its file is opened, of its first and last bytes; of all bytes that are in memory.
    /// A file that cannot be read is reported when it is decoded.
    pub(crate) fn fingerprint(&self, place: Place, path: &Path, is_opened: bool) -> u32 {
        let (path, start, size) = match place {
            Place::Memory(number) => return crc32c::crc32c(&self.memory[number as usize]),
            Place::File => (path, 0, std::fs::metadata(path).map_or(0, |found| found.len())),
            Place::Piece { archive, start, size } | Place::Deflated { archive, start, packed: size, .. } => {
                (self.archives[archive as usize].as_path(), start, size)
            }
        };
        let sum = crc32c::crc32c(&size.to_le_bytes());
        let ends = if is_opened { ends(path, start, size).unwrap_or_default() } else { Vec::new() };
        crc32c::crc32c_append(sum, &ends)
    }

    /// An archive from a place on.
    fn open(&self, archive: u32, start: u64) -> Result<(&Path, File), Error> {
        let path = self.archives[archive as usize].as_path();
        let (mut file, _) = open_regular(path)?;
        let sought = file.seek(SeekFrom::Start(start));
        sought.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
        Ok((path, file))
    }
}

/// The error of an image that is not a file: it counts as damaged, as one with wrong bytes, unlike a failing disk.
fn no_file(path: &Path) -> Option<Error> {
    let problem = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => return None,
        Ok(found) if found.is_dir() => "it is a folder, and no image is in it".to_owned(),
        Ok(_) => "it is a pipe or a device".to_owned(),
        Err(error) => {
            // What is not even a link went away since the folder was listed.
            let target = std::fs::read_link(path).ok()?;
            let target = target.display();
            match error.kind() {
                std::io::ErrorKind::NotFound => format!("it is a link to {target}, which is not there"),
                std::io::ErrorKind::PermissionDenied => return None,
                _ => format!("it is a link to {target}, which cannot be followed"),
            }
        }
    };
    Some(Error::Corrupt { path: path.to_path_buf(), problem })
}

fn check_size(size: u64) -> Result<(), String> {
    if size > LARGEST { Err(format!("it has {size} bytes, more than {LARGEST}")) } else { Ok(()) }
}

/// The next bytes of a file, or as many as there are.
fn all(path: &Path, file: File, size: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(size as usize);
    let read = file.take(size).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    Ok(bytes)
}

fn inflate(packed: &[u8], size: u64) -> Result<Vec<u8>, String> {
    // Memory grows with what is there, not with what is promised.
    let mut bytes = Vec::with_capacity((size as usize).min(packed.len() * 2));
    let stream = flate2::bufread::DeflateDecoder::new(packed);
    let read = stream.take(size + 1).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() as u64 == size => Ok(bytes),
        Ok(_) => Err(format!("its compressed bytes are not the {size} that the archive names")),
        Err(error) => Err(format!("its compressed bytes are damaged ({error})")),
    }
}

/// The first and the last bytes of a file, or of a place in an archive.
fn ends(path: &Path, start: u64, size: u64) -> Result<Vec<u8>, Error> {
    let (mut file, _) = open_regular(path)?;
    let mut bytes = Vec::new();
    for from in [0, size.saturating_sub(END)] {
        let read = file.seek(SeekFrom::Start(start + from));
        let read = read.and_then(|_| file.by_ref().take(END.min(size)).read_to_end(&mut bytes));
        read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    }
    Ok(bytes)
}
