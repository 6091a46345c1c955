//! Tables of images in Parquet files: a row has the bytes of an image file and a label, as the Hugging Face Hub has them.
//!
//! The library that decodes them trusts what a file says of itself: lists as long as four bytes can claim, pages that unpack to
//! gigabytes, schemas that nest without end, negative places. All of that is checked before it sees the file: the footer
//! ([`footer`]), then every page of the columns that are read ([`pages`]). What the pages unpack to is decoded here ([`cells`]).

mod cells;
mod footer;
mod hybrid;
mod pages;
mod problem;
mod thrift;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use ::parquet::{
    basic::{Compression, Type as Physical},
    file::{
        metadata::ColumnChunkMetaData,
        reader::{FileReader, SerializedFileReader},
    },
};

use crate::{Error, TableError, packed::open_regular};
use cells::Cells;
use problem::Problem;

/// Columns that hold images: structures with a field `bytes`, or bytes.
const IMAGES: [&str; 2] = ["img", "image"];

/// Rows that a group may have whatever its size, and more of them for each byte of images than one that was not made to fill the memory.
const LEAST_ROWS: u64 = 1 << 16;
const MOST_ROWS_A_BYTE: u64 = 64;

/// A file whose structure is sound.
pub(crate) struct ImageTable {
    path: PathBuf,
    file: File,
    size: u64,
    reader: SerializedFileReader<File>,
    image: usize,
    label: Label,
}

/// The column of the labels.
struct Label {
    at: usize,
    name: String,
}

impl ImageTable {
    /// Opens a file; the first of `labels` that is a column is the one that is read.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Batch`] if it is damaged, [`Error::Table`] if it is no table of images with labels.
    pub(crate) fn open(path: &Path, labels: &[&str]) -> Result<Self, Error> {
        let (file, size) = open_regular(path)?;
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        let refused = refused(path);
        footer::check(&file, size).map_err(failed)?.map_err(&refused)?;
        let copy = file.try_clone().map_err(failed)?;
        let reader = SerializedFileReader::new(copy).map_err(|error| refused(error.to_string()))?;
        let image = IMAGES
            .iter()
            .flat_map(|&name| [vec![name, "bytes"], vec![name]])
            .find_map(|path| column(&reader, &path, &[Physical::BYTE_ARRAY]));
        let image = image.ok_or_else(|| {
            let expected = "one (rename_column of Python's `datasets` renames one)";
            unsuitable(path, "no column `img` or `image` with encoded bytes".to_owned(), expected)
        })?;
        let label = labels.iter().find_map(|&name| {
            let at = column(&reader, &[name], &[Physical::INT64, Physical::INT32])?;
            Some(Label { at, name: name.to_owned() })
        });
        let missing = || {
            let expected = "one (class_encode_column of Python's `datasets` makes one)";
            unsuitable(path, format!("no column `{}` of whole numbers", labels.join("` or `")), expected)
        };
        let label = label.ok_or_else(missing)?;
        Ok(Self { path: path.to_path_buf(), file, size, reader, image, label })
    }

    /// The name of the column of labels.
    pub(crate) fn label_column(&self) -> &str {
        &self.label.name
    }

