//! Numbers that are known when a graph is read.

use std::sync::Arc;

use prost::bytes::Bytes;

use crate::{
    problem::{Problem, Result},
    proto,
};

/// More numbers than any weight of a classifier has.
pub(crate) const MOST: usize = 1 << 28;

/// Numbers of one kind. Floating-point numbers of any width are f32 here, whole numbers i64.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Numbers {
    Floats(Arc<Vec<f32>>),
    Ints(Arc<Vec<i64>>),
    /// 0 or 1.
    Flags(Arc<Vec<i64>>),
}

impl Numbers {
    pub(crate) fn floats(values: Vec<f32>) -> Self {
        Self::Floats(Arc::new(values))
    }

    pub(crate) fn ints(values: Vec<i64>) -> Self {
        Self::Ints(Arc::new(values))
    }

    pub(crate) fn flags(values: Vec<i64>) -> Self {
        Self::Flags(Arc::new(values))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Ints(values) | Self::Flags(values) => values.len(),
        }
    }

    /// Those at these places.
    pub(crate) fn at(&self, places: &[u32]) -> Self {
        match self {
            Self::Floats(values) => Self::floats(places.iter().map(|&at| values[at as usize]).collect()),
            Self::Ints(values) => Self::ints(places.iter().map(|&at| values[at as usize]).collect()),
            Self::Flags(values) => Self::flags(places.iter().map(|&at| values[at as usize]).collect()),
        }
    }

    pub(crate) fn as_floats(&self) -> Arc<Vec<f32>> {
        match self {
            Self::Floats(values) => Arc::clone(values),
            Self::Ints(values) | Self::Flags(values) => {
                Arc::new(values.iter().map(|&value| value as f32).collect())
            }
        }
    }

    pub(crate) fn as_doubles(&self) -> Vec<f64> {
        match self {
            Self::Floats(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Self::Ints(values) | Self::Flags(values) => values.iter().map(|&value| value as f64).collect(),
        }
    }

    /// Fractions are cut off.
    pub(crate) fn as_ints(&self) -> Arc<Vec<i64>> {
        match self {
            Self::Floats(values) => Arc::new(values.iter().map(|&value| value as i64).collect()),
            Self::Ints(values) | Self::Flags(values) => Arc::clone(values),
        }
    }
}

/// Types of numbers, by ONNX's codes.
pub(crate) fn kind_of(code: i64) -> Result<Numbers> {
    match code {
        1 | 10 | 11 | 16 => Ok(Numbers::floats(Vec::new())),
        2..=7 | 12 | 13 => Ok(Numbers::ints(Vec::new())),
        9 => Ok(Numbers::flags(Vec::new())),
        8 => Err(Problem::wrong("texts, expected numbers")),
        14 | 15 => Err(Problem::wrong("complex numbers, expected real ones")),
        17..=22 => Err(Problem::wrong(
            "numbers of 4 or 8 bits, expected f32; export the network before it is quantised",
        )),
        _ => Err(Problem::wrong(format!("numbers of the unknown type {code}"))),
    }
}

/// Sizes as usize, and their product; each is checked.
pub(crate) fn sizes(dims: &[i64]) -> Result<(Vec<usize>, usize)> {
    let refused = || Problem::wrong(format!("the shape {dims:?}, expected at most {MOST} numbers"));
    let shape: Vec<usize> =
        dims.iter().map(|&size| usize::try_from(size).map_err(|_| refused())).collect::<Result<_>>()?;
    let count = shape.iter().try_fold(1usize, |count, &size| count.checked_mul(size));
    match count.filter(|&count| count <= MOST && shape.iter().all(|&size| size <= MOST)) {
        Some(count) => Ok((shape, count)),
        None => Err(refused()),
    }
}

