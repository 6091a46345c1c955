//! What makes numbers out of few, and numbers of another kind.

use models::View;

use super::views::reshape_to;
use crate::{
    call::{Call, Outputs},
    importer::Importer,
    numbers::{Numbers, kind_of, read, sizes},
    problem::Problem,
    value::{Source, Value},
};

/// `Tile`.
pub(super) fn tile(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let (repeats, _) = sizes(&call.known(1)?.as_ints())?;
    if repeats.len() != x.shape().len() {
        return Err(Problem::wrong(format!("{repeats:?} repeats of {:?}", x.shape())));
    }
    // A new axis of no step before each, repeated, then joined with it.
    let mut view = View { shape: Vec::new(), strides: Vec::new(), offset: x.view.offset };
    let mut shape = Vec::new();
    for (axis, &times) in repeats.iter().enumerate() {
        view.shape.extend([times, x.shape()[axis]]);
        view.strides.extend([0, x.view.strides[axis]]);
        shape.push((times as i64).saturating_mul(x.shape()[axis] as i64));
    }
    let (shape, count) = sizes(&shape)?;
    to.reserve(count)?;
    Ok(vec![reshape_to(to, &x.through(view), &shape)?])
}

/// `ConstantOfShape`.
pub(super) fn constant_of_shape(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (shape, count) = sizes(&call.known(0)?.as_ints())?;
    to.reserve(count)?;
    let one = match call.tensor("value") {
        Some(tensor) => read(tensor, None)?.1,
        None => Numbers::floats(vec![0.0]),
    };
    if one.len() != 1 {
        return Err(Problem::wrong(format!("{} values, expected one", one.len())));
    }
    let view = View { shape: shape.clone(), strides: vec![0; shape.len()], offset: 0 };
    Ok(vec![Value { source: Source::Known(one), view, origin: None }])
}

/// `Range`.
pub(super) fn range(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let [start, limit, step] = [call.known(0)?, call.known(1)?, call.known(2)?];
    let is_float = matches!(start, Numbers::Floats(_));
    let of = |numbers: &Numbers| {
        numbers.as_doubles().first().copied().ok_or_else(|| Problem::wrong("a bound is missing"))
    };
    let (first, limit, step) = (of(&start)?, of(&limit)?, of(&step)?);
    let count = ((limit - first) / step).ceil();
    let count = if count.is_nan() || step == 0.0 { -1.0 } else { count.max(0.0) };
    let (_, count) = sizes(&[count.min(1e15) as i64])?;
    to.reserve(count)?;
    let values = (0..count).map(|at| first + at as f64 * step);
    Ok(vec![match is_float {
        true => Value::known(&[count], Numbers::floats(values.map(|value| value as f32).collect())),
        false => Value::row(values.map(|value| value as i64).collect()),
    }])
}

/// `Cast`: of the network's values all numbers are f32.
pub(super) fn cast(call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let kind = match call.int("to") {
        Some(code) => kind_of(code)?,
        None => return Err(Problem::wrong("the type is missing")),
    };
    let Some(numbers) = x.numbers() else {
        return match kind {
            Numbers::Floats(_) => call.itself().map(|y| vec![y]),
            _ => Err(Problem::wrong("whole numbers of what depends on the pixels, which have no gradient")),
        };
    };
    let cast = match kind {
        Numbers::Floats(_) => Numbers::Floats(numbers.as_floats()),
        Numbers::Ints(_) => Numbers::Ints(numbers.as_ints()),
        Numbers::Flags(_) => {
            Numbers::flags(numbers.as_doubles().iter().map(|&value| i64::from(value != 0.0)).collect())
        }
    };
    Ok(vec![Value::known(x.shape(), cast)])
}

/// `CastLike`.
pub(super) fn cast_like(call: &Call<'_>) -> Outputs {
    let (x, like) = (call.input(0)?, call.input(1)?);
    let (Some(numbers), Some(like)) = (x.numbers(), like.numbers()) else {
        return call.itself().map(|y| vec![y]);
    };
    let cast = match like {
        Numbers::Floats(_) => Numbers::Floats(numbers.as_floats()),
        Numbers::Ints(_) | Numbers::Flags(_) => Numbers::Ints(numbers.as_ints()),
    };
    Ok(vec![Value::known(x.shape(), cast)])
}
