//! The columns of a table, and where each has its parts in a batch of rows.
//!
//! A batch has a count of rows and of nulls for each column, parents before children, and in this order too the columns' pieces: a bitmap
//! of what is there, places of what has any length, values.

use super::{failed::Failed, flat::Table};

/// More columns than any table of images has, and more levels of structures.
const MOST_COLUMNS: usize = 4096;
const DEEPEST: usize = 16;

/// Columns that a message names, and letters of their names.
const MOST_SHOWN: usize = 8;
const LONGEST_SHOWN: usize = 40;

/// Columns that hold images: bytes, or structures with bytes.
const IMAGES: [&str; 2] = ["img", "image"];
const BYTES: &str = "bytes";

/// Numbers of types in the format's schema.
const INT: i64 = 2;
const BINARY: i64 = 4;
const STRUCT: i64 = 13;
const LARGE_BINARY: i64 = 19;

/// A column's place in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The number of its counts.
    pub(super) node: usize,
    /// The number of its first piece.
    pub(super) buffer: usize,
}

/// Encoded images.
#[derive(Debug, Clone, Copy)]
pub(super) struct Images {
    /// The structure that has the bytes.
    pub(super) outer: Option<Place>,
    pub(super) bytes: Place,
    /// Bytes that a place takes.
    pub(super) width: usize,
}

/// Whole numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) place: Place,
    /// Bytes that each takes.
    pub(super) width: usize,
    pub(super) is_signed: bool,
}

/// What is read of a table.
pub(super) struct Schema {
    pub(super) images: Images,
    pub(super) labels: Numbers,
    /// The name of the column of labels.
    pub(super) label_column: String,
    /// What is kept beside the table.
    pub(super) text: Option<String>,
}

/// A column.
struct Column<'a> {
    name: &'a str,
    kind: Kind,
    place: Place,
    children: Vec<Column<'a>>,
}

#[derive(Clone, Copy)]
enum Kind {
    Int { width: usize, is_signed: bool },
    Bytes { width: usize },
    Struct,
    Other(&'static str),
}

impl Schema {
    /// The columns that are read, the first of `labels` that is there among them, and the text under a key.
    pub(super) fn read(table: Table<'_>, labels: &[&str], key: &str) -> Result<Self, Failed> {
        let damaged = || Failed::damaged("a damaged schema");
        if table.number::<2>(0).ok_or_else(damaged)? != 0 {
            return Err(Failed::unsuitable(
                "numbers with their first byte first",
                "those of common machines",
            ));
        }
        let mut walk = Walk { next: Place { node: 0, buffer: 0 } };
        let columns = walk.columns(table.tables(1).ok_or_else(damaged)?, 0)?;
        let text = text(table, key).ok_or_else(damaged)?;
        let images =
            IMAGES.iter().find_map(|name| images(columns.iter().find(|column| column.name == *name)?));
        let images = images.ok_or_else(|| {
            let expected = "a column `img` or `image` of encoded images (rename_column of Python's `datasets` renames one)";
            Failed::unsuitable(&described(&columns), expected)
        })?;
        let label = labels.iter().find_map(|name| columns.iter().find(|column| column.name == *name));
        let (labels, label_column) = label.and_then(numbers).ok_or_else(|| {
            let expected = format!(
                "a column `{}` of whole numbers (class_encode_column of Python's `datasets` makes one)",
                labels.join("` or `")
            );
            Failed::unsuitable(&described(&columns), &expected)
        })?;
        Ok(Self { images, labels, label_column, text })
    }
}

fn images(column: &Column<'_>) -> Option<Images> {
    let bytes = |column: &Column<'_>, outer| match column.kind {
        Kind::Bytes { width } => Some(Images { outer, bytes: column.place, width }),
        _ => None,
    };
    match column.kind {
        Kind::Struct => bytes(column.children.iter().find(|child| child.name == BYTES)?, Some(column.place)),
        _ => bytes(column, None),
    }
}

fn numbers(column: &Column<'_>) -> Option<(Numbers, String)> {
    let Kind::Int { width, is_signed } = column.kind else { return None };
    Some((Numbers { place: column.place, width, is_signed }, column.name.to_owned()))
}

