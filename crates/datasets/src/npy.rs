//! NumPy arrays: little-endian f32, u8 or i64, in C order, as we write them; and those of others, as [`Stream`].

mod header;
mod stream;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use self::header::{Header, Refusal};
pub(crate) use self::stream::{Kind, Stream};
use crate::{Error, packed::open_regular};

/// Bytes of values that are read at once.
const AT_ONCE: usize = 1 << 16;

/// An array file whose header is read, and which is as long as that says.
pub(crate) struct Array {
    path: PathBuf,
    shape: Vec<usize>,
    kind: String,
    /// From the first value on.
    values: BufReader<File>,
}

impl Array {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let refused = |found: String| Error::Array {
            path: path.to_path_buf(),
            found,
            expected: "a NumPy array of version 1 to 3".to_owned(),
        };
        let (file, size) = open_regular(path)?;
        let mut values = BufReader::new(file);
        let Header { kind, is_fortran, shape, len } =
            Header::read(&mut values).map_err(|refusal| match refusal {
                Refusal::Unreadable(source) => Error::Read { path: path.to_path_buf(), source },
                Refusal::Found(found) => refused(found),
            })?;
        if is_fortran {
            return Err(refused("an array in Fortran order".to_owned()));
        }
        // Other types are refused by who asks for values.
        let value = [("<f4", 4), ("|u1", 1), ("<i8", 8)].into_iter().find(|known| known.0 == kind);
        let data = size.saturating_sub(len);
        if value.is_some_and(|(_, size)| bytes(&shape, size) != Some(data)) {
            return Err(refused(format!("a header that says {shape:?} before {data} bytes of data")));
        }
        Ok(Self { path: path.to_path_buf(), shape, kind, values })
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
        self.read(rows, f32::from_le_bytes)
    }

    /// The values of the first `rows`.
    pub(crate) fn read_u8(self, rows: usize) -> Result<Vec<u8>, Error> {
        if self.kind != "|u1" {
            return Err(self.refused("u8"));
        }
        self.read(rows, u8::from_le_bytes)
    }

    /// The numbers of the first `rows`: i64, or u8, which small labels are stored as too.
    pub(crate) fn read_i64(self, rows: usize) -> Result<Vec<i64>, Error> {
        match self.kind.as_str() {
            "<i8" => self.read(rows, i64::from_le_bytes),
            "|u1" => self.read(rows, |[byte]| i64::from(byte)),
            _ => Err(self.refused("little-endian i64, or u8")),
        }
    }

    fn read<T, const N: usize>(mut self, rows: usize, value: impl Fn([u8; N]) -> T) -> Result<Vec<T>, Error> {
        let mut left = rows * self.shape[1..].iter().product::<usize>();
        let (mut values, mut buffer) = (Vec::with_capacity(left), vec![0; AT_ONCE.min(left * N)]);
        while left > 0 {
            let count = left.min(AT_ONCE / N);
            let bytes = &mut buffer[..count * N];
            let read = self.values.read_exact(bytes);
            read.map_err(|source| Error::Read { path: self.path.clone(), source })?;
            values.extend(bytes.as_chunks().0.iter().map(|&bytes| value(bytes)));
            left -= count;
        }
        Ok(values)
    }
}

/// Bytes of an array with values of a size, if a machine can count them: of an empty one too each side must be a number to reckon with.
fn bytes(shape: &[usize], value: u64) -> Option<u64> {
    let product = |least: u64| {
        shape.iter().try_fold(value, |bytes: u64, &side| bytes.checked_mul((side as u64).max(least)))
    };
    product(1).and(product(0))
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

/// The error of a file that cannot be written.
pub(crate) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}
