//! The pickles that hold CIFAR, and no others: dictionaries of numbers, strings, lists and NumPy's arrays of bytes.

mod calls;

use std::{borrow::Cow, path::Path};

use ::pickle::{Limits, Value, Values};

use crate::Error;
use calls::{Array, Made, NumPy};

/// More bytes, opcodes and lists than any of the files has.
const LIMITS: Limits = Limits { bytes: 1 << 29, steps: 1 << 20, objects: 1 << 12 };

/// The sides of an array and its bytes, row by row.
type Matrix<'a> = ([usize; 2], Cow<'a, [u8]>);

/// A pickle whose outermost value is a dictionary.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    path: &'a Path,
    content: ::pickle::Pickle<&'a [u8], Made>,
}

impl<'a> Pickle<'a> {
    /// Reads a dictionary.
    pub(crate) fn read(path: &'a Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let content = ::pickle::Pickle::from_slice(bytes, LIMITS, &NumPy);
        let content = content.map_err(|error| unreadable(path, error))?;
        match content.values().entries(content.top()) {
            Some(_) => Ok(Self { path, content }),
            None => Err(refused(path, 0, "another value", "a dictionary")),
        }
    }

    /// A list of whole numbers.
    pub(crate) fn numbers(&self, key: &str) -> Result<Vec<i64>, Error> {
        let number =
            |&value: &Value| calls::int(value).ok_or_else(|| self.other(key, "a list of whole numbers"));
        self.row(key)?.iter().map(number).collect()
    }

    /// A list of strings.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<&[u8]>, Error> {
        let string =
            |&value: &Value| self.values().string(value).ok_or_else(|| self.other(key, "a list of strings"));
        self.row(key)?.iter().map(string).collect()
    }

    /// An array of bytes with two sides, row by row.
    pub(crate) fn matrix(&self, key: &str) -> Result<Matrix<'_>, Error> {
        const EXPECTED: &str = "a NumPy array (N, 3072) of bytes";
        let Some(Made::Array(Array { shape, data, is_fortran })) = self.values().made(self.entry(key)?)
        else {
            return Err(self.other(key, EXPECTED));
        };
        let (&[rows, columns], Some(bytes)) = (shape.as_slice(), self.values().latin1(*data)) else {
            return Err(self.other(key, EXPECTED));
        };
        if rows.checked_mul(columns) != Some(bytes.len()) {
            let found = format!("{} bytes of data in `{key}`", bytes.len());
            return Err(refused(self.path, 0, &found, &format!("an array {shape:?} of bytes")));
        }
        let row_by_row = match is_fortran {
            false => bytes,
            true => (0..rows).flat_map(|row| bytes.iter().skip(row).step_by(rows).copied()).collect(),
        };
        Ok(([rows, columns], row_by_row))
    }

    fn row(&self, key: &str) -> Result<&[Value], Error> {
        self.values().items(self.entry(key)?).ok_or_else(|| self.other(key, "a list"))
    }

    fn entry(&self, key: &str) -> Result<Value, Error> {
        let found = self.values().entry(self.content.top(), key);
        found.ok_or_else(|| refused(self.path, 0, "a dictionary without it", &format!("an entry `{key}`")))
    }

    fn values(&self) -> Values<'_, Made> {
        self.content.values()
    }

    fn other(&self, key: &str, expected: &str) -> Error {
        refused(self.path, 0, &format!("something else in `{key}`"), expected)
    }
}

/// What is wrong with the pickle, as an error about the file.
fn unreadable(path: &Path, error: ::pickle::Error) -> Error {
    use ::pickle::Error::*;
    match error {
        Truncated { offset, found, expected } => {
            let found = format!("{found} bytes before the end");
            refused(path, offset, &found, &format!("{expected}; the file is cut short"))
        }
        Protocol { offset, found } => refused(path, offset, &format!("protocol {found}"), "protocol 0 to 5"),
        Opcode { offset, found } => {
            let found = format!("the opcode {found:#04x}");
            refused(path, offset, &found, "one that builds numbers, strings, lists or dictionaries")
        }
        Malformed { offset, found, expected } => refused(path, offset, found, expected),
        Refused { offset, refusal } => refused(path, offset, &refusal.found, &refusal.expected),
        TooLarge { offset, limit, unit } => {
            refused(path, offset, &format!("more than {limit} {unit}"), "a batch of CIFAR")
        }
        Read { source, .. } => Error::Read { path: path.to_path_buf(), source },
    }
}

fn refused(path: &Path, offset: usize, found: &str, expected: &str) -> Error {
    let (path, found, expected) = (path.to_path_buf(), found.to_owned(), expected.to_owned());
    Error::Pickle { path, offset, found, expected }
}
