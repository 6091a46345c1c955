//! What becomes of the elements along axes: sums, means, the largest, softmax, and norms that are made of them.

use models::{ArrayOp, Axis, Binary, Reduction, Unary, View};

use super::elements::{pair, pair_with_number, unary};
use crate::{
    call::{Call, Outputs},
    importer::{Importer, column, of_live},
    numbers::Numbers,
    problem::{Problem, Result},
    value::{Live, Origin, Value, axis_of, laid_out},
};

/// A `Reduce…`, with axes as an attribute or an input.
pub(super) fn reduce(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axes = match call.ints_of("axes", 1)? {
        Some(axes) if !axes.is_empty() => {
            axes.iter().map(|&axis| x.axis(axis)).collect::<Result<Vec<_>>>()?
        }
        _ if call.is_set("noop_with_empty_axes") => return call.itself().map(|y| vec![y]),
        _ => (0..x.shape().len()).collect(),
    };
    let keeps = call.int_or("keepdims", 1) != 0;
    let of = |to: &mut Importer, x: &Value, reduction: Reduction| reduced(to, x, &axes, keeps, reduction);
    let y = match call.operation() {
        "ReduceSum" => of(to, x, Reduction::Sum)?,
        "ReduceMean" => of(to, x, Reduction::Mean)?,
        "ReduceMax" => of(to, x, Reduction::Max)?,
        "ReduceMin" => of(to, x, Reduction::Min)?,
        "ReduceL1" => {
            let x = unary(to, x, Unary::Abs)?;
            of(to, &x, Reduction::Sum)?
        }
        "ReduceSumSquare" | "ReduceL2" => {
            let x = pair(to, x, x, Binary::Multiply)?;
            let sum = of(to, &x, Reduction::Sum)?;
            if call.operation() == "ReduceL2" { unary(to, &sum, Unary::Sqrt)? } else { sum }
        }
        "ReduceLogSum" => {
            let sum = of(to, x, Reduction::Sum)?;
            unary(to, &sum, Unary::Log)?
        }
        "ReduceLogSumExp" => {
            let largest = reduced(to, x, &axes, true, Reduction::Max)?;
            let below = pair(to, x, &largest, Binary::Subtract)?;
            let power = unary(to, &below, Unary::Exp)?;
            let sum = reduced(to, &power, &axes, true, Reduction::Sum)?;
            let log = unary(to, &sum, Unary::Log)?;
            let y = pair(to, &log, &largest, Binary::Add)?;
            if keeps { y } else { without(&y, &axes) }
        }
        _ => product(x, &axes, keeps)?,
    };
    Ok(vec![y])
}

/// `ReduceProd` of known numbers.
fn product(x: &Value, axes: &[usize], keeps: bool) -> Result<Value> {
    let Some(numbers) = x.numbers() else {
        return Err(Problem::Unknown("write the product as Mul"));
    };
    let y = folded(x, &numbers, axes, |values| values.iter().product());
    Ok(if keeps { y } else { without(&y, axes) })
}

/// The value without these axes, which have one element each.
fn without(y: &Value, axes: &[usize]) -> Value {
    let mut view = View { shape: Vec::new(), strides: Vec::new(), offset: y.view.offset };
    for axis in (0..y.shape().len()).filter(|axis| !axes.contains(axis)) {
        view.shape.push(y.shape()[axis]);
        view.strides.push(y.view.strides[axis]);
    }
    y.through(view)
}

/// The elements along axes reduced to one, whose axes are kept if wanted.
pub(super) fn reduced(
    to: &mut Importer,
    x: &Value,
    axes: &[usize],
    keeps: bool,
    reduction: Reduction,
) -> Result<Value> {
    let y = match x.numbers() {
        Some(numbers) => folded(x, &numbers, axes, |values| match reduction {
            Reduction::Sum => values.iter().sum(),
            Reduction::Mean => values.iter().sum::<f64>() / values.len().max(1) as f64,
            Reduction::Max | Reduction::FirstMax => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Reduction::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        }),
        None => live(to, x, axes, reduction)?,
    };
    Ok(if keeps { y } else { without(&y, axes) })
}

