//! Products of matrices: by weights they are 1×1 convolutions, of two values each image's own.

use models::{ArrayOp, Binary, ConvolutionShape, View};

use super::{
    elements::{pair, pair_with_number},
    layers::{token_planes, with_weights},
    views::reshape_to,
};
use crate::{
    call::{Call, Outputs},
    importer::{Importer, column, of_live},
    numbers::Numbers,
    problem::{Problem, Result},
    value::{Value, broadcast, expanded, laid_out, permuted},
};

/// `MatMul`.
pub(super) fn matmul(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let (a, b) = (call.input(0)?, call.input(1)?);
    product(to, a, b).map(|y| vec![y])
}

/// A product as NumPy's `matmul` makes it.
pub(super) fn product(to: &mut Importer, a: &Value, b: &Value) -> Result<Value> {
    // A vector is a matrix of one row or column, which goes again.
    if a.shape().len() == 1 || b.shape().len() == 1 {
        let (mut of_a, mut of_b) = (a.shape().to_vec(), b.shape().to_vec());
        if a.shape().len() == 1 {
            of_a.insert(0, 1);
        }
        if b.shape().len() == 1 {
            of_b.push(1);
        }
        let (whole_a, whole_b) = (reshape_to(to, a, &of_a)?, reshape_to(to, b, &of_b)?);
        let y = product(to, &whole_a, &whole_b)?;
        let mut shape = y.shape().to_vec();
        if b.shape().len() == 1 {
            shape.pop();
        }
        if a.shape().len() == 1 {
            shape.remove(shape.len() - 1 - usize::from(b.shape().len() != 1));
        }
        return reshape_to(to, &y, &shape);
    }
    let (axes_a, axes_b) = (a.shape().len(), b.shape().len());
    if axes_a == 0
        || axes_b == 0
        || a.shape()[axes_a - 1] != b.shape()[axes_b - 2]
        || a.count() * b.count() == 0
    {
        return Err(Problem::wrong(format!("the product of {:?} and {:?}", a.shape(), b.shape())));
    }
    let is_matrix = |value: &Value| value.shape()[..value.shape().len() - 2].iter().all(|&size| size == 1);
    match (a.is_known(), b.is_known()) {
        (true, true) => known(to, a, b),
        (false, true) if is_matrix(b) => {
            by_weights(to, a, axes_a - 1, &transposed_numbers(b), b.shape()[axes_b - 1], None)
        }
        (true, false) if is_matrix(a) && axes_a <= axes_b => {
            let numbers = a.numbers().expect("known numbers").as_floats().to_vec();
            by_weights(to, b, axes_b - 2, &numbers, a.shape()[axes_a - 2], None)
        }
        _ => of_values(to, a, b),
    }
}

/// (k, n) as (n, k).
fn transposed_numbers(b: &Value) -> Vec<f32> {
    let turned = b.through(b.view.transposed());
    turned.numbers().expect("known numbers").as_floats().to_vec()
}

/// The elements along one axis times weights (n, k): that axis then has n elements. It is a 1×1 convolution whose channels are the axis.
pub(super) fn by_weights(
    to: &mut Importer,
    x: &Value,
    axis: usize,
    weights: &[f32],
    outputs: usize,
    bias: Option<Vec<f32>>,
) -> Result<Value> {
    let inputs = x.shape()[axis];
    let mut order = vec![axis];
    order.extend(x.order().into_iter().filter(|&other| other != axis));
    let planes = token_planes(x, inputs);
    let live = to.planes(x, &order, planes)?;
    let shape = ConvolutionShape::same([inputs, outputs], 1, 1);
    let found = with_weights(to, live, shape, weights.to_vec(), bias)?;
    let mut sizes = x.shape().to_vec();
    sizes[axis] = outputs;
    Ok(Value { view: laid_out(&sizes, &order), ..found })
}

