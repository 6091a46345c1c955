//! Elements of several values: side by side, chosen by flags, and with padding around.

use std::sync::Arc;

use models::{ArrayOp, View};

use crate::{
    call::{Call, Outputs},
    importer::{Importer, column, of_live},
    numbers::{Numbers, sizes},
    problem::{Problem, Result},
    value::{Live, Value, broadcast, expanded, laid_out, permuted},
};

/// A place that no value has.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Elements by their places in several values, one after the other.
pub(super) struct Places {
    live: Vec<Live>,
    starts: Vec<usize>,
}

impl Places {
    pub(super) fn new(to: &mut Importer, values: &[&Value]) -> Result<(Self, Vec<View>)> {
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

    pub(super) fn pick(self, to: &mut Importer, places: Vec<u32>, filler: f32) -> Result<Live> {
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
