//! Elements at other places: values side by side, chosen elements, padding, and what makes numbers out of nothing.

use std::sync::Arc;

use models::{ArrayOp, View};

use super::views::reshape_to;
use crate::{
    call::{Call, Outputs},
    importer::{Importer, column, of_live},
    numbers::{Numbers, kind_of, sizes},
    problem::{Problem, Result},
    value::{Live, Value, broadcast, expanded, laid_out, permuted},
};

/// A place that no value has.
const NOWHERE: u32 = u32::MAX;

/// Elements by their places in several values, one after the other.
struct Places {
    live: Vec<Live>,
    starts: Vec<usize>,
}

impl Places {
    fn new(to: &mut Importer, values: &[&Value]) -> Result<(Self, Vec<View>)> {
        let (mut found, mut views, mut start) =
            (Self { live: Vec::new(), starts: Vec::new() }, Vec::new(), 0);
        for value in values {
            let value = to.live_of(value)?;
            let live = value.live().expect("a value of the network");
            found.live.push(live);
            found.starts.push(start);
            start += live.len();
            views.push(value.view);
        }
        if start >= NOWHERE as usize {
            return Err(Problem::wrong(format!("{start} elements")));
        }
        Ok((found, views))
    }

    fn pick(self, to: &mut Importer, places: Vec<u32>, filler: f32) -> Result<Live> {
        to.reserve(places.len())?;
        let planes = column(places.len());
        to.array(ArrayOp::Pick { places: Arc::from(places), filler }, &self.live, planes)
    }
}

/// Of two values the elements of the first where the flag is set, else those of the second.
pub(super) fn chosen(
    to: &mut Importer,
    (of_flags, flags): (&[usize], &Numbers),
    [x, y]: [&Value; 2],
    shape: &[usize],
) -> Result<Value> {
    let flags = flags.at(&expanded(&View::rows(of_flags), shape)?.places()).as_ints();
    to.reserve(flags.len())?;
    if let (Some(a), Some(b)) = (x.numbers(), y.numbers()) {
        let [a, b] = [(a, x), (b, y)].map(|(numbers, value)| {
            Ok::<_, Problem>(numbers.at(&expanded(&View::rows(value.shape()), shape)?.places()))
        });
        return Ok(Value::known(shape, merged(&flags, &a?, &b?)));
    }
    let (places, views) = Places::new(to, &[x, y])?;
    let of = |index: usize| -> Result<Vec<u32>> { Ok(expanded(&views[index], shape)?.places()) };
    let (first, second) = (of(0)?, of(1)?);
    let choose = |at: usize| match flags[at] != 0 {
        true => first[at] + places.starts[0] as u32,
        false => second[at] + places.starts[1] as u32,
    };
    let all = (0..flags.len()).map(choose).collect();
    Ok(of_live(places.pick(to, all, 0.0)?, View::rows(shape)))
}

fn merged(flags: &[i64], a: &Numbers, b: &Numbers) -> Numbers {
    match (a, b) {
        (Numbers::Floats(_), _) | (_, Numbers::Floats(_)) => {
            let (a, b) = (a.as_floats(), b.as_floats());
            Numbers::floats((0..flags.len()).map(|at| if flags[at] != 0 { a[at] } else { b[at] }).collect())
        }
        _ => {
            let is_flags = matches!(a, Numbers::Flags(_));
            let (a, b) = (a.as_ints(), b.as_ints());
            let all = (0..flags.len()).map(|at| if flags[at] != 0 { a[at] } else { b[at] }).collect();
            if is_flags { Numbers::flags(all) } else { Numbers::ints(all) }
        }
    }
}

/// `Concat`.
pub(super) fn concat(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let values: Vec<&Value> = (0..call.inputs.len()).map(|index| call.input(index)).collect::<Result<_>>()?;
    let first = values.first().ok_or_else(|| Problem::wrong("no inputs"))?;
    let axis = first.axis(call.int_or("axis", 0))?;
    concatenated(to, &values, axis).map(|y| vec![y])
}

