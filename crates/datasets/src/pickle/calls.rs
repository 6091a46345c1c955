//! The names that stand before NumPy's arrays of bytes, and what calls of them give. No other name may stand in the file.

use ::pickle::{Answer, Calls, Object, Refusal, Span, Value, Values};

/// What NumPy's calls make.
#[derive(Debug, Clone)]
pub(super) enum Made {
    /// The type of one byte.
    Dtype,
    Array(Array),
    /// A text as bytes: how Python 3 writes bytes by the protocols 0 to 2.
    Latin1(Value),
}

/// An array of bytes: its sides, the string that its data are, and whether the first side varies fastest. Before its state is known it has
/// nothing.
#[derive(Debug, Clone)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) data: Value,
    pub(super) is_fortran: bool,
}

/// The names.
const RECONSTRUCT: [&[u8]; 2] = [b"numpy.core.multiarray", b"numpy._core.multiarray"];
const FROM_BUFFER: [&[u8]; 2] = [b"numpy.core.numeric", b"numpy._core.numeric"];
const ENCODE: (&[u8], &[u8]) = (b"_codecs", b"encode");
const NDARRAY: (&[u8], &[u8]) = (b"numpy", b"ndarray");
const DTYPE: (&[u8], &[u8]) = (b"numpy", b"dtype");

pub(super) struct NumPy;

impl Calls for NumPy {
    type Made = Made;

    fn name(&self, module: &[u8], name: &[u8]) -> Result<(), Refusal> {
        let is_known = [NDARRAY, DTYPE, ENCODE].contains(&(module, name));
        if is_known || is_reconstruct((module, name)) || is_from_buffer((module, name)) {
            return Ok(());
        }
        let name = [module, b".", name].concat();
        let found = format!("the name `{}`", String::from_utf8_lossy(&name[..name.len().min(80)]));
        Err(Refusal::new(found, "none but those of NumPy's arrays; nothing was run"))
    }

    /// `_reconstruct(ndarray, (0,), 'b')`, `_frombuffer(data, dtype, shape, order)`, `dtype('u1', …)` and `encode(text, 'latin1')`.
    fn call(
        &self,
        values: Values<'_, Made>,
        function: Value,
        arguments: Value,
    ) -> Result<Answer<Made>, Refusal> {
        let arguments = values.items(arguments).unwrap_or_default();
        let made = match (values.global(function), arguments) {
            (Some(name), [class, ..]) if is_reconstruct(name) && values.global(*class) == Some(NDARRAY) => {
                Made::Array(Array { shape: vec![0], data: Value::Bytes(Span::default()), is_fortran: false })
            }
            (Some(name), &[data, dtype, shape, order]) if is_from_buffer(name) => {
                let is_fortran = match values.string(order) {
                    Some(b"C") => Value::Bool(false),
                    Some(b"F") => Value::Bool(true),
                    _ => return Err(Refusal::new("another order", "C or F")),
                };
                Made::Array(array(values, [shape, dtype, is_fortran, data])?)
            }
            (Some(DTYPE), [kind, ..]) if matches!(values.string(*kind), Some(b"u1" | b"|u1")) => Made::Dtype,
            (Some(ENCODE), &[text, encoding]) if values.string(encoding) == Some(b"latin1") => {
                return Ok(match text {
                    // What is the same in every encoding may be a key.
                    Value::Text(span) if values.bytes(span).is_ascii() => Value::Bytes(span).into(),
                    text => Object::Made(Made::Latin1(text)).into(),
                });
            }
            _ => {
                let expected = "none but those that make NumPy's arrays of bytes; nothing was run";
                return Err(Refusal::new("a call", expected));
            }
        };
        Ok(Object::Made(made).into())
    }

    /// The state of an array: `(version, shape, dtype, is_fortran, data)`. A dtype of one byte needs none.
    fn build(
        &self,
        values: Values<'_, Made>,
        object: Value,
        state: Value,
    ) -> Result<Option<Object<Made>>, Refusal> {
        match values.made(object) {
            Some(Made::Dtype) => Ok(None),
            Some(Made::Array(_)) => match values.items(state) {
                Some(&[version, ref rest @ ..]) if int(version).is_some() && rest.len() == 4 => {
                    let array = array(values, [rest[0], rest[1], rest[2], rest[3]])?;
                    Ok(Some(Object::Made(Made::Array(array))))
                }
                _ => Err(Refusal::new("another state", "that of an array")),
            },
            Some(Made::Latin1(_)) | None => {
                Err(Refusal::new("nothing to add that to", "a list, a dictionary or an array"))
            }
        }
    }

    fn weight(&self, made: &Made) -> usize {
        if let Made::Array(array) = made { array.shape.len() } else { 0 }
    }
}

/// An array of `(shape, dtype, is_fortran, data)`.
fn array(values: Values<'_, Made>, [shape, dtype, is_fortran, data]: [Value; 4]) -> Result<Array, Refusal> {
    let data = match values.made(data) {
        Some(&Made::Latin1(text)) => text,
        _ => data,
    };
    let is_string = matches!(data, Value::Text(_) | Value::Bytes(_) | Value::Escaped(..));
    let (Some(is_fortran @ (0 | 1)), true) = (int(is_fortran), is_string) else {
        return Err(Refusal::new("another state", "that of an array of bytes"));
    };
    let side = |&value: &Value| int(value).and_then(|side| usize::try_from(side).ok());
    let shape: Option<Vec<usize>> = values.items(shape).and_then(|sides| sides.iter().map(side).collect());
    let shape = shape.ok_or_else(|| Refusal::new("no sides", "those of an array"))?;
    if !matches!(values.made(dtype), Some(Made::Dtype)) {
        return Err(Refusal::new("another type", format!("an array {shape:?} of bytes")));
    }
    Ok(Array { shape, data, is_fortran: is_fortran == 1 })
}

/// A whole number; truth values are numbers, too.
pub(super) fn int(value: Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number),
        Value::Bool(truth) => Some(truth.into()),
        _ => None,
    }
}

fn is_reconstruct((module, name): (&[u8], &[u8])) -> bool {
    RECONSTRUCT.contains(&module) && name == b"_reconstruct"
}

fn is_from_buffer((module, name): (&[u8], &[u8])) -> bool {
    FROM_BUFFER.contains(&module) && name == b"_frombuffer"
}
