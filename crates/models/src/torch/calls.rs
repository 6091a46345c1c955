//! The few calls that a checkpoint of weights needs, as what they would give. No other call is ever made.

use std::io::Read;

use super::{
    pickle::Machine,
    value::{ElementType, Object, Storage, Value, View},
};

/// More axes no tensor of PyTorch has, and no call here has as many arguments.
const MOST: usize = 64;

/// Longer names are those of no call here.
const LONGEST_NAME: usize = 100;

/// A function called with a tuple of arguments.
pub(super) fn call<R: Read>(
    machine: &mut Machine<R>,
    function: Value,
    arguments: Value,
) -> Result<Value, String> {
    let Some((name, global)) = name_of(machine, function) else { return machine.add(Object::Opaque(None)) };
    let arguments = items(machine, arguments).unwrap_or_default();
    let made = match name.as_slice() {
        b"torch._utils._rebuild_tensor_v2" | b"torch._utils._rebuild_tensor" => tensor(machine, &arguments)?,
        b"torch._utils._rebuild_parameter" | b"torch._utils._rebuild_parameter_with_state" => {
            return arguments.first().copied().ok_or_else(|| "a parameter of nothing".to_owned());
        }
        b"torch._tensor._rebuild_from_type_v2" => return of_type(machine, &arguments, global),
        b"torch.Size" if !arguments.is_empty() => return Ok(arguments[0]),
        name if is_dictionary(name) => Object::Dict(pairs(machine, &arguments)?),
        _ => Object::Opaque(Some(global)),
    };
    machine.add(made)
}

/// An object of a class, made without arguments.
pub(super) fn instance<R: Read>(machine: &Machine<R>, class: Value) -> Object {
    match name_of(machine, class) {
        Some((name, _)) if is_dictionary(&name) => Object::Dict(Vec::new()),
        named => Object::Opaque(named.map(|(_, global)| global)),
    }
}

/// What stands beside the pickle: `("storage", class, key, place, count[, part])`.
pub(super) fn persistent<R: Read>(machine: &Machine<R>, id: Value) -> Result<Object, String> {
    let Some(id) = items(machine, id) else { return Ok(Object::Opaque(None)) };
    let kind = id.first().and_then(|&kind| bytes(machine, kind));
    if kind != Some(b"storage") {
        return Ok(Object::Opaque(None));
    }
    let [_, class, Value::Text(key), _, Value::Int(count), ref part @ ..] = id[..] else {
        return Err("a storage without class, key or length".to_owned());
    };
    let Some((class, global)) = name_of(machine, class) else {
        return Err("a storage without class".to_owned());
    };
    let class = class.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let Some(dtype) = ElementType::of_class(class) else { return Ok(Object::Opaque(Some(global))) };
    let count = length(count, dtype)?;
    let (start, length) = match part.first().and_then(|&part| items(machine, part)) {
        Some(part) => part_of(&part, count)?,
        None => (0, count),
    };
    Ok(Object::Storage(Box::new(Storage { dtype, key, count, start, length })))
}

/// `(key, start, length)`: a storage that is a part of another.
fn part_of(part: &[Value], count: u64) -> Result<(u64, u64), String> {
    let [_, Value::Int(start), Value::Int(length)] = part[..] else {
        return Err("a part of a storage without length".to_owned());
    };
    let both = u64::try_from(start).ok().zip(u64::try_from(length).ok());
    let inside = both.filter(|(start, length)| start.checked_add(*length).is_some_and(|end| end <= count));
    inside.ok_or_else(|| format!("the part {start} + {length} of a storage of {count} numbers"))
}

/// A number of elements whose bytes can be counted.
fn length(count: i64, dtype: ElementType) -> Result<u64, String> {
    let count = u64::try_from(count).ok().filter(|count| count.checked_mul(dtype.size()).is_some());
    count.ok_or_else(|| "a storage whose length overflows".to_owned())
}