/// Values side by side along an axis.
pub(super) fn concatenated(to: &mut Importer, values: &[&Value], axis: usize) -> Result<Value> {
    let mut shape = values[0].shape().to_vec();
    shape[axis] = 0;
    for value in values {
        let fits = value.shape().len() == shape.len()
            && (0..shape.len()).all(|at| at == axis || value.shape()[at] == shape[at]);
        if !fits {
            return Err(Problem::wrong(format!(
                "{:?} beside {:?} along axis {axis}",
                value.shape(),
                values[0].shape()
            )));
        }
        shape[axis] += value.shape()[axis];
    }
    let values: Vec<&Value> = values.iter().copied().filter(|value| value.count() > 0).collect();
    if values.iter().all(|value| value.is_known()) {
        return known_side_by_side(to, &values, axis, &shape);
    }
    if let Some(found) = channels(to, &values, axis, &shape)? {
        return Ok(found);
    }
    // The result lies as the largest of them does.
    let leader = values.iter().filter(|value| value.live().is_some()).max_by_key(|value| value.count());
    let order = leader.map_or_else(Vec::new, |value| value.order());
    let (places, views) = Places::new(to, &values)?;
    let parts: Vec<(Vec<u32>, usize)> = views
        .iter()
        .zip(&places.starts)
        .map(|(view, &start)| {
            let places = permuted(view, &order).places().into_iter().map(|at| at + start as u32).collect();
            (places, view.shape[axis])
        })
        .collect();
    let at = order.iter().position(|&of| of == axis).expect("the axis is one of them");
    let inner: usize = order[at + 1..].iter().map(|&axis| shape[axis]).product();
    let outer: usize = order[..at].iter().map(|&axis| shape[axis]).product();
    let all = interleaved(&parts, outer, inner);
    Ok(of_live(places.pick(to, all, 0.0)?, laid_out(&shape, &order)))
}

/// Of each part in turn as many as it has along the axis, `outer` times.
fn interleaved<T: Copy>(parts: &[(Vec<T>, usize)], outer: usize, inner: usize) -> Vec<T> {
    let mut all = Vec::new();
    for index in 0..outer {
        for (part, len) in parts {
            all.extend_from_slice(&part[index * len * inner..][..len * inner]);
        }
    }
    all
}

fn known_side_by_side(to: &mut Importer, values: &[&Value], axis: usize, shape: &[usize]) -> Result<Value> {
    let count = shape.iter().product();
    to.reserve(count)?;
    let (outer, inner) = (shape[..axis].iter().product(), shape[axis + 1..].iter().product());
    let all: Vec<Numbers> = values.iter().filter_map(|value| value.numbers()).collect();
    let found = if all.iter().any(|numbers| matches!(numbers, Numbers::Floats(_))) {
        let parts: Vec<_> = all
            .iter()
            .zip(values)
            .map(|(all, value)| (all.as_floats().to_vec(), value.shape()[axis]))
            .collect();
        Numbers::floats(interleaved(&parts, outer, inner))
    } else {
        let parts: Vec<_> = all
            .iter()
            .zip(values)
            .map(|(all, value)| (all.as_ints().to_vec(), value.shape()[axis]))
            .collect();
        Numbers::ints(interleaved(&parts, outer, inner))
    };
    Ok(Value::known(shape, found))
}

/// Planes of one size side by side, channels after channels.
fn channels(to: &mut Importer, values: &[&Value], axis: usize, shape: &[usize]) -> Result<Option<Value>> {
    let &[1, channels, height, width] = shape else { return Ok(None) };
    let is_plain = |value: &&Value| value.live().is_some_and(|live| value.view.is_plain(live.len()));
    if axis != 1 || !values.iter().all(is_plain) {
        return Ok(None);
    }
    let order: Vec<usize> = (0..4).collect();
    let inputs: Vec<models::Value> = values
        .iter()
        .map(|value| Ok(to.planes(value, &order, [value.shape()[1], height, width])?.value))
        .collect::<Result<_>>()?;
    let value = to.builder.concatenate(&inputs);
    Ok(Some(of_live(Live { value, planes: [channels, height, width] }, View::rows(shape))))
}

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

