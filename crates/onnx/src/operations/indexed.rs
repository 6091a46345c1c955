//! Elements by indices that are known: taken, or replaced.

use models::View;

use super::{
    choices::{NOWHERE, Places, concatenated},
    views::reshape_to,
};
use crate::{
    call::{Call, Outputs},
    importer::{Importer, of_live},
    numbers::sizes,
    problem::{Problem, Result},
    value::Value,
};

/// `Gather`: by indices that are known.
pub(super) fn gather(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let axis = x.axis(call.int_or("axis", 0))?;
    let size = x.shape()[axis];
    let numbers = call.known(1)?.as_ints();
    let index = |&index: &i64| {
        let from_front = if index < 0 { index + size as i64 } else { index };
        let found = usize::try_from(from_front).ok().filter(|&index| index < size);
        found.ok_or_else(|| Problem::wrong(format!("index {index} of {size}")))
    };
    let chosen: Vec<usize> = numbers.iter().map(index).collect::<Result<_>>()?;
    let mut shape = x.shape().to_vec();
    shape.splice(axis..=axis, indices.shape().iter().copied());
    // Indices at one distance are a view.
    let step = match chosen[..] {
        [] => None,
        [_] => Some(1),
        [first, second, ..] => Some(second as isize - first as isize),
    };
    let first = chosen.first().copied().unwrap_or(0);
    let is_even = step.is_some_and(|step| {
        chosen.iter().enumerate().all(|(at, &index)| index as isize == first as isize + at as isize * step)
    });
    if let Some(step) = step.filter(|_| is_even) {
        let mut view = x.view.clone();
        view.offset = (view.offset as isize + first as isize * view.strides[axis]) as usize;
        view.shape[axis] = chosen.len();
        view.strides[axis] *= step;
        return Ok(vec![reshape_to(to, &x.through(view), &shape)?]);
    }
    let outer: usize = x.shape()[..axis].iter().product();
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let (_, count) = sizes(&shape.iter().map(|&size| size as i64).collect::<Vec<_>>())?;
    to.reserve(count)?;
    let mut rows = Vec::with_capacity(count);
    for part in 0..outer {
        for &index in &chosen {
            rows.extend((0..inner).map(|at| ((part * size + index) * inner + at) as u32));
        }
    }
    at_places(to, x, rows, &shape).map(|y| vec![y])
}

/// The elements at these places of the value row by row.
pub(super) fn at_places(to: &mut Importer, x: &Value, rows: Vec<u32>, shape: &[usize]) -> Result<Value> {
    if let Some(numbers) = x.numbers() {
        return Ok(Value::known(shape, numbers.at(&rows)));
    }
    let lying = x.view.places();
    to.reserve(lying.len())?;
    let places = rows.into_iter().map(|at| if at == NOWHERE { at } else { lying[at as usize] }).collect();
    let (values, _) = Places::new(to, &[x])?;
    Ok(of_live(values.pick(to, places, 0.0)?, View::rows(shape)))
}

/// `GatherND`: by indices of the first axes that are known.
pub(super) fn gather_nd(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (x, of_indices) = (call.input(0)?, call.input(1)?.shape());
    let indices = call.known(1)?.as_ints();
    if call.int_or("batch_dims", 0) != 0 {
        return Err(Problem::Unknown("export the network with Gather in place of GatherND of batches"));
    }
    let starts = starts(x, &indices, of_indices)?;
    let depth = of_indices.last().copied().unwrap_or(0);
    let inner: usize = x.shape()[depth..].iter().product();
    to.reserve(starts.len().saturating_mul(inner))?;
    let places = starts.iter().flat_map(|&start| (start..start + inner).map(|at| at as u32)).collect();
    let shape: Vec<usize> =
        of_indices[..of_indices.len() - 1].iter().chain(&x.shape()[depth..]).copied().collect();
    at_places(to, x, places, &shape).map(|y| vec![y])
}

/// Where the elements begin that each row of indices of the first axes names, of the value row by row.
fn starts(x: &Value, indices: &[i64], of_indices: &[usize]) -> Result<Vec<usize>> {
    let depth = of_indices.last().copied().unwrap_or(0);
    if depth > x.shape().len() || depth == 0 {
        return Err(Problem::wrong(format!("indices {of_indices:?} of {:?}", x.shape())));
    }
    let rows = View::rows(x.shape());
    let start = |index: &[i64]| {
        index.iter().enumerate().try_fold(0, |start, (axis, &index)| {
            let size = x.shape()[axis] as i64;
            let from_front = if index < 0 { index.saturating_add(size) } else { index };
            match (0..size).contains(&from_front) {
                true => Ok(start + from_front as usize * rows.strides[axis] as usize),
                false => Err(Problem::wrong(format!("index {index} of {size}"))),
            }
        })
    };
    indices.chunks(depth).map(start).collect()
}

/// `ScatterND`, of indices that are known: each update replaces the elements that its indices name.
pub(super) fn scatter(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (x, updates) = (call.input(0)?, call.input(2)?);
    let (indices, of_indices) = (call.known(1)?.as_ints(), call.input(1)?.shape());
    if call.text_or("reduction", "none") != "none" {
        return Err(Problem::Unknown("export the network without in-place updates, or ask for this form"));
    }
    let starts = starts(x, &indices, of_indices)?;
    let depth = of_indices.last().copied().unwrap_or(0);
    let inner: usize = x.shape()[depth..].iter().product();
    let (count, size) = (x.count(), updates.count());
    if size != starts.len() * inner {
        return Err(Problem::wrong(format!("{size} updates, expected {}", starts.len() * inner)));
    }
    to.reserve(count.saturating_add(size))?;
    let mut places: Vec<u32> = (0..count as u32).collect();
    for (update, &start) in starts.iter().enumerate() {
        (0..inner).for_each(|place| places[start + place] = (count + update * inner + place) as u32);
    }
    let flat = |to: &mut Importer, value: &Value| reshape_to(to, value, &[value.count()]);
    let (flat_x, flat_updates) = (flat(to, x)?, flat(to, updates)?);
    let both = concatenated(to, &[&flat_x, &flat_updates], 0)?;
    at_places(to, &both, places, x.shape()).map(|y| vec![y])
}
