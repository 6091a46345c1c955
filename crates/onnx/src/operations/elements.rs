//! Functions of elements and of pairs of elements, of the network's values.

use models::{Activation, ArrayOp, Binary, Nonlinearity, Side, Unary, View};

use super::{folding, joined};
use crate::{
    call::{Call, Outputs},
    importer::{Importer, column, of_live},
    problem::{Problem, Result},
    value::{Live, Origin, Source, Value, broadcast, expanded, laid_out, permuted},
};

/// A function of each element.
pub(super) fn unary(to: &mut Importer, x: &Value, function: Unary) -> Result<Value> {
    if let Some(numbers) = x.numbers() {
        return Ok(Value::known(x.shape(), folding::unary(to, &numbers, function)?));
    }
    let (live, view) = to.whole(x)?;
    let y = to.array(ArrayOp::Unary(function), &[live], live.planes)?;
    Ok(of_live(y, view))
}

/// `Relu`: the end of a convolution, batch-norm or sum that nothing else reads.
pub(super) fn relu(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    if call.inputs_read_once[0]
        && let Some(y) = joined::with_relu(to, x)
    {
        return Ok(vec![y]);
    }
    leaky_relu(to, x, 0.0).map(|y| vec![y])
}

/// max(x, 0) + slope · min(x, 0).
pub(super) fn leaky_relu(to: &mut Importer, x: &Value, slope: f32) -> Result<Value> {
    let (live, view) = to.whole(x)?;
    let value = to.builder.leaky_relu(live.value, slope);
    Ok(of_live(Live { value, planes: live.planes }, view))
}

/// `Clip`, with attributes or inputs.
pub(super) fn clip(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let bound = |name: &str, input: usize, usual: f32| -> Result<f32> {
        if call.has(name) {
            return Ok(call.float_or(name, usual));
        }
        match call.optional(input) {
            Some(_) => Ok(call.known(input)?.as_floats().first().copied().unwrap_or(usual)),
            None => Ok(usual),
        }
    };
    let x = call.input(0)?;
    let (low, high) = (bound("min", 1, f32::NEG_INFINITY)?, bound("max", 2, f32::INFINITY)?);
    if x.is_known() {
        return Ok(vec![unary(to, x, Unary::Clip { low, high })?]);
    }
    Ok(vec![match (low, high) {
        (0.0, 6.0) => to.nonlinear(x, Nonlinearity::Relu6)?,
        (0.0, f32::INFINITY) => leaky_relu(to, x, 0.0)?,
        _ => unary(to, x, Unary::Clip { low, high })?,
    }])
}

/// `Sigmoid`: the first half of SiLU where a product follows.
pub(super) fn sigmoid(to: &mut Importer, x: &Value) -> Result<Value> {
    if x.is_known() {
        let negative = pair_with_number(to, x, Binary::Multiply, -1.0)?;
        let power = unary(to, &negative, Unary::Exp)?;
        let sum = pair_with_number(to, &power, Binary::Add, 1.0)?;
        return unary(to, &sum, Unary::Reciprocal);
    }
    let y = to.nonlinear(x, Nonlinearity::Sigmoid)?;
    Ok(Value { origin: Some(Origin::Sigmoid(x.bare())), ..y })
}

/// `HardSigmoid`: clip(alpha · x + beta, 0, 1).
pub(super) fn hard_sigmoid(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let x = call.input(0)?;
    let (alpha, beta) = (call.float_or("alpha", 0.2), call.float_or("beta", 0.5));
    if (alpha - 1.0 / 6.0).abs() < 1e-6 && beta == 0.5 && !x.is_known() {
        return Ok(vec![to.nonlinear(x, Nonlinearity::Hardsigmoid)?]);
    }
    let scaled = pair_with_number(to, x, Binary::Multiply, alpha)?;
    let shifted = pair_with_number(to, &scaled, Binary::Add, beta)?;
    Ok(vec![unary(to, &shifted, Unary::Clip { low: 0.0, high: 1.0 })?])
}