fn folded(x: &Value, numbers: &Numbers, axes: &[usize], of: impl Fn(&[f64]) -> f64) -> Value {
    let mut shape = x.shape().to_vec();
    axes.iter().for_each(|&axis| shape[axis] = 1);
    let results = View::rows(&shape);
    // Where each element goes.
    let strides = (0..shape.len()).map(|axis| if axes.contains(&axis) { 0 } else { results.strides[axis] });
    let places = View { shape: x.shape().to_vec(), strides: strides.collect(), offset: 0 }.places();
    let mut groups = vec![Vec::new(); results.count()];
    places.iter().zip(numbers.as_doubles()).for_each(|(&place, value)| groups[place as usize].push(value));
    let values = groups.iter().map(|values| of(values));
    let found = match numbers {
        Numbers::Floats(_) => Numbers::floats(values.map(|value| value as f32).collect()),
        _ => Numbers::ints(values.map(|value| value as i64).collect()),
    };
    Value::known(&shape, found)
}

fn live(to: &mut Importer, x: &Value, axes: &[usize], reduction: Reduction) -> Result<Value> {
    if let Some(found) = whole_planes(to, x, axes, reduction)? {
        return Ok(found);
    }
    let mut found = x.clone();
    let mut left: Vec<usize> = axes.iter().copied().filter(|&axis| x.shape()[axis] > 1).collect();
    left.sort_unstable();
    left.dedup();
    while !left.is_empty() {
        let (whole, view) = to.whole(&found)?;
        let lying = of_live(whole, view);
        let order = lying.order();
        // Axes that lie side by side go at once.
        let first = order.iter().position(|axis| left.contains(axis)).expect("one of the axes that are left");
        let behind = order[first..].iter().take_while(|axis| left.contains(axis)).count();
        let sizes: Vec<usize> = order.iter().map(|&axis| lying.shape()[axis]).collect();
        let axis = Axis {
            outer: sizes[..first].iter().product(),
            len: sizes[first..first + behind].iter().product(),
            inner: sizes[first + behind..].iter().product(),
        };
        let y = to.array(ArrayOp::Reduce { axis, reduction }, &[whole], column(axis.outer * axis.inner))?;
        let gone = &order[first..first + behind];
        let mut shape = lying.shape().to_vec();
        gone.iter().for_each(|&axis| shape[axis] = 1);
        left.retain(|axis| !gone.contains(axis));
        found = of_live(y, laid_out(&shape, &order));
    }
    if axes.iter().all(|&axis| x.shape()[axis] == 1) {
        found = Value { origin: None, ..x.clone() };
    }
    Ok(found)
}

/// The mean of whole planes.
fn whole_planes(to: &mut Importer, x: &Value, axes: &[usize], reduction: Reduction) -> Result<Option<Value>> {
    let (Some(live), &[1, c, h, w]) = (x.live(), x.shape()) else { return Ok(None) };
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    if reduction != Reduction::Mean || sorted != [2, 3] || !x.view.is_plain(live.len()) {
        return Ok(None);
    }
    let planes = to.planes(x, &[0, 1, 2, 3], [c, h, w])?;
    let value = to.builder.global_avg_pool(planes.value);
    Ok(Some(of_live(Live { value, planes: [c, 1, 1] }, View::rows(&[1, c, 1, 1]))))
}

/// `Softmax` and `LogSoftmax`: along one axis, or before version 13 over all axes from one on.
pub(super) fn softmax(to: &mut Importer, call: &Call<'_>, log: bool) -> Outputs {
    let x = call.input(0)?;
    let axis = x.axis(call.int_or("axis", if call.opset < 13 { 1 } else { -1 }))?;
    let axes: Vec<usize> = if call.opset < 13 { (axis..x.shape().len()).collect() } else { vec![axis] };
    softmax_over(to, x, &axes, log).map(|y| vec![y])
}

