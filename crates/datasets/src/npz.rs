//! NumPy's archives of arrays: zip files whose members are plain or deflated.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config},
    result::ZipError,
};

use crate::{
    Error,
    kind::Kind,
    npy::Stream,
    packed::{most_unpacked, open_regular},
};

const SUFFIX: &str = ".npy";

/// An archive whose list of members is read.
pub(crate) struct Npz {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    /// Bytes that members may still unpack to, all together.
    left: Cell<u64>,
}

impl Npz {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let (_, size) = open_regular(path)?;
        // Places count from the start; zip 9.8 may guess another one for archives of members beyond 4 GiB.
        let at_start = Config { archive_offset: ArchiveOffset::Known(0) };
        let open = |config| -> Result<_, Error> {
            let (file, _) = open_regular(path)?;
            Ok(ZipArchive::with_config(config, BufReader::new(file)))
        };
        let archive = match open(at_start)? {
            Ok(archive) if !archive.is_empty() => archive,
            _ => open(Config::default())?.map_err(|error| unreadable(path, error))?,
        };
        Ok(Self { path: path.to_path_buf(), archive, left: Cell::new(most_unpacked(size)) })
    }

    /// The arrays' names, in the archive's order.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().filter_map(Result::ok);
        names.filter_map(|name| name.strip_suffix(SUFFIX).map(str::to_owned)).collect()
    }

    /// The array of a name.
    pub(crate) fn array(&mut self, name: &str) -> Result<Stream<'_>, Error> {
        let path = self.path.join(format!("{name}{SUFFIX}"));
        let refused = |found: String, remedy| Error::Content {
            path: path.clone(),
            found,
            expected: "a plain or deflated array".to_owned(),
            remedy,
        };
        let index = self.archive.index_for_name(&format!("{name}{SUFFIX}"));
        let index = index.ok_or_else(|| refused("nothing".to_owned(), AGAIN))?;
        let member = self.archive.by_index_raw(index).map_err(|error| unreadable(&self.path, error))?;
        let (size, method) = (member.size(), member.compression());
        if member.encrypted() {
            return Err(refused("an encrypted member".to_owned(), AGAIN));
        }
        let left = self.left.get().checked_sub(size);
        self.left.set(left.ok_or_else(|| {
            let remedy = "unpack the archive by hand if you trust it, and name the folder";
            refused(format!("{size} bytes, far more than images would unpack to"), remedy)
        })?);
        let expected = member.crc32();
        let content: Box<dyn Read + '_> = match method {
            CompressionMethod::Stored => Box::new(member),
            CompressionMethod::DEFLATE => {
                Box::new(flate2::bufread::DeflateDecoder::new(BufReader::with_capacity(1 << 16, member)))
            }
            method => return Err(refused(format!("a member compressed by {method:?}"), AGAIN)),
        };
        let checked = Checked { content: content.take(size), checksum: flate2::Crc::new(), expected };
        Stream::open(&path, checked, Some(size))
    }
}

const AGAIN: &str = "save it again with numpy.savez";

/// A member whose checksum is compared once all of it is read.
struct Checked<R> {
    content: io::Take<R>,
    checksum: flate2::Crc,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.checksum.update(&buffer[..read]);
        if self.content.limit() == 0 && self.checksum.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "data whose checksum is wrong"));
        }
        Ok(read)
    }
}

fn unreadable(path: &Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) if source.raw_os_error().is_some() => {
            Error::Read { path: path.to_path_buf(), source }
        }
        _ => {
            let kind = Kind::of_file(path);
            Error::Content {
                path: path.to_path_buf(),
                found: kind.map_or("no zip archive, or a damaged one", |kind| kind.name).to_owned(),
                expected: "an archive of arrays that numpy.savez wrote, or a folder of .npy files".to_owned(),
                remedy: kind.and_then(|kind| kind.remedy).unwrap_or(AGAIN),
            }
        }
    }
}