    /// A text that is kept beside the table under a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let texts = self.reader.metadata().file_metadata().key_value_metadata()?;
        texts.iter().find(|text| text.key == key)?.value.as_deref()
    }

    /// Gives the rows, the first ones up to a limit, to `take`: the number of the row, the bytes of the image, the label.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`Error::Table`], or [`Error::Batch`] with what `take` says is wrong with a row.
    pub(crate) fn each(
        &self,
        limit: Option<usize>,
        mut take: impl FnMut(usize, Vec<u8>, i64) -> Result<(), String>,
    ) -> Result<(), Error> {
        let mut row = 0;
        for group in 0..self.reader.num_row_groups() {
            let left = limit.map_or(usize::MAX, |limit| limit.saturating_sub(row));
            if left == 0 {
                break;
            }
            self.check(group, &[self.image, self.label.at])?;
            let read = self.group(group, left, |image, label| {
                let taken = take(row, image, label).map_err(|found| format!("{found} in row {row}"));
                row += 1;
                taken
            });
            read.map_err(|problem| self.told(problem, row))?;
        }
        Ok(())
    }

    /// What is wrong with this table, seen in a row.
    fn told(&self, problem: Problem, row: usize) -> Error {
        match problem {
            Problem::Found(found) => refused(&self.path)(found),
            Problem::NoImage => {
                Error::Table(TableError::NoImageBytes { path: self.path.clone(), row: row as u64 })
            }
        }
    }

    /// The labels of all rows.
    ///
    /// # Errors
    /// As [`each`](Self::each).
    pub(crate) fn labels(&self, mut take: impl FnMut(i64)) -> Result<(), Error> {
        for number in 0..self.reader.num_row_groups() {
            self.check(number, &[self.label.at])?;
            let mut read = || -> Result<(), Problem> {
                let group = self.reader.get_row_group(number)?;
                let pages = group.get_column_page_reader(self.label.at)?;
                let (defined, most) = (self.defined(self.label.at), self.most_rows(number));
                let mut cells = Cells::new(pages, self.number(), defined, most);
                while let Some(label) = cells.next()? {
                    take(label.ok_or("a row without a label")?);
                }
                Ok(())
            };
            read().map_err(|problem| self.told(problem, 0))?;
        }
        Ok(())
    }

    /// Whether the pages of columns of a group of rows are what they should be.
    fn check(&self, group: usize, columns: &[usize]) -> Result<(), Error> {
        let failed = |source| Error::Read { path: self.path.clone(), source };
        for &column in columns {
            let chunk = self.reader.metadata().row_group(group).column(column);
            if !matches!(chunk.compression(), Compression::UNCOMPRESSED | Compression::SNAPPY) {
                let codec = chunk.compression().to_string();
                let codec = codec.split('(').next().unwrap_or_default();
                let found = format!("a column compressed by {codec}");
                return Err(unsuitable(
                    &self.path,
                    found,
                    "one by SNAPPY, or none (`to_parquet` writes such)",
                ));
            }
            let place = place(chunk, self.size).map_err(refused(&self.path))?;
            pages::check(&self.file, place).map_err(failed)?.map_err(refused(&self.path))?;
        }
        Ok(())
    }

    fn group(
        &self,
        group: usize,
        most: usize,
        mut take: impl FnMut(Vec<u8>, i64) -> Result<(), String>,
    ) -> Result<(), Problem> {
        let (group, rows) = (self.reader.get_row_group(group)?, self.most_rows(group));
        let pages = |column| Ok::<_, Problem>((group.get_column_page_reader(column)?, self.defined(column)));
        let ((images, image_level), (labels, label_level)) = (pages(self.image)?, pages(self.label.at)?);
        let mut images = Cells::new(images, cells::bytes, image_level, rows);
        let mut labels = Cells::new(labels, self.number(), label_level, rows);
        for _ in 0..most {
            match (images.next()?, labels.next()?) {
                (None, None) => break,
                (None, _) => return Err("more labels than images".into()),
                (_, None) => return Err("fewer labels than images".into()),
                (_, Some(None)) => return Err("a row without a label".into()),
                (Some(None), _) => return Err(Problem::NoImage),
                (Some(Some(image)), Some(Some(label))) => take(image, label)?,
            }
        }
        Ok(())
    }

    /// Rows that a group may have, by the bytes of its images in the file. (Labels that are sorted take next to none.)
    fn most_rows(&self, group: usize) -> u64 {
        let images = self.reader.metadata().row_group(group).column(self.image);
        let bytes = u64::try_from(images.compressed_size()).unwrap_or(0).min(self.size);
        LEAST_ROWS.max(bytes.saturating_mul(MOST_ROWS_A_BYTE))
    }

    /// How labels are written.
    fn number(&self) -> cells::Plain<i64> {
        let column = self.reader.metadata().file_metadata().schema_descr().column(self.label.at);
        if column.physical_type() == Physical::INT64 { cells::long } else { cells::short }
    }

    /// The level of definition of a cell of a column that is there.
    fn defined(&self, column: usize) -> i16 {
        self.reader.metadata().file_metadata().schema_descr().column(column).max_def_level()
    }
}

fn refused(path: &Path) -> impl Fn(String) -> Error {
    let path = path.to_path_buf();
    move |found| Error::Batch { path: path.clone(), found, expected: "a parquet file of images".to_owned() }
}

fn unsuitable(path: &Path, found: String, expected: &str) -> Error {
    Error::Table(TableError::Unfit { path: path.to_path_buf(), found, expected: expected.to_owned() })
}

/// The number of a column, if it has one value a row of one of the types.
fn column(reader: &SerializedFileReader<File>, path: &[&str], types: &[Physical]) -> Option<usize> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns = schema.columns().iter();
    columns.enumerate().find_map(|(at, column)| {
        let is_it = column.path().parts().iter().eq(path) && column.max_rep_level() == 0;
        (is_it && types.contains(&column.physical_type())).then_some(at)
    })
}

/// Where the pages of a column lie in a file of some size.
fn place(chunk: &ColumnChunkMetaData, size: u64) -> Result<std::ops::Range<u64>, String> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let place = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
    let place = place.and_then(|(start, len)| Some(start..start.checked_add(len)?));
    place.filter(|place| place.end <= size).ok_or_else(|| "a column that lies outside of the file".to_owned())
}
