//! Files of MATLAB 5 to 7 (The MathWorks, *MAT-File Format*): numbers, texts, cells and structures, compressed or not, of either byte order.
//!
//! Variables that nobody asks for are left out unread. Sparse arrays, objects and functions are told by their names. Memory grows with what a
//! file holds, not with what it claims.

mod elements;
mod matrix;
#[cfg(test)]
mod tests;
mod value;

use std::{
    io::{BufReader, Read},
    path::Path,
};

pub(crate) use self::value::{Numbers, Record, Value};
use self::{
    elements::{Elements, Refusal, Tag},
    matrix::Parser,
};
use crate::{
    Error,
    packed::{Limited, most_unpacked, open_regular},
};

/// What a file starts with: a text, and the version and byte order behind it.
const HEADER: usize = 128;

/// Version 1 of the format in the numbers of both byte orders.
const VERSION: u16 = 0x0100;

/// Version 2 is HDF5.
const VERSION_HDF5: u16 = 0x0200;

const COMPRESSED: u32 = 15;
const MATRIX: u32 = 14;

/// The variables of these names, in the file's order.
///
/// # Errors
/// [`Error::Read`], [`Error::Content`] if it is another version's file, [`Error::Batch`] if it is damaged or a variable cannot be read.
pub(crate) fn read(path: &Path, names: &[&str]) -> Result<Vec<(String, Value)>, Error> {
    let (file, size) = open_regular(path)?;
    told(path, variables(BufReader::with_capacity(1 << 16, file), size, names))
}

/// The same of a file whose bytes are there.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_bytes(path: &Path, bytes: &[u8], names: &[&str]) -> Result<Vec<(String, Value)>, Error> {
    told(path, variables(bytes, bytes.len() as u64, names))
}

/// What is wrong with a file, as an error about it.
fn told(path: &Path, found: Result<Vec<(String, Value)>, Refusal>) -> Result<Vec<(String, Value)>, Error> {
    found.map_err(|refusal| match refusal {
        Refusal::Unreadable(source) => Error::Read { path: path.to_path_buf(), source },
        Refusal::Version(found, remedy) => Error::Content {
            path: path.to_path_buf(),
            found: found.to_owned(),
            expected: "a file of MATLAB 5 to 7".to_owned(),
            remedy,
        },
        Refusal::Found(found) => Error::Batch {
            path: path.to_path_buf(),
            found,
            expected: "a sound file of MATLAB 5 to 7".to_owned(),
        },
    })
}

fn variables(file: impl Read, size: u64, names: &[&str]) -> Result<Vec<(String, Value)>, Refusal> {
    let mut file = file.take(size);
    let mut header = Vec::new();
    file.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
    let is_big_endian = byte_order(&header)?;
    let (mut left, mut parser) = (most_unpacked(size), Parser::new(names));
    let mut found = Vec::new();
    let mut elements = Elements::new(file, is_big_endian);
    while let Some(Tag { kind, size, .. }) = elements.next()? {
        match kind {
            COMPRESSED => {
                let inner = elements.rest().take(size);
                let inner = Limited::new(flate2::read::ZlibDecoder::new(inner), left);
                let mut inner = Elements::new(inner, is_big_endian);
                let variable = match inner.next()? {
                    Some(Tag { kind: MATRIX, size, .. }) => parser.variable(&mut inner, size)?,
                    _ => None,
                };
                // The checksum stands at the end.
                if variable.is_some() {
                    std::io::copy(inner.rest(), &mut std::io::sink())?;
                }
                let inner = inner.into_rest();
                left = inner.left;
                found.extend(variable);
                std::io::copy(inner.into_inner().get_mut(), &mut std::io::sink())?;
            }
            MATRIX => found.extend(parser.variable(&mut elements, size)?),
            _ => elements.skip(size)?,
        }
    }
    Ok(found)
}

/// Whether numbers start with their largest byte; refuses the files of other versions.
fn byte_order(header: &[u8]) -> Result<bool, Refusal> {
    if header.starts_with(b"\x89HDF") {
        return Err(hdf5());
    }
    // The first file format of MATLAB has numbers below 5000 here.
    let Some(&[a, b, c, d]) = header.get(124..128) else {
        return Err(Refusal::Found(format!("{} bytes", header.len())));
    };
    let (is_big_endian, version) = match [c, d] {
        [b'I', b'M'] => (false, u16::from_le_bytes([a, b])),
        [b'M', b'I'] => (true, u16::from_be_bytes([a, b])),
        _ if header[..4].contains(&0) => {
            let remedy = "save it again as a newer one: save with -v7, or scipy.io.savemat";
            return Err(Refusal::Version("a file of MATLAB 4, or no file of MATLAB", remedy));
        }
        _ => return Err(Refusal::Found("other bytes".to_owned())),
    };
    match version {
        VERSION => Ok(is_big_endian),
        VERSION_HDF5 => Err(hdf5()),
        version => Err(Refusal::Found(format!("version {version:#06x}"))),
    }
}

fn hdf5() -> Refusal {
    let remedy =
        "save it again in MATLAB with -v7, or in Python read it with h5py and write it with scipy.io.savemat";
    Refusal::Version("a file of MATLAB 7.3, which is HDF5", remedy)
}
