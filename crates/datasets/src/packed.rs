//! Files that are read once from front to back: plain, or compressed by gzip, bzip2, xz or zstd, recognised by their first bytes.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use crate::{ArchiveError, Error};

/// What a compressed file may unpack to at least, and how many times its own size beyond that: photographs and CIFAR hardly
/// shrink, so what does is made to fill memory.
const LEAST: u64 = 64 << 20;
const MOST_TIMES: u64 = 20;

/// Room made before reading, at most.
const AHEAD: u64 = 1 << 20;

/// Memory for a decompressor's window. `xz -9` needs 64 MiB.
const WINDOW_KIB: u32 = 80 << 10;

/// A regular file, unpacked as it is read.
pub(crate) enum Packed {
    Plain { file: BufReader<File>, left: u64 },
    Compressed(Limited<Box<dyn Read + Send>>),
}

/// A decompressor that gives no more than it may.
pub(crate) struct Limited<R> {
    stream: R,
    /// What it may still give.
    pub(crate) left: u64,
}

impl<R: Read> Limited<R> {
    pub(crate) fn new(stream: R, left: u64) -> Self {
        Self { stream, left }
    }

    pub(crate) fn into_inner(self) -> R {
        self.stream
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer).map_err(classified)?;
        let message = "it unpacks to far more than images would; unpack it by hand if you trust it";
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(message))?;
        Ok(read)
    }
}

/// What a compressed file of so many bytes may unpack to.
pub(crate) fn most_unpacked(size: u64) -> u64 {
    LEAST.max(size.saturating_mul(MOST_TIMES))
}

impl Packed {
    /// The file, and how many bytes it has on disk.
    ///
    /// # Errors
    /// If it cannot be opened or is no regular file.
    pub(crate) fn open(path: &Path) -> Result<(Self, u64), Error> {
        let (mut file, size) = open_regular(path)?;
        let mut start = Vec::new();
        let read = file.by_ref().take(6).read_to_end(&mut start).and_then(|_| file.rewind());
        read.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
        let file = BufReader::with_capacity(1 << 16, file);
        let compressed =
            |stream: Box<dyn Read + Send>| Self::Compressed(Limited::new(stream, most_unpacked(size)));
        let packed = match &start[..] {
            [0x1f, 0x8b, ..] => compressed(Box::new(flate2::bufread::MultiGzDecoder::new(file))),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
                compressed(Box::new(bzip2::bufread::MultiBzDecoder::new(file)))
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0] => {
                compressed(Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, WINDOW_KIB)))
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let stream = ruzstd::decoding::StreamingDecoder::new(file);
                let failed = |error: ruzstd::decoding::errors::FrameDecoderError| {
                    Error::Archive(ArchiveError::Damaged {
                        path: path.to_path_buf(),
                        offset: 0,
                        found: damaged(&error),
                    })
                };
                compressed(Box::new(stream.map_err(failed)?))
            }
            _ => Self::Plain { file, left: size },
        };
        Ok((packed, size))
    }

    /// A piece of a file, as it is there.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn piece(path: &Path, start: u64, size: u64) -> Result<Self, Error> {
        let (mut file, _) = open_regular(path)?;
        let sought = file.seek(io::SeekFrom::Start(start));
        sought.map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
        Ok(Self::Plain { file: BufReader::with_capacity(1 << 16, file), left: size })
    }

    /// Whether places in the file are those in what is read.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. })
    }

    /// Leaves out the next `count` bytes.
    ///
    /// # Errors
    /// If there are not as many.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<()> {
        if let Self::Plain { file, left } = self {
            *left = left.checked_sub(count).ok_or(io::ErrorKind::UnexpectedEof)?;
            return file.seek_relative(count.try_into().map_err(io::Error::other)?);
        }
        match io::copy(&mut self.by_ref().take(count), &mut io::sink())? {
            copied if copied < count => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The decompressor of xz would take a read of nothing for the end of its stream.
        if buffer.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Plain { file, left } => {
                let most = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let read = file.read(&mut buffer[..most])?;
                *left -= read as u64;
                Ok(read)
            }
            Self::Compressed(stream) => stream.read(buffer),
        }
    }
}

/// What decompressors say is about the archive, and [`io::ErrorKind::InvalidData`]; what the system says stays what it is.
fn classified(error: io::Error) -> io::Error {
    let is_systems = error.raw_os_error().is_some()
        || matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof);
    if is_systems { error } else { io::Error::new(io::ErrorKind::InvalidData, damaged(&error)) }
}

fn damaged(error: &impl std::fmt::Display) -> String {
    format!("compressed data that are damaged ({error})")
}

/// Opens a regular file; gives its size too. A pipe in its place would keep the program waiting for ever.
pub(crate) fn open_regular(path: &Path) -> Result<(File, u64), Error> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(failed(io::Error::other("it is not a regular file")));
    }
    Ok((File::open(path).map_err(failed)?, found.len()))
}

/// Reads until the buffer is full or the file ends; gives the number of bytes read.
pub(crate) fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The next `size` bytes of a file of a published data set. Memory grows with what is there, not with what is promised.
///
/// # Errors
/// If there are fewer, or they are compressed and damaged.
pub(crate) fn content(path: &Path, file: &mut impl Read, size: u64) -> Result<Vec<u8>, Error> {
    let mut content = Vec::with_capacity(size.min(AHEAD) as usize);
    let wrong =
        |found: String| Error::Batch { path: path.to_path_buf(), found, expected: format!("{size} bytes") };
    match file.take(size).read_to_end(&mut content) {
        Ok(found) if found as u64 == size => Ok(content),
        Ok(found) => Err(wrong(format!("its end after {found} bytes"))),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::UnexpectedEof => wrong("its end in the middle of compressed data".to_owned()),
            io::ErrorKind::InvalidData => wrong(error.to_string()),
            _ => Error::Read { path: path.to_path_buf(), source: error },
        }),
    }
}
