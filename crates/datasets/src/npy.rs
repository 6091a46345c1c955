//! NumPy arrays: little-endian f32, u8 or i64, in C order.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use npyz::{DType, NpyFile, NpyHeader, Order};

use crate::Error;

/// More than any header takes.
const LONGEST_HEADER: u64 = 1 << 16;

/// An array file whose header is read, and which is as long as that says.
pub(crate) struct Array {
    path: PathBuf,
    shape: Vec<usize>,
    kind: String,
    data: NpyFile<BufReader<File>>,
}

impl Array {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        let found = std::fs::metadata(path).map_err(failed)?;
        if !found.is_file() {
            return Err(failed(io::Error::other("it is no regular file")));
        }
        let refused = |found: String| Error::Array {
            path: path.to_path_buf(),
            found,
            expected: "a NumPy array of version 1 to 3".to_owned(),
        };
        // Only so much is read for the header, whatever length it claims.
        let mut head = File::open(path).map_err(failed)?.take(LONGEST_HEADER);
        let header = NpyHeader::from_reader(&mut head).map_err(|error| refused(one_line(&error)))?;
        let data = found.len() - (LONGEST_HEADER - head.limit());
        let DType::Plain(kind) = header.dtype() else { return Err(refused("a structured array".to_owned())) };
        if header.order() != Order::C {
            return Err(refused("an array in Fortran order".to_owned()));
        }
        let shape: Option<Vec<usize>> = header.shape().iter().map(|&size| size.try_into().ok()).collect();
        let (shape, size) = (shape.unwrap_or_default(), kind.num_bytes().unwrap_or(0) as u64);
        let bytes = shape.iter().try_fold(size, |bytes, &side| bytes.checked_mul(side as u64));
        if bytes != Some(data) {
            return Err(refused(format!("a header that says {shape:?} before {data} bytes of data")));
        }
        let data = NpyFile::new(BufReader::new(File::open(path).map_err(failed)?)).map_err(failed)?;
        Ok(Self { path: path.to_path_buf(), shape, kind: kind.to_string(), data })
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn refused(&self, expected: &str) -> Error {
        let found = format!("an array {:?} of {}", self.shape, self.kind);
        Error::Array { path: self.path.clone(), found, expected: expected.to_owned() }
    }

    /// The values of the first `rows`.
    pub(crate) fn read_f32(self, rows: usize) -> Result<Vec<f32>, Error> {
        if self.kind != "<f4" {
            return Err(self.refused("little-endian f32"));
        }
        self.read(rows)
    }

    /// The values of the first `rows`.
    pub(crate) fn read_u8(self, rows: usize) -> Result<Vec<u8>, Error> {
        if self.kind != "|u1" {
            return Err(self.refused("u8"));
        }
        self.read(rows)
    }

    /// The numbers of the first `rows`: i64, or u8, which small labels are stored as too.
    pub(crate) fn read_i64(self, rows: usize) -> Result<Vec<i64>, Error> {
        match self.kind.as_str() {
            "<i8" => self.read(rows),
            "|u1" => Ok(self.read::<u8>(rows)?.into_iter().map(i64::from).collect()),
            _ => Err(self.refused("little-endian i64, or u8")),
        }
    }

    fn read<T: npyz::Deserialize>(self, rows: usize) -> Result<Vec<T>, Error> {
        let count = rows * self.shape[1..].iter().product::<usize>();
        let refused = |error: &dyn std::fmt::Display| Error::Array {
            path: self.path.clone(),
            found: error.to_string(),
            expected: "a NumPy array".to_owned(),
        };
        let values = self.data.data::<T>().map_err(|error| refused(&error))?;
        let failed = |source| Error::Read { path: self.path.clone(), source };
        values.take(count).collect::<Result<_, _>>().map_err(failed)
    }
}

/// What the parser of headers says: the first line, without its drawing of the place.
fn one_line(error: &io::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().trim().chars().take(200).collect()
}

/// The header of NumPy's format, version 1.0: a Python dictionary, padded so that the data starts at a multiple of 64.
pub(crate) fn header(kind: &str, shape: &[usize]) -> Vec<u8> {
    let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // A tuple of one is written with a comma.
    let comma = if sides.len() == 1 { "," } else { "" };
    let sides = sides.join(", ");
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sides}{comma}), }}");
    let length = (10 + text.len() + 1).next_multiple_of(64);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(((length - 10) as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.resize(length - 1, b' ');
    bytes.push(b'\n');
    bytes
}

/// Where a file is written before it is whole.
pub(crate) fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// The error of a file that cannot be written.
pub(crate) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}

/// Writes a small file, whole or not at all.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), Error> {
    let aside = aside(path);
    let written = std::fs::write(&aside, content).and_then(|()| std::fs::rename(&aside, path));
    written.inspect_err(|_| drop(std::fs::remove_file(&aside))).map_err(unwritable(path))
}