/// The columns in a message.
fn described(columns: &[Column<'_>]) -> String {
    let kind = |kind: Kind| match kind {
        Kind::Int { .. } => "whole numbers",
        Kind::Bytes { .. } => "bytes",
        Kind::Struct => "structures",
        Kind::Other(name) => name,
    };
    let name = |name: &str| name.chars().take(LONGEST_SHOWN).collect::<String>();
    let columns: Vec<String> = columns
        .iter()
        .take(MOST_SHOWN)
        .map(|column| format!("`{}` ({})", name(column.name), kind(column.kind)))
        .collect();
    if columns.is_empty() { "no columns".to_owned() } else { format!("columns {}", columns.join(", ")) }
}

fn text(table: Table<'_>, key: &str) -> Option<Option<String>> {
    // Copies none but this one: all pairs may be the same long text.
    let found = table.tables(2)?.into_iter().find(|pair| pair.text(0) == Some(key));
    found.map(|pair| pair.text(1).map(str::to_owned)).map_or(Some(None), |text| text.map(Some))
}

/// Goes over the columns in the order of their parts.
struct Walk {
    next: Place,
}

impl Walk {
    fn columns<'a>(&mut self, fields: Vec<Table<'a>>, deep: usize) -> Result<Vec<Column<'a>>, Failed> {
        fields.into_iter().map(|field| self.column(field, deep)).collect()
    }

    fn column<'a>(&mut self, field: Table<'a>, deep: usize) -> Result<Column<'a>, Failed> {
        let damaged = || Failed::damaged("a damaged schema");
        // One column may stand for the children of many: only counting them all ends.
        if deep > DEEPEST || self.next.node >= MOST_COLUMNS {
            return Err(Failed::damaged("a schema of too many columns"));
        }
        let name = field.text(0).ok_or_else(damaged)?;
        let is_coded = field.table(4).ok_or_else(damaged)?.is_some();
        let number = field.number::<1>(2).ok_or_else(damaged)?;
        let (kind, buffers) = match is_coded {
            true => (Kind::Other("numbers that stand for values of a dictionary"), 2),
            false => {
                kind(number, field.table(3).ok_or_else(damaged)?).ok_or_else(|| unknown(name, number))?
            }
        };
        let place = self.next;
        self.next = Place { node: place.node + 1, buffer: place.buffer + buffers };
        // What is coded has its values in batches of their own.
        let children = if is_coded { Vec::new() } else { field.tables(5).ok_or_else(damaged)? };
        Ok(Column { name, kind, place, children: self.columns(children, deep + 1)? })
    }
}

/// What a type is, and how many pieces it has without those of its children.
fn kind(number: i64, table: Option<Table<'_>>) -> Option<(Kind, usize)> {
    Some(match number {
        INT => {
            let (bits, is_signed) = (table?.number::<4>(0)?, table?.number::<1>(1)? != 0);
            let width = [1, 2, 4, 8].into_iter().find(|width| 8 * *width as i64 == bits)?;
            (Kind::Int { width, is_signed }, 2)
        }
        BINARY => (Kind::Bytes { width: 4 }, 3),
        LARGE_BINARY => (Kind::Bytes { width: 8 }, 3),
        STRUCT => (Kind::Struct, 1),
        1 => (Kind::Other("nothing"), 0),
        3 | 7 => (Kind::Other("numbers with a point"), 2),
        5 | 20 => (Kind::Other("texts"), 3),
        6 | 8 | 9 | 10 | 11 | 15 | 18 => (Kind::Other("values of a fixed size"), 2),
        12 | 17 | 21 => (Kind::Other("lists"), 2),
        16 => (Kind::Other("lists"), 1),
        _ => return None,
    })
}

fn unknown(name: &str, number: i64) -> Failed {
    let kind = match number {
        14 => "union",
        22 => "run_end_encoded",
        23 => "binary_view",
        24 => "string_view",
        25 | 26 => "list_view",
        _ => return Failed::damaged("a damaged schema"),
    };
    let found = format!("the column `{name}` of type {kind}");
    Failed::unsuitable(&found, "columns of simple types (cast it, or leave it out, with pyarrow)")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schema of structures in structures: each has as many children, which are all the same one.
    fn nested(levels: usize, children: usize) -> Vec<u8> {
        // Where the fields of a structure are (its type, its children), and where those of the schema.
        let mut words = vec![28_u32, 16 | 12 << 16, 0, 8, 4 << 16, 8 | 8 << 16, 4 << 16];
        let here = |words: &[u32]| 4 * words.len() as u32;
        words.extend([8, 4]);
        for _ in 0..levels {
            // The list of children ends where the structure begins that all of them are.
            let list = here(&words);
            words.push(children as u32);
            words.extend((0..children as u32).map(|child| 4 * (children as u32 - child)));
            assert_eq!(here(&words), list + 4 + 4 * children as u32);
            let back = here(&words) - 4;
            words.extend([back, 8, STRUCT as u32]);
        }
        words.push(0);
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn read(bytes: &[u8]) -> String {
        let table = Table::root(bytes).expect("a table");
        let failed = Schema::read(table, &["label"], "huggingface").map(|_| ()).expect_err("no images");
        failed.of(std::path::Path::new("table.arrow")).to_string()
    }

    #[test]
    fn a_schema_that_names_a_column_many_times_over_ends() {
        assert!(read(&nested(1, 1)).contains("found columns `` (structures), expected a column `img`"));
        for (levels, children) in [(16, 60), (40, 1), (1, 4097), (2, 4096)] {
            let text = read(&nested(levels, children));
            assert!(text.contains("too many columns") || text.contains("a damaged schema"), "{text}");
        }
    }
}