/// Shape and numbers of a tensor; `outside` are those that the file has elsewhere.
pub(crate) fn read(tensor: &proto::Tensor, outside: Option<Bytes>) -> Result<(Vec<usize>, Numbers)> {
    let (shape, count) = sizes(&tensor.dims)?;
    let raw = outside.as_ref().or(tensor.raw_data.as_ref().filter(|raw| !raw.is_empty()));
    let numbers = match raw {
        Some(raw) => of_bytes(tensor.data_type, raw, count)?,
        None => of_fields(tensor)?,
    };
    if numbers.len() != count {
        return Err(Problem::wrong(format!(
            "{} numbers, expected {count} by the shape {shape:?}",
            numbers.len()
        )));
    }
    Ok((shape, numbers))
}

/// Bytes of a number of a type.
pub(crate) fn width(code: i32) -> Result<usize> {
    kind_of(i64::from(code))?;
    Ok(match code {
        2 | 3 | 9 => 1,
        4 | 5 | 10 | 16 => 2,
        1 | 6 | 12 => 4,
        _ => 8,
    })
}

fn of_bytes(code: i32, raw: &[u8], count: usize) -> Result<Numbers> {
    let width = width(code)?;
    if raw.len() != count * width {
        return Err(Problem::wrong(format!("{} bytes, expected {count} numbers of {width} each", raw.len())));
    }
    fn each<const N: usize, T>(raw: &[u8], of: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (parts, _) = raw.as_chunks::<N>();
        parts.iter().map(|part| of(*part)).collect()
    }
    Ok(match code {
        1 => Numbers::floats(each(raw, f32::from_le_bytes)),
        2 => Numbers::ints(raw.iter().map(|&value| i64::from(value)).collect()),
        3 => Numbers::ints(each(raw, |part| i64::from(i8::from_le_bytes(part)))),
        4 => Numbers::ints(each(raw, |part| i64::from(u16::from_le_bytes(part)))),
        5 => Numbers::ints(each(raw, |part| i64::from(i16::from_le_bytes(part)))),
        6 => Numbers::ints(each(raw, |part| i64::from(i32::from_le_bytes(part)))),
        7 => Numbers::ints(each(raw, i64::from_le_bytes)),
        9 => Numbers::flags(raw.iter().map(|&value| i64::from(value != 0)).collect()),
        10 => Numbers::floats(each(raw, |part| half::f16::from_le_bytes(part).to_f32())),
        11 => Numbers::floats(each(raw, |part| f64::from_le_bytes(part) as f32)),
        12 => Numbers::ints(each(raw, |part| i64::from(u32::from_le_bytes(part)))),
        13 => Numbers::ints(each(raw, |part| u64::from_le_bytes(part) as i64)),
        _ => Numbers::floats(each(raw, |part| half::bf16::from_le_bytes(part).to_f32())),
    })
}

fn of_fields(tensor: &proto::Tensor) -> Result<Numbers> {
    let halves = |of: fn(u16) -> f32| tensor.int32_data.iter().map(|&bits| of(bits as u16)).collect();
    let wide = || tensor.int32_data.iter().map(|&value| i64::from(value)).collect::<Vec<_>>();
    Ok(match tensor.data_type {
        1 => Numbers::floats(tensor.float_data.clone()),
        2..=6 => Numbers::ints(wide()),
        7 => Numbers::ints(tensor.int64_data.clone()),
        9 => Numbers::flags(wide().into_iter().map(|value| i64::from(value != 0)).collect()),
        10 => Numbers::floats(halves(|bits| half::f16::from_bits(bits).to_f32())),
        11 => Numbers::floats(tensor.double_data.iter().map(|&value| value as f32).collect()),
        12 | 13 => Numbers::ints(tensor.uint64_data.iter().map(|&value| value as i64).collect()),
        16 => Numbers::floats(halves(|bits| half::bf16::from_bits(bits).to_f32())),
        code => {
            kind_of(i64::from(code))?;
            return Err(Problem::wrong(format!("numbers of the unknown type {code}")));
        }
    })
}
