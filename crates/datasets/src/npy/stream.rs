//! Arrays as other programs write them: numbers of any type and byte order, in either order of sides, from files and archives.

use std::{
    io::{self, Read},
    ops::Range,
    path::{Path, PathBuf},
};

use half::f16;

use super::header::{Header, Refusal};
use crate::Error;

/// Bytes of values that are read at once.
const AT_ONCE: usize = 1 << 16;

/// Room made before reading, at most.
const AHEAD: usize = 1 << 20;

/// What a value is, whatever its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Unsigned(usize),
    Signed(usize),
    Float(usize),
}

impl Kind {
    fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Unsigned(size) | Self::Signed(size) | Self::Float(size) => size,
        }
    }

    /// Whether its values are whole numbers.
    pub(crate) fn is_whole(self) -> bool {
        !matches!(self, Self::Float(_))
    }
}

/// An array whose header is read. Memory grows with what is there, not with what the header claims.
pub(crate) struct Stream<'a> {
    path: PathBuf,
    shape: Vec<usize>,
    /// As the header has it.
    descr: String,
    kind: Kind,
    is_big_endian: bool,
    is_fortran: bool,
    values: Box<dyn Read + 'a>,
}

impl<'a> Stream<'a> {
    /// Reads the header of the array in `content`. `size` are the bytes of that, if they are known.
    pub(crate) fn open(path: &Path, mut content: impl Read + 'a, size: Option<u64>) -> Result<Self, Error> {
        let refused = |found: &str, remedy| wrong(path, found.to_owned(), "a NumPy array of numbers", remedy);
        let header = Header::read(&mut content).map_err(|refusal| match refusal {
            Refusal::Unreadable(source) => unreadable(path, source),
            Refusal::Found(found) => refused(&found, SAVE_AGAIN),
        })?;
        let Header { kind: descr, is_fortran, shape, len } = header;
        if descr.ends_with('O') {
            return Err(refused("an array of Python objects, which is a pickle", SAVE_NUMBERS));
        }
        let (kind, is_big_endian) =
            numbers(&descr).ok_or_else(|| refused(&format!("an array of the type {descr}"), SAVE_NUMBERS))?;
        let stream = Self {
            path: path.to_path_buf(),
            shape,
            descr,
            kind,
            is_big_endian,
            is_fortran,
            values: Box::new(content),
        };
        let expected = stream.count(&stream.shape).and_then(|count| count.checked_mul(kind.size()));
        let expected = expected.ok_or_else(|| stream.refused("sides that can be multiplied", SAVE_AGAIN))?;
        match size.map(|size| size.saturating_sub(len)) {
            Some(found) if found != expected as u64 => {
                let found = format!("a header that says {:?} before {found} bytes of data", stream.shape);
                Err(refused(&found, SAVE_AGAIN))
            }
            _ => Ok(stream),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn refused(&self, expected: &str, remedy: &'static str) -> Error {
        let found = format!("an array {:?} of {}", self.shape, self.descr);
        wrong(&self.path, found, expected, remedy)
    }

    /// The whole numbers of some rows, in C order.
    pub(crate) fn whole(self, rows: Range<usize>) -> Result<Vec<i64>, Error> {
        match self.kind {
            Kind::Bool | Kind::Unsigned(1) => self.read(rows, |[byte]| i64::from(byte)),
            Kind::Unsigned(2) => self.read(rows, |bytes| i64::from(u16::from_le_bytes(bytes))),
            Kind::Unsigned(4) => self.read(rows, |bytes| i64::from(u32::from_le_bytes(bytes))),
            Kind::Unsigned(_) => {
                let value = |bytes| i64::try_from(u64::from_le_bytes(bytes)).unwrap_or(i64::MAX);
                self.read(rows, value)
            }
            Kind::Signed(1) => self.read(rows, |bytes| i64::from(i8::from_le_bytes(bytes))),
            Kind::Signed(2) => self.read(rows, |bytes| i64::from(i16::from_le_bytes(bytes))),
            Kind::Signed(4) => self.read(rows, |bytes| i64::from(i32::from_le_bytes(bytes))),
            Kind::Signed(_) => self.read(rows, i64::from_le_bytes),
            Kind::Float(_) => Err(self.refused("whole numbers", "save it with .astype('int64')")),
        }
    }

    /// The values of some rows of an array of u8, in C order.
    pub(crate) fn bytes(self, rows: Range<usize>) -> Result<Vec<u8>, Error> {
        match self.kind {
            Kind::Unsigned(1) => self.read(rows, |[byte]| byte),
            _ => Err(self.refused("u8", "save it with .astype('uint8')")),
        }
    }

    /// The values of some rows of an array of fractions, in C order, each as the nearest f32.
    pub(crate) fn fractions(self, rows: Range<usize>) -> Result<Vec<f32>, Error> {
        match self.kind {
            Kind::Float(2) => self.read(rows, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Kind::Float(4) => self.read(rows, f32::from_le_bytes),
            Kind::Float(_) => self.read(rows, |bytes| f64::from_le_bytes(bytes) as f32),
            _ => Err(self.refused("fractions", "save it with .astype('float32')")),
        }
    }

    fn read<T: Copy, const N: usize>(
        mut self,
        rows: Range<usize>,
        value: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let each = self.count(&self.shape[1..]).unwrap_or_default();
        if self.is_fortran && self.shape.len() > 1 {
            let all = self.values(self.shape[0] * each, value)?;
            return Ok(in_c_order(&all, &self.shape, rows));
        }
        let skipped = (rows.start * each * N) as u64;
        let copied = io::copy(&mut self.values.by_ref().take(skipped), &mut io::sink());
        if copied.map_err(|source| unreadable(&self.path, source))? < skipped {
            return Err(self.cut());
        }
        self.values(rows.len() * each, value)
    }

    /// The next values as they stand.
    fn values<T, const N: usize>(
        &mut self,
        count: usize,
        value: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Error> {
        let mut left = count;
        let mut values = Vec::with_capacity(left.min(AHEAD / N));
        let mut buffer = vec![0; AT_ONCE.min(left.saturating_mul(N))];
        while left > 0 {
            let count = left.min(AT_ONCE / N);
            let bytes = &mut buffer[..count * N];
            self.values.read_exact(bytes).map_err(|source| unreadable(&self.path, source))?;
            let each = bytes.as_chunks().0.iter();
            values.extend(each.map(|&(mut bytes)| {
                if self.is_big_endian {
                    bytes.reverse();
                }
                value(bytes)
            }));
            left -= count;
        }
        Ok(values)
    }

    /// The number of values of these sides, if a machine can count them; of an empty array too.
    fn count(&self, sides: &[usize]) -> Option<usize> {
        let bytes = |least: usize| {
            sides.iter().try_fold(self.kind.size(), |bytes, &side| bytes.checked_mul(side.max(least)))
        };
        bytes(1)?;
        Some(bytes(0)? / self.kind.size())
    }

    fn cut(&self) -> Error {
        unreadable(&self.path, io::ErrorKind::UnexpectedEof.into())
    }
}

const SAVE_AGAIN: &str = "save it again with numpy.save or numpy.savez";
const SAVE_NUMBERS: &str =
    "save plain numbers, for example images.astype('uint8') and labels.astype('int64')";

/// The type and byte order of values, by their name in a header.
fn numbers(descr: &str) -> Option<(Kind, bool)> {
    let (order, kind) = descr.split_at_checked(1)?;
    let (letter, size) = kind.split_at_checked(1)?;
    let size: usize = size.parse().ok()?;
    let is_big_endian = match order {
        "<" | "|" => false,
        ">" => true,
        _ => return None,
    };
    let kind = match (letter, size) {
        ("b", 1) => Kind::Bool,
        ("u", 1 | 2 | 4 | 8) => Kind::Unsigned(size),
        ("i", 1 | 2 | 4 | 8) => Kind::Signed(size),
        ("f", 2 | 4 | 8) => Kind::Float(size),
        _ => return None,
    };
    Some((kind, is_big_endian))
}

/// Some rows of an array whose first side changes fastest, so that its last does.
fn in_c_order<T: Copy>(values: &[T], shape: &[usize], rows: Range<usize>) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for at in 1..shape.len() {
        strides[at] = strides[at - 1] * shape[at - 1];
    }
    let each: usize = shape[1..].iter().product();
    let mut ordered = Vec::with_capacity(rows.len() * each);
    let mut place = vec![0; shape.len()];
    for row in rows {
        place.fill(0);
        let mut from = row;
        for _ in 0..each {
            ordered.push(values[from]);
            // The next place, from the last side on, as a counter goes on.
            for side in (1..shape.len()).rev() {
                place[side] += 1;
                from += strides[side];
                if place[side] < shape[side] {
                    break;
                }
                from -= strides[side] * shape[side];
                place[side] = 0;
            }
        }
    }
    ordered
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    let found = match source.kind() {
        io::ErrorKind::UnexpectedEof => "its end before that of the array".to_owned(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => source.to_string(),
        _ => return Error::Read { path: path.to_path_buf(), source },
    };
    wrong(path, found, "a whole array", "copy or save it again")
}

fn wrong(path: &Path, found: String, expected: &str, remedy: &'static str) -> Error {
    Error::Content { path: path.to_path_buf(), found, expected: expected.to_owned(), remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, order: &str, shape: &str, values: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), values].concat()
    }

    fn open(bytes: &[u8]) -> Result<Stream<'_>, Error> {
        Stream::open(Path::new("x.npy"), bytes, Some(bytes.len() as u64))
    }

    #[test]
    fn every_type_gives_its_numbers() -> Result<(), Error> {
        let whole = |descr, values: &[u8]| {
            open(&array(descr, "False", "(2,)", values)).and_then(|stream| stream.whole(0..2))
        };
        assert_eq!(whole("|u1", &[1, 255])?, [1, 255]);
        assert_eq!(whole("|i1", &[1, 255])?, [1, -1]);
        assert_eq!(whole("|b1", &[1, 0])?, [1, 0]);
        assert_eq!(whole("<u2", &[1, 2, 3, 4])?, [513, 1027]);
        assert_eq!(whole(">i2", &[1, 2, 0xff, 0xfe])?, [258, -2]);
        assert_eq!(whole(">u4", &[0, 0, 0, 7, 0xff, 0, 0, 0])?, [7, 0xff00_0000]);
        assert_eq!(whole("<u8", &[[0xff; 8], 3u64.to_le_bytes()].concat())?, [i64::MAX, 3]);
        assert_eq!(whole(">i8", &[(-5i64).to_be_bytes(), 3i64.to_be_bytes()].concat())?, [-5, 3]);
        let fractions = |descr, values: &[u8]| {
            open(&array(descr, "False", "(2,)", values)).and_then(|stream| stream.fractions(0..2))
        };
        assert_eq!(fractions("<f2", &[0x00, 0x3c, 0x00, 0x34])?, [1.0, 0.25]);
        assert_eq!(fractions(">f4", &[0.5f32.to_be_bytes(), 2f32.to_be_bytes()].concat())?, [0.5, 2.0]);
        assert_eq!(fractions("<f8", &[0.5f64.to_le_bytes(), 2f64.to_le_bytes()].concat())?, [0.5, 2.0]);
        Ok(())
    }

    /// The array [[0, 1, 2], [10, 11, 12]] with a side of two more inside.
    #[test]
    fn either_order_gives_the_same_rows() -> Result<(), Error> {
        let value = |row: u8, column: u8, last: u8| 100 * last + 10 * row + column;
        let mut c = Vec::new();
        (0..2).for_each(|i| (0..3).for_each(|j| (0..2).for_each(|k| c.push(value(i, j, k)))));
        let mut fortran = Vec::new();
        (0..2).for_each(|k| (0..3).for_each(|j| (0..2).for_each(|i| fortran.push(value(i, j, k)))));
        for (order, values) in [("False", &c), ("True", &fortran)] {
            let bytes = array("|u1", order, "(2, 3, 2)", values);
            assert_eq!(open(&bytes)?.bytes(0..2)?, c, "{order}");
            assert_eq!(open(&bytes)?.bytes(1..2)?, c[6..], "{order}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_array_of_numbers_is_told() {
        let message = |bytes: &[u8]| open(bytes).map(drop).expect_err("refused").to_string();
        assert!(message(&array("|O", "False", "(2,)", b"\x80\x04.")).contains("a pickle, expected"));
        assert!(message(&array("<c8", "False", "(1,)", &[0; 8])).contains("the type <c8"));
        assert!(message(&array("<f4", "False", "(2,)", &[0; 7])).contains("[2] before 7 bytes"));
        let huge = array("<f4", "False", "(4294967296, 4294967296, 4294967296)", &[0; 8]);
        assert!(message(&huge).contains("sides that can be multiplied"));
        let cut = array("<f4", "False", "(1000000000000,)", &[0; 8]);
        let stream = Stream::open(Path::new("x.npy"), &cut[..], None).expect("a header");
        let error = stream.fractions(0..1_000_000_000_000).expect_err("cut").to_string();
        assert!(error.contains("x.npy: found its end before that of the array"), "{error}");
    }
}
