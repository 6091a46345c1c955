//! Operations that read the same elements another way: of known numbers and of the network's values alike.

use models::View;

use crate::{
    call::{Call, Outputs},
    importer::{Importer, of_live},
    numbers::{Numbers, sizes},
    problem::{Problem, Result},
    value::{Value, axis_of, broadcast, expanded, permuted, reshaped},
};

/// A reshape; elements are moved only where they lie otherwise.
pub(super) fn reshape_to(to: &mut Importer, value: &Value, shape: &[usize]) -> Result<Value> {
    if let Some(view) = reshaped(&value.view, shape) {
        return Ok(Value { origin: None, ..value.through(view) });
    }
    if let Some(numbers) = value.numbers() {
        return Ok(Value::known(shape, numbers));
    }
    let order: Vec<usize> = (0..value.shape().len()).collect();
    let (live, _) = to.moved(value, &order)?;
    Ok(of_live(live, View::rows(shape)))
}

/// `Reshape`.
pub(super) fn reshape(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let wanted = call.ints_of("shape", 1)?.ok_or_else(|| Problem::wrong("the shape is missing"))?;
    let shape = resolved(x, &wanted, call.is_set("allowzero"), to)?;
    Ok(vec![reshape_to(to, x, &shape)?])
}

/// Sizes with 0 as the size of before and −1 as what is left.
fn resolved(x: &Value, wanted: &[i64], allows_zero: bool, to: &mut Importer) -> Result<Vec<usize>> {
    let mut shape: Vec<i64> = wanted.to_vec();
    for (axis, size) in shape.iter_mut().enumerate().filter(|(_, size)| **size == 0) {
        let before = x.shape().get(axis).copied().filter(|_| !allows_zero);
        *size = before.map_or(0, |size| size as i64);
    }
    let open = shape.iter().position(|&size| size == -1);
    if let Some(open) = open {
        shape[open] = 1;
        let (_, others) = sizes(&shape)?;
        shape[open] = (x.count() / others.max(1)) as i64;
    }
    let (found, count) = sizes(&shape)?;
    if count == x.count() {
        return Ok(found);
    }
    // A graph that was exported for a batch of several images.
    let batch = to.batch();
    if batch > 1 && count == x.count() * batch {
        let axis = found.iter().position(|&size| size % batch == 0);
        if let Some(axis) = axis {
            let mut found = found;
            found[axis] /= batch;
            to.note(format!("the graph is for batches of {batch} images; it is run for one at a time"));
            return Ok(found);
        }
    }
    Err(Problem::wrong(format!("{:?} reshaped to {wanted:?}", x.shape())))
}

/// `Flatten`.
pub(super) fn flatten(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axis = call.int_or("axis", 1);
    let at = if axis == x.shape().len() as i64 { x.shape().len() } else { x.axis(axis)? };
    let (before, behind) = x.shape().split_at(at);
    let shape = [before.iter().product(), behind.iter().product()];
    Ok(vec![reshape_to(to, x, &shape)?])
}

/// `Transpose`.
pub(super) fn transpose(call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axes = x.shape().len();
    let order = match call.ints("perm") {
        Some(order) => order.iter().map(|&axis| x.axis(axis)).collect::<Result<Vec<_>>>()?,
        None => (0..axes).rev().collect(),
    };
    if (0..axes).any(|axis| !order.contains(&axis)) || order.len() != axes {
        return Err(Problem::wrong(format!("the order {order:?} of {axes} axes")));
    }
    Ok(vec![x.through(permuted(&x.view, &order))])
}

/// `Squeeze`.
pub(super) fn squeeze(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let gone: Vec<usize> = match call.ints_of("axes", 1)? {
        Some(axes) => axes.iter().map(|&axis| x.axis(axis)).collect::<Result<_>>()?,
        None => (0..x.shape().len()).filter(|&axis| x.shape()[axis] == 1).collect(),
    };
    if let Some(&axis) = gone.iter().find(|&&axis| x.shape()[axis] != 1) {
        return Err(Problem::wrong(format!(
            "axis {axis} of {:?} left out, expected one of one element",
            x.shape()
        )));
    }
    let left = (0..x.shape().len()).filter(|axis| !gone.contains(axis));
    let shape: Vec<usize> = left.map(|axis| x.shape()[axis]).collect();
    Ok(vec![reshape_to(to, x, &shape)?])
}

/// `Unsqueeze`.
pub(super) fn unsqueeze(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axes = call.ints_of("axes", 1)?.ok_or_else(|| Problem::wrong("the axes are missing"))?;
    let rank = x.shape().len() + axes.len();
    let new: Vec<usize> = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<_>>()?;
    let mut old = x.shape().iter();
    let shape: Vec<usize> = (0..rank)
        .map(|axis| if new.contains(&axis) { Some(1) } else { old.next().copied() })
        .collect::<Option<_>>()
        .ok_or_else(|| Problem::wrong(format!("axes {axes:?}, some of them twice")))?;
    Ok(vec![reshape_to(to, x, &shape)?])
}

/// `Expand`: to the shape that both come to.
pub(super) fn expand(call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let (wanted, _) = sizes(&call.known(1)?.as_ints())?;
    let shape = broadcast(x.shape(), &wanted)?;
    sizes(&shape.iter().map(|&size| size as i64).collect::<Vec<_>>())?;
    Ok(vec![x.through(expanded(&x.view, &shape)?)])
}

