//! The few calls that a checkpoint of weights needs, as what they would give. No other call is ever made: it gives an opaque
//! object, which nothing can be done with.

use std::io::Read;

use pickle::{Answer, Calls, Limits, Object, Refusal, Value};

use super::view::{Storage, View, type_of_class};
use crate::numbers::NumberType;

/// A checkpoint has some ten thousand steps, and its numbers stand beside the pickle; more would take memory and time that none needs.
const LIMITS: Limits = Limits { bytes: 64 << 20, steps: 1 << 20, objects: 1 << 20 };

/// More axes no tensor of PyTorch has, and no call here has as many arguments.
const MOST: usize = 64;

/// Nor has a state dict with attributes as many tensors.
const MOST_ENTRIES: usize = 1 << 16;

/// A pickle of PyTorch.
pub(super) type Pickle = pickle::Pickle<Vec<u8>, Made>;

type Values<'a> = pickle::Values<'a, Made>;
type Answered = Result<Answer<Made>, Refusal>;

/// What PyTorch's calls make.
#[derive(Debug, Clone)]
pub(super) enum Made {
    Storage(Storage),
    Tensor(Box<View>),
    /// A type of NumPy's numbers, as `f8`, or bytes as text, as Python 2 has them.
    Text(Value),
    /// A number of NumPy's.
    Number(f64),
    /// What code would have made; the name of the code, if it has one.
    Opaque(Option<Value>),
}

/// Reads a pickle from the start of a stream, which may go on behind it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(stream: impl Read) -> Result<Pickle, String> {
    Pickle::from_stream(stream, LIMITS, &PyTorch).map_err(|error| error.to_string())
}

/// What an opaque object is of: `module.name` of the code that would have made it.
pub(super) fn code(values: Values<'_>, value: Value) -> Option<String> {
    let Made::Opaque(global) = values.made(value)? else { return None };
    let named = global.and_then(|global| values.global(global));
    Some(named.map_or_else(|| "an unnamed function".to_owned(), |(module, name)| joined(module, name)))
}

/// `module.name`, of no more than a hundred characters that can be printed.
fn joined(module: &[u8], name: &[u8]) -> String {
    let text = |bytes: &[u8]| {
        let printable = |c: &char| !c.is_control();
        String::from_utf8_lossy(bytes).chars().filter(printable).take(50).collect::<String>()
    };
    format!("{}.{}", text(module), text(name))
}

struct PyTorch;

impl Calls for PyTorch {
    type Made = Made;

