//! Pooling: the largest or the mean of windows, and of whole planes.

use std::sync::Arc;

use models::{ArrayOp, Axis, Pool2d, Reduction, Sparse, View};

use super::{layers::plane_sizes, reductions::reduced, windows::Windows};
use crate::{
    call::{Call, Outputs},
    importer::{Importer, of_live},
    problem::{Problem, Result},
    value::{Live, Value},
};

/// The place of an element that is smaller than any other.
const NOWHERE: u32 = u32::MAX;

fn plain(to: &mut Importer, x: &Value) -> Result<Live> {
    let order: Vec<usize> = (0..x.shape().len()).collect();
    let planes = plane_sizes(x)?;
    to.planes(x, &order, planes)
}

/// A result of planes with as many axes as the argument.
fn like(x: &Value, live: Live) -> Value {
    let [c, h, w] = live.planes;
    let shape = if x.shape().len() == 3 { vec![1, c, h] } else { vec![1, c, h, w] };
    of_live(live, View::rows(&shape))
}

/// The window as fast operations have it, where it is one of theirs.
fn square(windows: &Windows) -> Option<Pool2d> {
    let padding = windows.pads[0][0];
    let is_usual = windows.is_square() && 2 * padding <= windows.kernel[0];
    let Windows { kernel: [kernel, _], strides: [stride, _], ceil, .. } = *windows;
    is_usual.then_some(Pool2d { kernel, stride, padding, ceil })
}

/// `MaxPool`.
pub(super) fn max_pool(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let [c, h, w] = plane_sizes(x)?;
    if call.node.output.get(1).is_some_and(|name| !name.is_empty()) {
        return Err(Problem::Unknown("export a network that does not use the places of its maxima"));
    }
    let windows = Windows::new(call, x.shape().len() - 2, [h, w], None)?;
    let [rows, columns] = windows.counts([h, w])?;
    let live = plain(to, x)?;
    if let Some(window) = square(&windows).filter(|_| x.shape().len() == 4) {
        let value = to.builder.max_pool(live.value, window);
        return Ok(vec![like(x, Live { value, planes: [c, rows, columns] })]);
    }
    // The elements of each window side by side, then the first of the largest.
    let taps = [windows.taps(0, rows, h), windows.taps(1, columns, w)];
    let size = windows.kernel[0] * windows.kernel[1];
    to.reserve(c.saturating_mul(rows).saturating_mul(columns).saturating_mul(size))?;
    let mut places = Vec::new();
    for channel in 0..c {
        for row in &taps[0] {
            for column in &taps[1] {
                for y in row {
                    let at = |x: &Option<usize>| {
                        y.zip(*x).map_or(NOWHERE, |(y, x)| ((channel * h + y) * w + x) as u32)
                    };
                    places.extend(column.iter().map(at));
                }
            }
        }
    }
    let outer = places.len() / size;
    let op = ArrayOp::Pick { places: Arc::from(places), filler: f32::NEG_INFINITY };
    let picked = to.array(op, &[live], [outer * size, 1, 1])?;
    let axis = Axis { outer, len: size, inner: 1 };
    let op = ArrayOp::Reduce { axis, reduction: Reduction::FirstMax };
    Ok(vec![like(x, to.array(op, &[picked], [c, rows, columns])?)])
}

/// `AveragePool`.
pub(super) fn average_pool(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let [c, h, w] = plane_sizes(x)?;
    let windows = Windows::new(call, x.shape().len() - 2, [h, w], None)?;
    let [rows, columns] = windows.counts([h, w])?;
    let counts_padding = call.is_set("count_include_pad");
    let has_padding = windows.pads != [[0; 2]; 2];
    let live = plain(to, x)?;
    if let Some(window) = square(&windows).filter(|window| !window.ceil && x.shape().len() == 4)
        && (counts_padding || !has_padding)
    {
        let value = to.builder.avg_pool(live.value, window);
        return Ok(vec![like(x, Live { value, planes: [c, rows, columns] })]);
    }
    // What a sum is divided by: the elements under the kernel that lie in the plane, or in its padding too.
    let taps = [windows.taps(0, rows, h), windows.taps(1, columns, w)];
    let padded = |axis: usize, size: usize, window: usize| {
        let first = window * windows.strides[axis];
        let end = windows.pads[axis][0] + size + windows.pads[axis][1];
        (0..windows.kernel[axis]).filter(|tap| first + tap * windows.dilations[axis] < end).count()
    };
    to.reserve(rows.saturating_mul(columns).saturating_mul(windows.kernel[0] * windows.kernel[1]))?;
    let mut sums = Vec::with_capacity(rows * columns);
    for (row, ys) in taps[0].iter().enumerate() {
        for (column, xs) in taps[1].iter().enumerate() {
            let all: Vec<u32> = ys
                .iter()
                .flatten()
                .flat_map(|y| xs.iter().flatten().map(move |x| (y * w + x) as u32))
                .collect();
            let count = match counts_padding {
                true => padded(0, h, row) * padded(1, w, column),
                false => all.len(),
            };
            let share = 1.0 / count.max(1) as f32;
            sums.push(all.into_iter().map(|place| (place, share)).collect());
        }
    }
    let map = Sparse::new(h * w, sums.into_iter());
    let live = to.array(ArrayOp::Transform(Arc::new(map)), &[live], [c, rows, columns])?;
    Ok(vec![like(x, live)])
}

/// `GlobalAveragePool` and `GlobalMaxPool`: of all axes behind the channels.
pub(super) fn global(to: &mut Importer, call: &Call<'_>, reduction: Reduction) -> Outputs {
    let x = call.input(0)?;
    let axes: Vec<usize> = (2..x.shape().len()).collect();
    reduced(to, x, &axes, true, reduction).map(|y| vec![y])
}

/// `LpPool` and what else has no place here.
pub(super) fn local_response(to: &mut Importer, call: &Call<'_>) -> Outputs {
    use models::Binary;

    use super::elements::{pair, pair_with_number};

    let x = call.input(0)?;
    let [c, h, w] = plane_sizes(x)?;
    let size = usize::try_from(call.int_or("size", 0)).unwrap_or(0);
    if size == 0 || size > 1 << 12 {
        return Err(Problem::wrong(format!("windows of {size} channels")));
    }
    let (alpha, beta, bias) =
        (call.float_or("alpha", 1e-4), call.float_or("beta", 0.75), call.float_or("bias", 1.0));
    let squares = pair(to, x, x, Binary::Multiply)?;
    let live = plain(to, &squares)?;
    // Sums over neighbouring channels: as a map of all planes it would be large, so channels come last.
    let (before, behind) = ((size - 1) / 2, size / 2);
    let sums = (0..c).map(|channel| {
        let first = channel.saturating_sub(before);
        (first..(channel + behind + 1).min(c)).map(|at| (at as u32, alpha / size as f32)).collect()
    });
    let map = Arc::new(Sparse::new(c, sums));
    let turned = View { shape: vec![h, w, c], strides: vec![w as isize, 1, (h * w) as isize], offset: 0 };
    let last = to.array(ArrayOp::Copy(turned), &[live], [h * w * c, 1, 1])?;
    let summed = to.array(ArrayOp::Transform(map), &[last], [h * w * c, 1, 1])?;
    let view = View { shape: vec![1, c, h, w], strides: vec![0, 1, (w * c) as isize, c as isize], offset: 0 };
    let summed = pair_with_number(to, &of_live(summed, view), Binary::Add, bias)?;
    let factor = pair_with_number(to, &summed, Binary::Power, beta)?;
    pair(to, x, &factor, Binary::Divide).map(|y| vec![y])
}