/// `Pad`, with attributes or inputs.
pub(super) fn pad(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let pads = call.ints_of("pads", 1)?.ok_or_else(|| Problem::wrong("pads are missing"))?;
    let filler = match call.optional(2) {
        Some(_) => call.known(2)?.as_floats().first().copied().unwrap_or(0.0),
        None => call.float_or("value", 0.0),
    };
    let axes: Vec<usize> = match call.optional(3) {
        Some(_) => call.known(3)?.as_ints().iter().map(|&axis| x.axis(axis)).collect::<Result<_>>()?,
        None => (0..x.shape().len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(Problem::wrong(format!("{} pads of {} axes", pads.len(), axes.len())));
    }
    let mut both = vec![[0i64; 2]; x.shape().len()];
    for (index, &axis) in axes.iter().enumerate() {
        both[axis] = [pads[index], pads[index + axes.len()]];
    }
    padded(to, x, &both, &call.text_or("mode", "constant"), filler).map(|y| vec![y])
}

/// The value with so many elements more before and behind it, along each axis.
pub(super) fn padded(
    to: &mut Importer,
    x: &Value,
    pads: &[[i64; 2]],
    mode: &str,
    filler: f32,
) -> Result<Value> {
    if pads.iter().all(|pad| *pad == [0; 2]) {
        return Ok(x.clone());
    }
    let sides: Vec<i64> = x
        .shape()
        .iter()
        .zip(pads)
        .map(|(&size, [before, behind])| (size as i64).saturating_add(*before).saturating_add(*behind))
        .collect();
    let (shape, count) = sizes(&sides)?;
    to.reserve(count)?;
    // For each place along each axis that of the value, if it has one.
    let axis_places = |axis: usize| -> Result<Vec<Option<usize>>> {
        let size = x.shape()[axis] as i64;
        (0..shape[axis] as i64).map(|at| source(at - pads[axis][0], size, mode)).collect()
    };
    let by_axis: Vec<Vec<Option<usize>>> = (0..shape.len()).map(axis_places).collect::<Result<_>>()?;
    let rows = View::rows(x.shape());
    let mut places: Vec<u32> = vec![0];
    for (axis, along) in by_axis.iter().enumerate() {
        let stride = rows.strides[axis] as u32;
        let step = |base: u32, to: &Option<usize>| match to {
            Some(at) if base != NOWHERE => base + *at as u32 * stride,
            _ => NOWHERE,
        };
        places = places.iter().flat_map(|&base| along.iter().map(move |to| step(base, to))).collect();
    }
    if let Some(numbers) = x.numbers() {
        let numbers = numbers.as_floats();
        let value = |&at: &u32| if at == NOWHERE { filler } else { numbers[at as usize] };
        return Ok(Value::known(&shape, Numbers::floats(places.iter().map(value).collect())));
    }
    let lying = x.view.places();
    let places = places.into_iter().map(|at| if at == NOWHERE { at } else { lying[at as usize] }).collect();
    let (values, _) = Places::new(to, &[x])?;
    Ok(of_live(values.pick(to, places, filler)?, View::rows(&shape)))
}

fn source(at: i64, size: i64, mode: &str) -> Result<Option<usize>> {
    if (0..size).contains(&at) {
        return Ok(Some(at as usize));
    }
    let found = match mode {
        "constant" => return Ok(None),
        "edge" => at.clamp(0, size - 1),
        "reflect" if size > 1 => {
            let period = 2 * (size - 1);
            let at = at.rem_euclid(period);
            at.min(period - at)
        }
        "wrap" if size > 0 => at.rem_euclid(size),
        _ => return Err(Problem::wrong(format!("padding `{mode}` of {size} elements"))),
    };
    Ok(usize::try_from(found).ok())
}

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
        Some(tensor) => crate::numbers::read(tensor, None)?.1,
        None => Numbers::floats(vec![0.0]),
    };
    if one.len() != 1 {
        return Err(Problem::wrong(format!("{} values, expected one", one.len())));
    }
    let view = View { shape: shape.clone(), strides: vec![0; shape.len()], offset: 0 };
    Ok(vec![Value { source: crate::value::Source::Known(one), view, origin: None }])
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

/// `Trilu`: elements on one side of a diagonal, zeros elsewhere.
pub(super) fn triangle(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let &[.., rows, columns] = x.shape() else {
        return Err(Problem::wrong(format!("{:?}, expected a matrix", x.shape())));
    };
    let diagonal = match call.optional(1) {
        Some(_) => call.known(1)?.as_ints().first().copied().unwrap_or(0),
        None => 0,
    };
    let is_upper = call.int_or("upper", 1) != 0;
    to.reserve(rows.saturating_mul(columns))?;
    let kept = |at: usize| {
        let (row, column) = ((at / columns) as i64, (at % columns) as i64);
        i64::from(if is_upper {
            column >= row.saturating_add(diagonal)
        } else {
            column <= row.saturating_add(diagonal)
        })
    };
    let flags = Numbers::flags((0..rows * columns).map(kept).collect());
    let zero = Value::known(&[], Numbers::floats(vec![0.0]));
    let shape = broadcast(x.shape(), &[rows, columns])?;
    chosen(to, (&[rows, columns], &flags), [x, &zero], &shape).map(|y| vec![y])
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
