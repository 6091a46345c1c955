//! Files that are read once from front to back: plain, or compressed by gzip, bzip2, xz or zstd, recognised by their first bytes.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use crate::Error;

/// What a compressed file may unpack to at least, and how many times its own size beyond that: photographs and CIFAR hardly
/// shrink, so what does is made to fill memory.
const LEAST: u64 = 64 << 20;
const MOST_TIMES: u64 = 20;

/// Memory for a decompressor's window. `xz -9` needs 64 MiB.
const WINDOW_KIB: u32 = 80 << 10;

/// A regular file, unpacked as it is read.
pub(crate) enum Packed {
    Plain { file: BufReader<File>, left: u64 },
    Compressed { stream: Box<dyn Read + Send>, left: u64 },
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
        let left = LEAST.max(size.saturating_mul(MOST_TIMES));
        let packed = match &start[..] {
            [0x1f, 0x8b, ..] => {
                Self::Compressed { stream: Box::new(flate2::bufread::MultiGzDecoder::new(file)), left }
            }
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => {
                Self::Compressed { stream: Box::new(bzip2::bufread::MultiBzDecoder::new(file)), left }
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0] => {
                let stream = lzma_rust2::XzReader::new_mem_limit(file, true, WINDOW_KIB);
                Self::Compressed { stream: Box::new(stream), left }
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let stream = ruzstd::decoding::StreamingDecoder::new(file);
                let failed = |error: ruzstd::decoding::errors::FrameDecoderError| Error::Archive {
                    path: path.to_path_buf(),
                    offset: 0,
                    found: damaged(&error),
                };
                Self::Compressed { stream: Box::new(stream.map_err(failed)?), left }
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
            Self::Compressed { stream, left } => {
                let read = stream.read(buffer).map_err(classified)?;
                let message = "it unpacks to far more than images would; unpack it by hand if you trust it";
                *left = left.checked_sub(read as u64).ok_or_else(|| io::Error::other(message))?;
                Ok(read)
            }
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
