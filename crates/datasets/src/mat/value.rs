//! What variables hold.

/// The value of a variable, of a cell or of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Numbers(Numbers),
    /// A text; one of several rows has them one after the other.
    Text(String),
    /// Values with sides, the first side first.
    Cell {
        sides: Vec<usize>,
        values: Vec<Value>,
    },
    Struct(Struct),
    /// What is not read, by its name.
    Unread(&'static str),
}

/// Numbers with sides, the first side first: of (2, 3) the values (0, 0), (1, 0), (0, 1) … one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) sides: Vec<usize>,
    /// Their type as they are stored, which may be smaller than that of their array.
    pub(super) kind: Kind,
    pub(super) is_big_endian: bool,
    pub(super) bytes: Vec<u8>,
}

/// The types of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

/// Records of the same fields.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Struct {
    pub(crate) sides: Vec<usize>,
    pub(crate) fields: Vec<String>,
    /// Of each record the value of each field.
    pub(crate) values: Vec<Value>,
}

impl Kind {
    /// The type that a file has this number for.
    pub(super) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::I8,
            2 => Self::U8,
            3 => Self::I16,
            4 => Self::U16,
            5 => Self::I32,
            6 => Self::U32,
            7 => Self::F32,
            9 => Self::F64,
            12 => Self::I64,
            13 => Self::U64,
            _ => return None,
        })
    }

    /// Bytes of a value.
    pub(super) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

impl Numbers {
    /// The numbers, if they are stored as u8.
    pub(crate) fn into_bytes(self) -> Option<Vec<u8>> {
        (self.kind == Kind::U8).then_some(self.bytes)
    }

    /// The numbers; of integers beyond 2⁵³ the nearest.
    pub(crate) fn to_f64(&self) -> Vec<f64> {
        match self.kind {
            Kind::I8 => self.each(|value| f64::from(i8::from_le_bytes(value))),
            Kind::U8 => self.each(|[value]| f64::from(value)),
            Kind::I16 => self.each(|value| f64::from(i16::from_le_bytes(value))),
            Kind::U16 => self.each(|value| f64::from(u16::from_le_bytes(value))),
            Kind::I32 => self.each(|value| f64::from(i32::from_le_bytes(value))),
            Kind::U32 => self.each(|value| f64::from(u32::from_le_bytes(value))),
            Kind::F32 => self.each(|value| f64::from(f32::from_le_bytes(value))),
            Kind::F64 => self.each(f64::from_le_bytes),
            Kind::I64 => self.each(|value| i64::from_le_bytes(value) as f64),
            Kind::U64 => self.each(|value| u64::from_le_bytes(value) as f64),
        }
    }

    /// Each value, from bytes that start with the smallest.
    fn each<const N: usize>(&self, value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let turned = |&(mut bytes): &[u8; N]| {
            if self.is_big_endian {
                bytes.reverse();
            }
            value(bytes)
        };
        self.bytes.as_chunks().0.iter().map(turned).collect()
    }
}

impl Value {
    /// A text, or nothing if it is something else.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A single number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Numbers(numbers) if numbers.bytes.len() == numbers.kind.size() => {
                numbers.to_f64().first().copied()
            }
            _ => None,
        }
    }

    /// Records. Of a cell of single records those, for Python's lists of dictionaries are written so.
    pub(crate) fn records(&self) -> Option<Vec<Record<'_>>> {
        match self {
            Self::Struct(records) => Some(records.records().collect()),
            Self::Cell { values, .. } => {
                let records = values.iter().map(|value| match value {
                    Self::Struct(records) if records.values.len() == records.fields.len() => {
                        records.records().next()
                    }
                    _ => None,
                });
                records.collect()
            }
            _ => None,
        }
    }
}

impl Struct {
    /// The records, the first side first.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let each = self.values.chunks_exact(self.fields.len().max(1));
        each.map(|values| Record { fields: &self.fields, values })
    }
}

/// One of the records of a structure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    fields: &'a [String],
    values: &'a [Value],
}

impl<'a> Record<'a> {
    /// The value of a field, if there is such a field.
    pub(crate) fn get(&self, field: &str) -> Option<&'a Value> {
        let at = self.fields.iter().position(|name| name == field)?;
        self.values.get(at)
    }
}
