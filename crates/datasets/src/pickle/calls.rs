//! The names that stand before NumPy's arrays of bytes, and what calls of them give. No other name may stand in the file.

use ::pickle::{Answer, Calls, Object, Refusal, Span, Value, Values};

/// What NumPy's calls make.
#[derive(Debug, Clone)]
pub(super) enum Made {
    /// The type of one byte.
    Dtype,
    Array(Array),
}

/// An array of bytes in C order: its sides and where its data lies. Before its state is known it has nothing.
#[derive(Debug, Clone)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) data: Span,
}

/// The three names.
const RECONSTRUCT: [&[u8]; 2] = [b"numpy.core.multiarray", b"numpy._core.multiarray"];
const NDARRAY: (&[u8], &[u8]) = (b"numpy", b"ndarray");
const DTYPE: (&[u8], &[u8]) = (b"numpy", b"dtype");

pub(super) struct NumPy;

impl Calls for NumPy {
    type Made = Made;

    fn name(&self, module: &[u8], name: &[u8]) -> Result<(), Refusal> {
        if is_reconstruct((module, name)) || [NDARRAY, DTYPE].contains(&(module, name)) {
            return Ok(());
        }
        let name = [module, b".", name].concat();
        let found = format!("the name `{}`", String::from_utf8_lossy(&name[..name.len().min(80)]));
        Err(Refusal::new(found, "none but those of NumPy's arrays; nothing was run"))
    }

    /// `_reconstruct(ndarray, (0,), 'b')` and `dtype('u1', …)`.
    fn call(
        &self,
        values: Values<'_, Made>,
        function: Value,
        arguments: Value,
    ) -> Result<Answer<Made>, Refusal> {
        let first = values.items(arguments).and_then(|arguments| arguments.first());
        let made = match (values.global(function), first) {
            (Some(name), Some(&class)) if is_reconstruct(name) && values.global(class) == Some(NDARRAY) => {
                Made::Array(Array { shape: vec![0], data: Span::default() })
            }
            (Some(DTYPE), Some(&kind)) if matches!(values.string(kind), Some(b"u1" | b"|u1")) => Made::Dtype,
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
            Some(Made::Array(_)) => Ok(Some(Object::Made(Made::Array(array(values, state)?)))),
            None => Err(Refusal::new("nothing to add that to", "a list, a dictionary or an array")),
        }
    }

    fn weight(&self, made: &Made) -> usize {
        if let Made::Array(array) = made { array.shape.len() } else { 0 }
    }
}

fn array(values: Values<'_, Made>, state: Value) -> Result<Array, Refusal> {
    let other = || Refusal::new("another state", "that of an array in C order");
    let Some(&[version, shape, dtype, is_fortran, data]) = values.items(state) else { return Err(other()) };
    let (Some(_), Some(0), Value::Text(data) | Value::Bytes(data)) = (int(version), int(is_fortran), data)
    else {
        return Err(other());
    };
    let side = |&value: &Value| int(value).and_then(|side| usize::try_from(side).ok());
    let shape: Option<Vec<usize>> = values.items(shape).and_then(|sides| sides.iter().map(side).collect());
    let shape = shape.ok_or_else(|| Refusal::new("no sides", "those of an array"))?;
    let size = shape.iter().try_fold(1_usize, |size, &side| size.checked_mul(side));
    if !matches!(values.made(dtype), Some(Made::Dtype)) || size != Some(data.len()) {
        let found = format!("{} bytes of data", data.len());
        return Err(Refusal::new(found, format!("an array {shape:?} of bytes")));
    }
    Ok(Array { shape, data })
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