/// `Gelu`, exact or by the hyperbolic tangent.
pub(super) fn gelu(to: &mut Importer, x: &Value, is_exact: bool) -> Result<Value> {
    if is_exact {
        return to.nonlinear(x, Nonlinearity::Gelu);
    }
    // x · sigmoid(2 · √(2/π) · (x + 0.044715 x³)).
    let square = pair(to, x, x, Binary::Multiply)?;
    let factor = pair_with_number(to, &square, Binary::Multiply, 0.044_715)?;
    let factor = pair_with_number(to, &factor, Binary::Add, 1.0)?;
    let inner = pair(to, x, &factor, Binary::Multiply)?;
    let inner = pair_with_number(to, &inner, Binary::Multiply, 1.595_769)?;
    let gate = to.nonlinear(&inner, Nonlinearity::Sigmoid)?;
    pair(to, x, &gate, Binary::Multiply)
}

/// A function of each element and a number.
pub(super) fn pair_with_number(to: &mut Importer, x: &Value, function: Binary, number: f32) -> Result<Value> {
    let number = Value::known(&[], crate::numbers::Numbers::floats(vec![number]));
    pair(to, x, &number, function)
}

/// A function of pairs of elements, of shapes that are brought to one.
pub(super) fn pair(to: &mut Importer, a: &Value, b: &Value, function: Binary) -> Result<Value> {
    if let (Some(of_a), Some(of_b)) = (a.numbers(), b.numbers()) {
        return folding::binary(to, (a.shape(), &of_a), (b.shape(), &of_b), function);
    }
    let shape = broadcast(a.shape(), b.shape())?;
    if shape.contains(&0) {
        return Err(Problem::wrong(format!("no elements: the shape {shape:?}")));
    }
    // The result lies as the argument does that has as many elements.
    let leads = |value: &Value| value.live().is_some() && value.shape() == shape && value.is_whole();
    let order = match () {
        () if leads(a) => a.order(),
        () if leads(b) => b.order(),
        () => (0..shape.len()).collect(),
    };
    let planes =
        [a, b].into_iter().find(|value| leads(value)).and_then(|value| value.live()).map(|live| live.planes);
    let planes = planes.unwrap_or_else(|| column(shape.iter().product()));
    let view_of = |value: &Value| -> Result<View> { Ok(permuted(&expanded(&value.view, &shape)?, &order)) };
    let (of_a, of_b) = (view_of(a)?, view_of(b)?);
    let live = match (&a.source, &b.source) {
        (Source::Live(x), Source::Live(y)) => {
            let op = ArrayOp::Binary { function, views: [of_a, of_b], parameter: None };
            to.array(op, &[*x, *y], planes)?
        }
        (Source::Known(_), Source::Live(y)) => {
            let (name, of_a) = numbers(to, a, &shape, &order)?;
            let op = ArrayOp::Binary { function, views: [of_a, of_b], parameter: Some((Side::First, name)) };
            to.array(op, &[*y], planes)?
        }
        (Source::Live(x), Source::Known(_)) => {
            let (name, of_b) = numbers(to, b, &shape, &order)?;
            let op = ArrayOp::Binary { function, views: [of_a, of_b], parameter: Some((Side::Second, name)) };
            to.array(op, &[*x], planes)?
        }
        (Source::Known(_), Source::Known(_)) => unreachable!("two of them were folded"),
    };
    Ok(of_live(live, laid_out(&shape, &order)))
}

/// Known numbers as a parameter, and how a result of this shape and order reads them.
fn numbers(to: &mut Importer, value: &Value, shape: &[usize], order: &[usize]) -> Result<(String, View)> {
    let numbers = value.numbers().expect("known numbers").as_floats().to_vec();
    to.reserve(numbers.len())?;
    let view = permuted(&expanded(&View::rows(value.shape()), shape)?, order);
    Ok((to.number(numbers)?, view))
}

