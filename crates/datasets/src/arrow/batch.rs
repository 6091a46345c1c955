//! The rows of a batch: where their images are, and their labels.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use super::{
    failed::Failed,
    flat::{Table, number},
    schema::{Numbers, Place, Schema},
};

/// What columns may be compressed by, by number.
const CODECS: [&str; 2] = ["LZ4", "ZSTD"];

/// A row: where its image is in the file, and its label.
pub(super) type Row = (Range<u64>, i64);

/// The parts of a batch.
struct Batch<'a> {
    file: &'a File,
    /// The number of its first row in the file.
    first: u64,
    rows: u64,
    /// The counts of each column: rows and nulls.
    nodes: Vec<[u64; 2]>,
    /// Where its pieces are in the file.
    buffers: Vec<Range<u64>>,
}

/// The rows of a batch whose body is at a place of a file, which has `first` rows before.
pub(super) fn rows(
    file: &File,
    first: u64,
    table: Table<'_>,
    body: &Range<u64>,
    schema: &Schema,
) -> Result<Vec<Row>, Failed> {
    let batch = Batch::new(file, first, table, body)?;
    if batch.rows == 0 {
        return Ok(Vec::new());
    }
    let images = batch.images(schema)?;
    let labels = batch.numbers(&schema.labels)?;
    Ok(images.into_iter().zip(labels).collect())
}

impl<'a> Batch<'a> {
    fn new(file: &'a File, first: u64, table: Table<'_>, body: &Range<u64>) -> Result<Self, Failed> {
        let damaged = || Failed::Damaged(format!("a damaged batch of rows before byte {}", body.start));
        if let Some(compression) = table.table(3).ok_or_else(damaged)? {
            let codec = compression.number::<1>(0).and_then(|codec| usize::try_from(codec).ok());
            let codec = codec.and_then(|codec| CODECS.get(codec)).ok_or_else(damaged)?;
            let found = format!("columns compressed by {codec}");
            let expected = "uncompressed ones (write it by save_to_disk of Python's `datasets`, or by pyarrow without compression)";
            return Err(Failed::unsuitable(&found, expected));
        }
        let rows = table.number::<8>(0).and_then(|rows| u64::try_from(rows).ok()).ok_or_else(damaged)?;
        let nodes = table.pairs(1).ok_or_else(damaged)?;
        let inside = |[start, length]: [u64; 2]| {
            let start = body.start.checked_add(start)?;
            let end = start.checked_add(length).filter(|end| *end <= body.end)?;
            Some(start..end)
        };
        let buffers = table.pairs(2).ok_or_else(damaged)?.into_iter().map(inside).collect::<Option<_>>();
        Ok(Self { file, first, rows, nodes, buffers: buffers.ok_or_else(damaged)? })
    }

    /// Where the images are.
    fn images(&self, schema: &Schema) -> Result<Vec<Range<u64>>, Failed> {
        let images = schema.images;
        for column in images.outer.into_iter().chain([images.bytes]) {
            if let Some(row) = self.first_null(column)? {
                return Err(Failed::NoImage { row });
            }
        }
        let values = self.buffer(images.bytes, 2)?;
        let places = self.bytes(self.buffer(images.bytes, 1)?, self.rows.saturating_add(1), images.width)?;
        let outside = || self.damaged("an image outside of it");
        let place = |bytes: &[u8]| {
            let place = if images.width == 4 { number::<4>(bytes, 0) } else { number::<8>(bytes, 0) };
            let place = values.start.checked_add(u64::try_from(place?).ok()?)?;
            (place <= values.end).then_some(place)
        };
        let places: Option<Vec<u64>> = places.chunks_exact(images.width).map(place).collect();
        let places = places.ok_or_else(outside)?;
        let range = |pair: &[u64]| (pair[0] <= pair[1]).then_some(pair[0]..pair[1]);
        places.windows(2).map(range).collect::<Option<_>>().ok_or_else(outside)
    }

    fn numbers(&self, numbers: &Numbers) -> Result<Vec<i64>, Failed> {
        if let Some(row) = self.first_null(numbers.place)? {
            return Err(Failed::unsuitable(&format!("no label in row {row}"), "a label in each row"));
        }
        let bytes = self.bytes(self.buffer(numbers.place, 1)?, self.rows, numbers.width)?;
        let unsigned =
            |wide: i64| if numbers.width < 8 { wide & ((1 << (8 * numbers.width)) - 1) } else { wide };
        let one = |bytes: &[u8]| {
            let wide = match numbers.width {
                1 => number::<1>(bytes, 0),
                2 => number::<2>(bytes, 0),
                4 => number::<4>(bytes, 0),
                _ => number::<8>(bytes, 0),
            };
            wide.map(|wide| if numbers.is_signed { wide } else { unsigned(wide) })
        };
        let labels = bytes.chunks_exact(numbers.width).map(one).collect::<Option<_>>();
        labels.ok_or_else(|| self.damaged("labels that end early"))
    }

    /// The first row in which a column has no value.
    fn first_null(&self, column: Place) -> Result<Option<u64>, Failed> {
        let [rows, nulls] = *self.nodes.get(column.node).ok_or_else(|| self.damaged("too few columns"))?;
        if rows != self.rows {
            return Err(self.damaged("columns of several lengths"));
        }
        let bitmap = self.buffer(column, 0)?;
        // A column without nulls need not say so for each row.
        if nulls == 0 || bitmap.is_empty() {
            return Ok(None);
        }
        let bits = self.bytes(bitmap, self.rows.div_ceil(8), 1)?;
        let is_there = |row: u64| bits[(row / 8) as usize] >> (row % 8) & 1 == 1;
        Ok((0..self.rows).find(|&row| !is_there(row)).map(|row| self.first + row))
    }

    /// Where a piece of a column is.
    fn buffer(&self, column: Place, piece: usize) -> Result<Range<u64>, Failed> {
        self.buffers.get(column.buffer + piece).cloned().ok_or_else(|| self.damaged("too few columns"))
    }

    /// The first elements of a piece, each of some bytes.
    fn bytes(&self, place: Range<u64>, count: u64, size: usize) -> Result<Vec<u8>, Failed> {
        let wanted = count.checked_mul(size as u64).filter(|wanted| *wanted <= place.end - place.start);
        let wanted = wanted.ok_or_else(|| self.damaged("a column that is shorter than it says"))?;
        let (mut file, mut bytes) = (self.file, Vec::with_capacity(wanted as usize));
        file.seek(SeekFrom::Start(place.start))?;
        file.take(wanted).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < wanted {
            return Err(self.damaged("a column that is cut short"));
        }
        Ok(bytes)
    }

    fn damaged(&self, found: &str) -> Failed {
        Failed::Damaged(format!("{found}, in a batch of {} rows", self.rows))
    }
}