    fn call(&self, values: Values<'_>, function: Value, arguments: Value) -> Answered {
        let Some(name) = values.global(function) else { return opaque(None) };
        let arguments = short(values, arguments).unwrap_or_default();
        match name {
            // Negated or conjugated when it is read: that is what a seventh argument says.
            (b"torch._utils", b"_rebuild_tensor_v2")
                if arguments
                    .get(6)
                    .and_then(|&seventh| values.entries(seventh))
                    .is_some_and(|all| !all.is_empty()) =>
            {
                opaque(Some(function))
            }
            (b"torch._utils", b"_rebuild_tensor_v2" | b"_rebuild_tensor") => made(tensor(values, arguments)?),
            (b"torch._utils", b"_rebuild_parameter" | b"_rebuild_parameter_with_state") => {
                let tensor = arguments.first().copied();
                Ok(tensor.ok_or_else(|| Refusal::new("a parameter of nothing", "a tensor"))?.into())
            }
            (b"torch._utils", b"_rebuild_tensor_v3") => made(tensor_of_type(values, arguments)?),
            (b"torch._tensor", b"_rebuild_from_type_v2") => of_type(values, arguments, function),
            (b"numpy", b"dtype") | (b"_codecs", b"encode") if !arguments.is_empty() => {
                made(Made::Text(arguments[0]))
            }
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"scalar") => {
                numpy_number(values, arguments)
                    .map_or_else(|| opaque(Some(function)), |number| made(Made::Number(number)))
            }
            (b"torch", b"Size") if !arguments.is_empty() => Ok(arguments[0].into()),
            name if is_dictionary(name) => Ok(Object::Dict(pairs(values, arguments)?).into()),
            _ => opaque(Some(function)),
        }
    }

    fn instance(&self, values: Values<'_>, class: Value) -> Answered {
        match values.global(class) {
            Some(name) if is_dictionary(name) => Ok(Object::Dict(Vec::new()).into()),
            named => opaque(named.map(|_| class)),
        }
    }

    /// What stands beside the pickle: `("storage", class, key, place, count[, part])`.
    fn persistent(&self, values: Values<'_>, id: Value) -> Answered {
        let Some(id) = short(values, id) else { return opaque(None) };
        if id.first().and_then(|&kind| values.text(kind)) != Some("storage") {
            return opaque(None);
        }
        let [_, class, Value::Text(key), _, Value::Int(count), ref part @ ..] = id[..] else {
            return Err(Refusal::new("a storage without class, key or length", "one with all three"));
        };
        let Some((_, name)) = values.global(class) else {
            return Err(Refusal::new("a storage without class", "one with a class"));
        };
        let Some(kind) = type_of_class(name) else { return opaque(Some(class)) };
        let count = length(count, kind)?;
        let (start, length) = match part.first().and_then(|&part| short(values, part)) {
            Some(part) => part_of(part, count)?,
            None => (0, count),
        };
        made(Made::Storage(Storage { kind, key, count, start, length }))
    }

    /// A dictionary keeps its attributes under a key that no entry has: those of a state dict are among them. The state of anything
    /// else is dropped, for what a class would do with it is not known.
    fn build(
        &self,
        values: Values<'_>,
        object: Value,
        state: Value,
    ) -> Result<Option<Object<Made>>, Refusal> {
        let attributes = values.entries(state).is_some_and(|entries| entries.len() <= MOST);
        Ok(match values.object(object) {
            Some(Object::Dict(entries)) if attributes && entries.len() <= MOST_ENTRIES => {
                let mut entries = entries.clone();
                entries.push((Value::None, state));
                Some(Object::Dict(entries))
            }
            _ => None,
        })
    }

    fn drops_entries(&self, made: &Made) -> bool {
        matches!(made, Made::Opaque(_))
    }

    fn weight(&self, made: &Made) -> usize {
        if let Made::Tensor(view) = made { 2 * view.shape.len() } else { 0 }
    }
}

fn made(made: Made) -> Answered {
    Ok(Object::Made(made).into())
}

fn opaque(code: Option<Value>) -> Answered {
    made(Made::Opaque(code))
}

/// `(key, start, length)`: a storage that is a part of another.
fn part_of(part: &[Value], count: u64) -> Result<(u64, u64), Refusal> {
    let [_, Value::Int(start), Value::Int(length)] = part[..] else {
        return Err(Refusal::new("a part of a storage without length", "(key, start, length)"));
    };
    let both = u64::try_from(start).ok().zip(u64::try_from(length).ok());
    let inside = both.filter(|(start, length)| start.checked_add(*length).is_some_and(|end| end <= count));
    inside.ok_or_else(|| {
        Refusal::new(
            format!("the part {start} + {length} of a storage"),
            format!("a part of its {count} numbers"),
        )
    })
}

/// A number of elements whose bytes can be counted.
fn length(count: i64, kind: NumberType) -> Result<u64, Refusal> {
    let counted = u64::try_from(count).ok().filter(|count| count.checked_mul(kind.bytes()).is_some());
    let found = || format!("a storage of {count} numbers");
    counted.ok_or_else(|| Refusal::new(found(), "a number of elements whose bytes can be counted"))
}

/// `(storage, offset, shape, strides, …)`.
fn tensor(values: Values<'_>, arguments: &[Value]) -> Result<Made, Refusal> {
    tensor_in(values, arguments, |storage| storage)
}

fn tensor_in(
    values: Values<'_>,
    arguments: &[Value],
    seen_as: impl Fn(Storage) -> Storage,
) -> Result<Made, Refusal> {
    let [storage, Value::Int(offset), shape, strides, ..] = *arguments else {
        let found = "a tensor without storage, offset, shape or strides";
        return Err(Refusal::new(found, "one with all four"));
    };
    let storage = match values.made(storage) {
        Some(Made::Storage(storage)) => seen_as(*storage),
        // A storage of numbers of a kind that is unknown here: so is the tensor.
        Some(Made::Opaque(code)) => return Ok(Made::Opaque(*code)),
        _ => return Err(Refusal::new("a tensor of no storage", "one of a storage")),
    };
    let sizes = |value: Value| {
        let size =
            |value: &Value| if let Value::Int(size) = value { usize::try_from(*size).ok() } else { None };
        short(values, value)?.iter().map(size).collect::<Option<Vec<usize>>>()
    };
    let unfit = || {
        Refusal::new("a tensor whose offset, shape or strides are something else", "whole numbers from 0 on")
    };
    let (shape, strides) = sizes(shape).zip(sizes(strides)).ok_or_else(unfit)?;
    let offset = u64::try_from(offset).map_err(|_| unfit())?;
    if shape.len() != strides.len() {
        let found = format!("a tensor of {} axes with {} strides", shape.len(), strides.len());
        return Err(Refusal::new(found, "a stride for each axis"));
    }
    let view = View { storage, offset, shape, strides };
    view.check()?;
    Ok(Made::Tensor(Box::new(view)))
}