/// `Add`: the residual sum of two values that lie alike, or the bias of a linear layer.
pub(super) fn add(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (a, b) = (call.input(0)?, call.input(1)?);
    for (x, bias, once) in [(a, b, 0), (b, a, 1)] {
        if call.inputs_read_once[once]
            && let Some(y) = joined::with_bias(to, x, bias)?
        {
            return Ok(vec![y]);
        }
    }
    let [first, second] = if joined::can_take_a_sum(a) && call.inputs_read_once[0] { [a, b] } else { [b, a] };
    if let (Some(x), Some(y)) = (first.live(), second.live())
        && first.shape() == second.shape()
        && first.is_whole()
        && second.is_whole()
        && laid_out(first.shape(), &first.order()) == laid_out(second.shape(), &second.order())
        && x.value != y.value
    {
        let value = match x.planes == y.planes {
            true => y,
            false => to.array(ArrayOp::Relabel, &[y], x.planes)?,
        };
        let sum = to.builder.add(x.value, value.value, Activation::None);
        let mut found = of_live(Live { value: sum, planes: x.planes }, first.view.clone());
        let joins =
            joined::can_take_a_sum(first) && call.inputs_read_once[usize::from(std::ptr::eq(first, b))];
        found.origin = joins.then_some(Origin::Sum { x: x.value, y: value.value });
        return Ok(vec![found]);
    }
    let y = pair(to, a, b, Binary::Add)?;
    Ok(vec![Value { origin: joined::origin_of_sum(a, b), ..y }])
}

/// `Mul`: SiLU, the factors of squeeze-excite, GELU, or any product.
pub(super) fn multiply(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (a, b) = (call.input(0)?, call.input(1)?);
    for (x, y) in [(a, b), (b, a)] {
        if let Some(found) = joined::product(to, x, y)? {
            return Ok(vec![found]);
        }
    }
    let y = pair(to, a, b, Binary::Multiply)?;
    Ok(vec![Value { origin: joined::origin_of_product(a, b), ..y }])
}

/// `Div`.
pub(super) fn divide(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (a, b) = (call.input(0)?, call.input(1)?);
    let y = pair(to, a, b, Binary::Divide)?;
    let is_root = |number: f32| (number - std::f32::consts::SQRT_2).abs() < 1e-6;
    let origin = b.single().filter(|&number| is_root(number)).map(|_| Origin::OverRootOfTwo(a.bare()));
    Ok(vec![Value { origin, ..y }])
}

/// `Where`: of a condition that is known, a choice of places; else each of the two is gated.
pub(super) fn choose(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (condition, x, y) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let shape = broadcast(&broadcast(condition.shape(), x.shape())?, y.shape())?;
    if let Some(flags) = condition.numbers() {
        return super::choices::chosen(to, (condition.shape(), &flags), [x, y], &shape).map(|y| vec![y]);
    }
    let [x, y] = [to.live_of(x)?, to.live_of(y)?];
    let is_not = pair_with_number(to, condition, Binary::Equal, 0.0)?;
    let first = pair(to, &x, condition, Binary::Gate)?;
    let second = pair(to, &y, &is_not, Binary::Gate)?;
    pair(to, &first, &second, Binary::Add).map(|y| vec![y])
}

/// Several values of `Sum`, `Max`, `Min` or `Mean`.
pub(super) fn several(to: &mut Importer, call: &Call<'_>, function: Binary, is_mean: bool) -> Outputs {
    let mut found = call.input(0)?.clone();
    for index in 1..call.inputs.len() {
        found = pair(to, &found, call.input(index)?, function)?;
    }
    if is_mean {
        found = pair_with_number(to, &found, Binary::Divide, call.inputs.len() as f32)?;
    }
    Ok(vec![found])
}