/// `Slice`, with attributes or inputs.
pub(super) fn slice(call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let missing = |what: &str| Problem::wrong(format!("{what} are missing"));
    let starts = call.ints_of("starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = call.ints_of("ends", 2)?.ok_or_else(|| missing("ends"))?;
    let axes = call.ints_of("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.ints_of("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|&len| len != starts.len()) {
        return Err(Problem::wrong("starts, ends, axes and steps of different lengths"));
    }
    let mut view = x.view.clone();
    for (((&start, &end), &axis), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = x.axis(axis)?;
        let (first, count) = span(start, end, step, view.shape[axis])?;
        view.offset = (view.offset as isize + first as isize * view.strides[axis]) as usize;
        view.shape[axis] = count;
        view.strides[axis] *= step.clamp(-(1 << 31), 1 << 31) as isize;
    }
    if view.shape.contains(&0) {
        view.offset = 0;
    }
    Ok(vec![x.through(view)])
}

/// The first of the elements of a slice, and how many there are.
fn span(start: i64, end: i64, step: i64, size: usize) -> Result<(usize, usize)> {
    let size = size as i64;
    let at = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
    let (first, count) = match step {
        1.. => {
            let (first, last) = (at(start).clamp(0, size), at(end).clamp(0, size));
            (first, (last - first).max(0).saturating_add(step - 1) / step)
        }
        i64::MIN..=-1 => {
            let (first, last) = (at(start).clamp(-1, size - 1), at(end).clamp(-1, size - 1));
            (first, (first - last).max(0).saturating_add(step.saturating_neg() - 1) / step.saturating_neg())
        }
        0 => return Err(Problem::wrong("a step of 0")),
    };
    Ok((first.max(0) as usize, count as usize))
}

/// `Split`.
pub(super) fn split(call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axis = x.axis(call.int_or("axis", 0))?;
    let size = x.shape()[axis];
    let parts: Vec<usize> = match call.ints_of("split", 1)? {
        Some(parts) => {
            let all = parts.iter().map(|&part| usize::try_from(part)).collect::<std::result::Result<_, _>>();
            all.map_err(|_| Problem::wrong(format!("parts {parts:?}")))?
        }
        None => {
            let count =
                call.int("num_outputs").map_or(call.outputs(), |count| count.clamp(1, 1 << 16) as usize);
            let part = size.div_ceil(count.max(1));
            (0..count).map(|index| part.min(size.saturating_sub(index * part))).collect()
        }
    };
    if parts.iter().try_fold(0usize, |sum, &part| sum.checked_add(part)) != Some(size) {
        return Err(Problem::wrong(format!("parts {parts:?} of {size}")));
    }
    let mut first = 0;
    let part = |&part: &usize| {
        let mut view = x.view.clone();
        view.shape[axis] = part;
        if part > 0 {
            view.offset = (view.offset as isize + first as isize * view.strides[axis]) as usize;
        }
        first += part;
        x.through(view)
    };
    Ok(parts.iter().map(part).collect())
}

/// `Shape`: always known, for each image is run by itself.
pub(super) fn shape(call: &Call<'_>) -> Outputs {
    let shape = call.input(0)?.shape();
    let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    let at = |place: i64| {
        let from_front = if place < 0 { place.saturating_add(sizes.len() as i64) } else { place };
        from_front.clamp(0, sizes.len() as i64) as usize
    };
    let (start, end) = (at(call.int_or("start", 0)), at(call.int_or("end", i64::MAX)));
    Ok(vec![Value::row(sizes[start..end.max(start)].to_vec())])
}

/// `Size`.
pub(super) fn size(call: &Call<'_>) -> Outputs {
    let count = call.input(0)?.count();
    Ok(vec![Value::known(&[], Numbers::ints(vec![count as i64]))])
}

/// `DepthToSpace` and `SpaceToDepth`: a reshape, another order of axes and a reshape.
pub(super) fn space(to: &mut Importer, call: &Call<'_>, to_space: bool) -> Outputs {
    let x = call.input(0)?;
    let &[n, c, h, w] = x.shape() else {
        return Err(Problem::wrong(format!("{:?}, expected four axes", x.shape())));
    };
    let b = usize::try_from(call.int_or("blocksize", 0)).unwrap_or(0);
    let fits = if to_space { c % (b * b).max(1) == 0 } else { b > 0 && h % b == 0 && w % b == 0 };
    if b == 0 || !fits {
        return Err(Problem::wrong(format!("{:?} in squares of {b}×{b}", x.shape())));
    }
    let is_crd = call.text_or("mode", "DCR") == "CRD";
    let (parts, order, shape) = match (to_space, is_crd) {
        (true, false) => {
            (vec![n, b, b, c / (b * b), h, w], [0, 3, 4, 1, 5, 2], [n, c / (b * b), h * b, w * b])
        }
        (true, true) => {
            (vec![n, c / (b * b), b, b, h, w], [0, 1, 4, 2, 5, 3], [n, c / (b * b), h * b, w * b])
        }
        (false, _) => (vec![n, c, h / b, b, w / b, b], [0, 3, 5, 1, 2, 4], [n, c * b * b, h / b, w / b]),
    };
    let parts = reshape_to(to, x, &parts)?;
    let turned = parts.through(permuted(&parts.view, &order));
    Ok(vec![reshape_to(to, &turned, &shape)?])
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn slices_end_where_the_axis_does() {
        let of = |start, end, step| span(start, end, step, 5).ok();
        assert_eq!(of(1, i64::MAX, 2), Some((1, 2)));
        assert_eq!(of(-2, 5, 1), Some((3, 2)));
        assert_eq!(of(-1, i64::MIN, -1), Some((4, 5)));
        assert_eq!(of(4, 1, -2), Some((4, 2)));
        assert_eq!(of(3, 3, 1), Some((3, 0)));
        assert_eq!(of(0, 5, 0), None);
    }
}