fn known(to: &mut Importer, a: &Value, b: &Value) -> Result<Value> {
    let (a_shape, b_shape) = (a.shape(), b.shape());
    let (m, k, n) = (a_shape[a_shape.len() - 2], a_shape[a_shape.len() - 1], b_shape[b_shape.len() - 1]);
    let batch = broadcast(&a_shape[..a_shape.len() - 2], &b_shape[..b_shape.len() - 2])?;
    let count: usize = batch.iter().product();
    to.reserve(count.saturating_mul(m).saturating_mul(n).saturating_mul(k) / 64 + 1)?;
    let whole = |value: &Value, sizes: [usize; 2]| -> Result<Vec<f64>> {
        let shape: Vec<usize> = batch.iter().copied().chain(sizes).collect();
        let numbers = value.numbers().expect("known numbers");
        Ok(numbers.at(&expanded(&View::rows(value.shape()), &shape)?.places()).as_doubles())
    };
    let (x, y) = (whole(a, [m, k])?, whole(b, [k, n])?);
    let element = |at: usize| {
        let (of, row, column) = (at / (m * n), at / n % m, at % n);
        (0..k).map(|i| x[(of * m + row) * k + i] * y[(of * k + i) * n + column]).sum::<f64>() as f32
    };
    let numbers = Numbers::floats((0..count * m * n).map(element).collect());
    Ok(Value::known(&batch.into_iter().chain([m, n]).collect::<Vec<_>>(), numbers))
}

/// Of two values of the network. The products lie as the second factor's columns do.
fn of_values(to: &mut Importer, a: &Value, b: &Value) -> Result<Value> {
    let (a, b) = (ahead(to, a)?, ahead(to, b)?);
    let (axes_a, axes_b) = (a.shape().len(), b.shape().len());
    let batch = broadcast(&a.shape()[..axes_a - 2], &b.shape()[..axes_b - 2])?;
    let (m, n) = (a.shape()[axes_a - 2], b.shape()[axes_b - 1]);
    let whole = |value: &Value| -> Result<View> {
        let axes = value.shape().len();
        let shape: Vec<usize> =
            batch.iter().copied().chain(value.shape()[axes - 2..].iter().copied()).collect();
        expanded(&value.view, &shape)
    };
    let (of_a, of_b) = (whole(&a)?, whole(&b)?);
    let (Some(x), Some(y)) = (a.live(), b.live()) else { unreachable!("both are of the network") };
    let shape: Vec<usize> = batch.iter().copied().chain([m, n]).collect();
    let axes = shape.len();
    let lies_by_columns = of_b.strides[axes - 1] > of_b.strides[axes - 2] && n > 1;
    let planes = column(shape.iter().product());
    let mut order: Vec<usize> = (0..axes).collect();
    let live = if lies_by_columns {
        order.swap(axes - 1, axes - 2);
        to.array(ArrayOp::Products([of_b.transposed(), of_a.transposed()]), &[y, x], planes)?
    } else {
        to.array(ArrayOp::Products([of_a, of_b]), &[x, y], planes)?
    };
    Ok(of_live(live, laid_out(&shape, &order)))
}

/// A value of the network that no axis of goes backwards.
fn ahead(to: &mut Importer, value: &Value) -> Result<Value> {
    let value = to.live_of(value)?;
    if value.view.strides.iter().all(|&stride| stride >= 0) {
        return Ok(value);
    }
    let (live, view) = to.moved(&value, &value.order())?;
    Ok(of_live(live, view))
}

/// `Gemm`: alpha · A B + beta · C, either factor transposed where that is said.
pub(super) fn gemm(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let turned = |index: usize, flag: &str| -> Result<Value> {
        let value = call.input(index)?;
        if value.shape().len() != 2 {
            return Err(Problem::wrong(format!("{:?}, expected a matrix", value.shape())));
        }
        Ok(if call.is_set(flag) { value.through(value.view.transposed()) } else { value.clone() })
    };
    let (a, b) = (turned(0, "transA")?, turned(1, "transB")?);
    let (alpha, beta) = (call.float_or("alpha", 1.0), call.float_or("beta", 1.0));
    let (k, n) = (b.shape()[0], b.shape()[1]);
    let bias = call.optional(2);
    if !a.is_known() && b.is_known() && a.shape()[1] == k && a.count() * n > 0 {
        let weights: Vec<f32> = transposed_numbers(&b).into_iter().map(|weight| weight * alpha).collect();
        let bias = match bias {
            Some(value) if value.is_known() && value.shape().iter().rev().skip(1).all(|&size| size == 1) => {
                let all = expanded(&value.view, &broadcast(value.shape(), &[n])?)?;
                let crate::value::Source::Known(numbers) = &value.source else { unreachable!("it is known") };
                let numbers = numbers.at(&all.places()).as_floats();
                Some(Some(numbers.iter().map(|&number| number * beta).collect::<Vec<f32>>()))
            }
            Some(_) => None,
            None => Some(None),
        };
        if let Some(bias) = bias.filter(|bias| bias.as_ref().is_none_or(|bias| bias.len() == n)) {
            return by_weights(to, &a, 1, &weights, n, bias).map(|y| vec![y]);
        }
    }
    let mut y = product(to, &a, &b)?;
    if alpha != 1.0 {
        y = pair_with_number(to, &y, Binary::Multiply, alpha)?;
    }
    if let Some(bias) = bias {
        let bias =
            if beta == 1.0 { bias.clone() } else { pair_with_number(to, bias, Binary::Multiply, beta)? };
        y = pair(to, &y, &bias, Binary::Add)?;
    }
    Ok(vec![y])
}