/// `(storage, offset, shape, strides, …, type, …)`: the storage has bytes.
fn tensor_of_type(values: Values<'_>, arguments: &[Value]) -> Result<Made, Refusal> {
    let named = arguments.get(6).and_then(|&kind| values.global(kind));
    let Some((b"torch", name)) = named else {
        return Err(Refusal::new("a tensor without a type", "one of torch's types"));
    };
    let Some(kind) = NumberType::of_torch(name) else { return Ok(Made::Opaque(arguments.get(6).copied())) };
    let in_numbers = |storage: Storage| {
        let part = |bytes: u64| bytes / kind.bytes();
        Storage {
            kind,
            count: part(storage.count),
            start: part(storage.start),
            length: part(storage.length),
            ..storage
        }
    };
    tensor_in(values, arguments, in_numbers)
}

/// A NumPy scalar: `(type, bytes)`.
fn numpy_number(values: Values<'_>, arguments: &[Value]) -> Option<f64> {
    let [kind, bytes] = *arguments else { return None };
    let Some(Made::Text(kind)) = values.made(kind) else { return None };
    let bytes = match values.made(bytes) {
        // Every byte became the letter of its number.
        Some(Made::Text(text)) => values
            .text(*text)?
            .chars()
            .map(|c| u8::try_from(u32::from(c)).ok())
            .collect::<Option<Vec<u8>>>()?,
        _ => values.string(bytes)?.to_vec(),
    };
    Some(match (values.text(*kind)?.trim_start_matches(['<', '=', '|']), bytes.as_slice()) {
        ("f8", &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        ("f4", &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]).into(),
        ("i8", &[a, b, c, d, e, f, g, h]) => i64::from_le_bytes([a, b, c, d, e, f, g, h]) as f64,
        ("i4", &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]).into(),
        _ => return None,
    })
}

/// A tensor of a class of its own, or with attributes: `(function, class, arguments, state)`.
fn of_type(values: Values<'_>, arguments: &[Value], function: Value) -> Answered {
    let rebuilt = arguments.first().and_then(|&rebuilt| values.global(rebuilt));
    let Some(inner) = arguments.get(2).and_then(|&inner| short(values, inner)) else {
        return opaque(Some(function));
    };
    match rebuilt {
        Some((b"torch._utils", b"_rebuild_tensor_v2")) => made(tensor(values, inner)?),
        Some((b"torch._utils", b"_rebuild_tensor_v3")) => made(tensor_of_type(values, inner)?),
        _ => opaque(Some(function)),
    }
}

fn is_dictionary(name: (&[u8], &[u8])) -> bool {
    matches!(
        name,
        (b"collections", b"OrderedDict" | b"defaultdict") | (b"builtins" | b"__builtin__", b"dict")
    )
}

/// The entries that a dictionary was called with, as Python 2 did: a list of pairs.
fn pairs(values: Values<'_>, arguments: &[Value]) -> Result<Vec<(Value, Value)>, Refusal> {
    let Some(Object::List(all)) = arguments.first().and_then(|&all| values.object(all)) else {
        return Ok(Vec::new());
    };
    let pair = |&value: &Value| match *short(values, value)? {
        [key, value] => Some((key, value)),
        _ => None,
    };
    let pairs = all.iter().map(pair).collect::<Option<_>>();
    pairs.ok_or_else(|| Refusal::new("a dictionary of a list of other things", "a list of pairs"))
}

/// The values in a short tuple or list.
fn short<'a>(values: Values<'a>, value: Value) -> Option<&'a [Value]> {
    values.items(value).filter(|all| all.len() <= MOST)
}