/// `(storage, offset, shape, strides, …)`.
fn tensor<R: Read>(machine: &mut Machine<R>, arguments: &[Value]) -> Result<Object, String> {
    let [storage, Value::Int(offset), shape, strides, ..] = arguments else {
        return Err("a tensor without storage, offset, shape or strides".to_owned());
    };
    let storage = match object(machine, *storage) {
        Some(Object::Storage(storage)) => **storage,
        // A storage of numbers of a kind that is unknown here: so is the tensor.
        Some(Object::Opaque(global)) => return Ok(Object::Opaque(*global)),
        _ => return Err("a tensor of no storage".to_owned()),
    };
    let sizes = |value: Value| {
        let all = items(machine, value);
        let size =
            |value: &Value| if let Value::Int(size) = value { usize::try_from(*size).ok() } else { None };
        all.and_then(|all| all.iter().map(size).collect::<Option<Vec<usize>>>())
    };
    let unfit = || "a tensor whose shape or strides are not whole numbers from 0 on".to_owned();
    let (shape, strides) = sizes(*shape).zip(sizes(*strides)).ok_or_else(unfit)?;
    let offset = u64::try_from(*offset).map_err(|_| unfit())?;
    if shape.len() != strides.len() {
        return Err(format!("a tensor of {} axes with {} strides", shape.len(), strides.len()));
    }
    machine.spend(2 * shape.len())?;
    let view = View { storage, offset, shape, strides };
    view.check()?;
    Ok(Object::Tensor(Box::new(view)))
}

/// A tensor of a class of its own, or with attributes: `(function, class, arguments, state)`.
fn of_type<R: Read>(machine: &mut Machine<R>, arguments: &[Value], global: u32) -> Result<Value, String> {
    let rebuilt = arguments.first().and_then(|&function| name_of(machine, function));
    let plain = rebuilt.is_some_and(|(name, _)| name == b"torch._utils._rebuild_tensor_v2");
    let inner = arguments.get(2).and_then(|&inner| items(machine, inner)).filter(|_| plain);
    let made = match inner {
        Some(inner) => tensor(machine, &inner)?,
        None => Object::Opaque(Some(global)),
    };
    machine.add(made)
}

fn is_dictionary(name: &[u8]) -> bool {
    matches!(
        name,
        b"collections.OrderedDict" | b"collections.defaultdict" | b"builtins.dict" | b"__builtin__.dict"
    )
}

/// The entries that a dictionary was called with, as Python 2 did: a list of pairs.
fn pairs<R: Read>(machine: &mut Machine<R>, arguments: &[Value]) -> Result<Vec<(Value, Value)>, String> {
    let Some(Object::List(all)) = arguments.first().and_then(|&all| object(machine, all)) else {
        return Ok(Vec::new());
    };
    let count = all.len();
    let pair = |&value: &Value| match items(machine, value)?[..] {
        [key, value] => Some((key, value)),
        _ => None,
    };
    let pairs = if count <= machine.left() { all.iter().filter_map(pair).collect() } else { Vec::new() };
    machine.spend(count)?;
    Ok(pairs)
}

/// `module.name` of a global and its number.
fn name_of<R: Read>(machine: &Machine<R>, value: Value) -> Option<(Vec<u8>, u32)> {
    let (Value::Object(index), Some(&Object::Global(module, name))) = (value, object(machine, value)) else {
        return None;
    };
    let parts = [machine.buffer.get(module), machine.buffer.get(name)];
    let is_short = parts.iter().all(|part| part.len() <= LONGEST_NAME);
    Some((if is_short { parts.join(&b'.') } else { Vec::new() }, index))
}

fn object<R>(machine: &Machine<R>, value: Value) -> Option<&Object> {
    let Value::Object(index) = value else { return None };
    machine.objects.get(index as usize)
}

/// The values in a short tuple or list.
fn items<R>(machine: &Machine<R>, value: Value) -> Option<Vec<Value>> {
    match object(machine, value)? {
        Object::Tuple(all) | Object::List(all) if all.len() <= MOST => Some(all.clone()),
        _ => None,
    }
}

fn bytes<R: Read>(machine: &Machine<R>, value: Value) -> Option<&[u8]> {
    let Value::Text(span) = value else { return None };
    Some(machine.buffer.get(span))
}