/// `Einsum` of one or two values: axes of one letter are brought together, and the sum is a product of matrices.
pub(super) fn einsum(to: &mut Importer, call: &Call<'_>) -> Outputs {
    let equation: String =
        call.text_or("equation", "").chars().filter(|sign| !sign.is_whitespace()).collect();
    let refused = || Problem::wrong(format!("the equation `{equation}`"));
    let way_out = Problem::Unknown(
        "write the equation as MatMul, Transpose and ReduceSum, or of two factors without repeated letters",
    );
    let (left, right) = equation.split_once("->").ok_or_else(refused)?;
    let terms: Vec<Vec<char>> = left.split(',').map(|term| term.chars().collect()).collect();
    let result: Vec<char> = right.chars().collect();
    let [first, second] = &terms[..] else { return Err(way_out) };
    let is_simple =
        |term: &[char]| (0..term.len()).all(|at| term[at].is_alphabetic() && !term[..at].contains(&term[at]));
    if ![&first[..], &second[..], &result[..]].into_iter().all(is_simple) {
        return Err(way_out);
    }
    let (a, b) = (call.input(0)?, call.input(1)?);
    if a.shape().len() != first.len() || b.shape().len() != second.len() {
        return Err(refused());
    }
    // Letters of both and the result number the matrices; of one and the result are rows or columns; of both alone are summed.
    let in_result = |letter: &char| result.contains(letter);
    let batch: Vec<char> = first.iter().copied().filter(|l| second.contains(l) && in_result(l)).collect();
    let summed: Vec<char> = first.iter().copied().filter(|l| second.contains(l) && !in_result(l)).collect();
    let rows: Vec<char> = first.iter().copied().filter(|l| !second.contains(l)).collect();
    let columns: Vec<char> = second.iter().copied().filter(|l| !first.contains(l)).collect();
    if !rows.iter().chain(&columns).all(in_result) || result.len() != batch.len() + rows.len() + columns.len()
    {
        return Err(way_out);
    }
    let size = |letter: &char| match (
        first.iter().position(|l| l == letter),
        second.iter().position(|l| l == letter),
    ) {
        (Some(at), _) => a.shape()[at],
        (None, Some(at)) => b.shape()[at],
        (None, None) => 1,
    };
    let all = |letters: &[char]| letters.iter().map(size).product::<usize>();
    let mut matrix = |value: &Value, letters: &[char], groups: [&[char]; 3]| -> Result<Value> {
        let place = |letter: &char| letters.iter().position(|l| l == letter).expect("a letter of its own");
        let order: Vec<usize> = groups.concat().iter().map(place).collect();
        let turned = value.through(permuted(&value.view, &order));
        if turned.shape() != groups.concat().iter().map(size).collect::<Vec<_>>() {
            return Err(Problem::wrong(format!("{:?} and {:?} for `{equation}`", a.shape(), b.shape())));
        }
        reshape_to(to, &turned, &groups.map(all))
    };
    let left = matrix(a, first, [&batch, &rows, &summed])?;
    let right = matrix(b, second, [&batch, &summed, &columns])?;
    let y = product(to, &left, &right)?;
    let letters = [&batch[..], &rows, &columns].concat();
    let y = reshape_to(to, &y, &letters.iter().map(size).collect::<Vec<_>>())?;
    let place = |letter: &char| letters.iter().position(|l| l == letter).expect("a letter of the result");
    let order: Vec<usize> = result.iter().map(place).collect();
    Ok(vec![y.through(permuted(&y.view, &order))])
}