/// Softmax over axes.
pub(super) fn softmax_over(to: &mut Importer, x: &Value, axes: &[usize], log: bool) -> Result<Value> {
    let (mut live, mut view) = to.whole(x)?;
    let mut order = of_live(live, view.clone()).order();
    let place = |order: &[usize], axis: usize| order.iter().position(|&of| of == axis).expect("an axis");
    let mut places: Vec<usize> = axes.iter().map(|&axis| place(&order, axis)).collect();
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[1] != pair[0] + 1) {
        order = (0..x.shape().len()).collect();
        (live, view) = to.moved(x, &order)?;
        places = axes.iter().map(|&axis| place(&order, axis)).collect();
        places.sort_unstable();
    }
    let (first, last) = (places[0], places[places.len() - 1]);
    let sizes: Vec<usize> = order.iter().map(|&axis| x.shape()[axis]).collect();
    let axis = Axis {
        outer: sizes[..first].iter().product(),
        len: sizes[first..=last].iter().product(),
        inner: sizes[last + 1..].iter().product(),
    };
    let y = to.array(ArrayOp::Softmax { axis, log }, &[live], live.planes)?;
    Ok(Value { origin: Some(Origin::Softmax(x.bare())), ..of_live(y, view) })
}

/// `InstanceNormalization`: each channel less its mean, over its deviation.
pub(super) fn instance_norm(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (x, weight, bias) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let axes: Vec<usize> = (2..x.shape().len()).collect();
    let standard = standardised(to, x, &axes, call.float_or("epsilon", 1e-5))?;
    let y = by_channels(to, &standard, weight, Binary::Multiply)?;
    by_channels(to, &y, bias, Binary::Add).map(|y| vec![y])
}

/// A number for each channel of (1, C, …).
fn by_channels(to: &mut Importer, x: &Value, numbers: &Value, function: Binary) -> Result<Value> {
    let mut shape = vec![1; x.shape().len().saturating_sub(1)];
    if let Some(first) = shape.first_mut() {
        *first = numbers.count();
    }
    let numbers = super::views::reshape_to(to, numbers, &shape)?;
    pair(to, x, &numbers, function)
}

/// (x − mean) / √(variance + ε), the moments over axes.
pub(super) fn standardised(to: &mut Importer, x: &Value, axes: &[usize], epsilon: f32) -> Result<Value> {
    let mean = reduced(to, x, axes, true, Reduction::Mean)?;
    let centred = pair(to, x, &mean, Binary::Subtract)?;
    let square = pair(to, &centred, &centred, Binary::Multiply)?;
    let variance = reduced(to, &square, axes, true, Reduction::Mean)?;
    let variance = pair_with_number(to, &variance, Binary::Add, epsilon)?;
    let deviation = unary(to, &variance, Unary::Sqrt)?;
    pair(to, &centred, &deviation, Binary::Divide)
}

/// `GroupNormalization`: of versions up to 20 weights are of groups, later of channels.
pub(super) fn group_norm(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (x, weight, bias) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let groups = usize::try_from(call.int_or("num_groups", 0)).unwrap_or(0);
    let channels = x.shape().get(1).copied().unwrap_or(0);
    if groups == 0 || channels == 0 || channels % groups != 0 {
        return Err(Problem::wrong(format!("{channels} channels in {groups} groups")));
    }
    let mut parts = vec![1, groups, channels / groups];
    parts.extend(&x.shape()[2..]);
    let split = super::views::reshape_to(to, x, &parts)?;
    let axes: Vec<usize> = (2..parts.len()).collect();
    let standard = standardised(to, &split, &axes, call.float_or("epsilon", 1e-5))?;
    if weight.count() == channels {
        let whole = super::views::reshape_to(to, &standard, x.shape())?;
        let y = by_channels(to, &whole, weight, Binary::Multiply)?;
        return by_channels(to, &y, bias, Binary::Add).map(|y| vec![y]);
    }
    let y = by_channels(to, &standard, weight, Binary::Multiply)?;
    let y = by_channels(to, &y, bias, Binary::Add)?;
    super::views::reshape_to(to, &y, x.shape()).map(|y| vec![y])
}

/// `LpNormalization`: each element over the norm of its axis.
pub(super) fn norm(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let axis = axis_of(call.int_or("axis", -1), x.shape().len())?;
    let length = if call.int_or("p", 2) == 1 {
        let x = unary(to, x, Unary::Abs)?;
        reduced(to, &x, &[axis], true, Reduction::Sum)?
    } else {
        let square = pair(to, x, x, Binary::Multiply)?;
        let sum = reduced(to, &square, &[axis], true, Reduction::Sum)?;
        unary(to, &sum, Unary::Sqrt)?
    };
    pair(to, x, &length, Binary::Divide).map(|y| vec![y])
}
