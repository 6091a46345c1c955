//! Operations of a graph that come to one of ours: what convolutions, sums and linear layers take in, and functions that exporters write
//! down in parts.

use models::{Activation, Nonlinearity};

use crate::{
    importer::{Importer, of_live},
    problem::Result,
    value::{Live, Origin, Value},
};

/// The convolution, batch-norm or sum that the value is, ended by ReLU.
pub(super) fn with_relu(to: &mut Importer, x: &Value) -> Option<Value> {
    let live = x.live()?;
    let value = match x.origin.as_ref()? {
        Origin::Convolution { x, module, shape, bias } => {
            to.builder.convolution(*x, module, *shape, *bias, Activation::Relu)
        }
        Origin::BatchNorm { x, module, epsilon } => {
            let (x, module, epsilon) = (*x, module.clone(), *epsilon);
            to.set_epsilon(epsilon);
            to.builder.batch_norm(x, &module, Activation::Relu)
        }
        Origin::Sum { x, y } => to.builder.add(*x, *y, Activation::Relu),
        _ => return None,
    };
    Some(of_live(Live { value, planes: live.planes }, x.view.clone()))
}

/// Whether a sum can be one with what made the value.
pub(super) fn can_take_a_sum(x: &Value) -> bool {
    matches!(x.origin, Some(Origin::Convolution { .. } | Origin::BatchNorm { .. }))
}

/// The convolution or linear layer that the value is, with a bias: a number for each of its outputs.
pub(super) fn with_bias(to: &mut Importer, x: &Value, bias: &Value) -> Result<Option<Value>> {
    let (Some(Origin::Convolution { x: from, module, shape, bias: false }), Some(numbers), Some(live)) =
        (&x.origin, bias.numbers(), x.live())
    else {
        return Ok(None);
    };
    // The axis of the outputs is that whose elements lie farthest apart.
    let axis = x.order().into_iter().find(|&axis| x.shape()[axis] > 1);
    let Some(axis) = axis.filter(|&axis| x.shape()[axis] == shape.outputs) else { return Ok(None) };
    let from_behind = x.shape().len() - axis;
    let fits = bias.shape().len() >= from_behind
        && bias.shape().len() <= x.shape().len()
        && bias.shape()[bias.shape().len() - from_behind] == shape.outputs
        && numbers.len() == shape.outputs;
    if !fits {
        return Ok(None);
    }
    let value = to.builder.convolution(*from, module, *shape, true, Activation::None);
    to.keep(format!("{module}.bias"), numbers.as_floats().to_vec(), &[shape.outputs])?;
    let made = of_live(Live { value, planes: live.planes }, x.view.clone());
    if let Some(read) = to.read_by.get(&live.value).copied() {
        to.read_by.insert(value, read);
    }
    let origin = Origin::Convolution { x: *from, module: module.clone(), shape: *shape, bias: true };
    Ok(Some(Value { origin: Some(origin), ..made }))
}

/// erf(x / √2) + 1 as a part of GELU.
pub(super) fn origin_of_sum(a: &Value, b: &Value) -> Option<Origin> {
    [(a, b), (b, a)].into_iter().find_map(|(x, number)| match &x.origin {
        Some(Origin::Erf(of)) if number.single() == Some(1.0) => Some(Origin::ErfPlusOne(of.clone())),
        _ => None,
    })
}

/// The product of two values, where it is an operation that engines are fast at.
pub(super) fn product(to: &mut Importer, x: &Value, y: &Value) -> Result<Option<Value>> {
    match (&x.origin, &y.origin) {
        (_, Some(Origin::Sigmoid(of))) if is_same(of, x) => {
            return to.nonlinear(x, Nonlinearity::Silu).map(Some);
        }
        (Some(Origin::Half(of)), Some(Origin::ErfPlusOne(same))) if is_same(of, same) => {
            return to.nonlinear(of, Nonlinearity::Gelu).map(Some);
        }
        (_, Some(Origin::Normal(of))) if is_same(of, x) => {
            return to.nonlinear(x, Nonlinearity::Gelu).map(Some);
        }
        (Some(Origin::TwiceGelu(of)), _) if y.single() == Some(0.5) => {
            return to.nonlinear(of, Nonlinearity::Gelu).map(Some);
        }
        _ => {}
    }
    let (Some(of_x), Some(of_y)) = (x.live(), y.live()) else { return Ok(None) };
    let (&[1, c, h, w], &[1, factors, 1, 1]) = (x.shape(), y.shape()) else { return Ok(None) };
    let is_plain = x.view.is_plain(of_x.len()) && y.view.is_plain(of_y.len());
    if !is_plain || c != factors || h * w == 1 {
        return Ok(None);
    }
    let order: Vec<usize> = (0..4).collect();
    let planes = to.planes(x, &order, [c, h, w])?;
    let by = to.planes(y, &order, [c, 1, 1])?;
    let value = to.builder.scale_planes(planes.value, by.value);
    Ok(Some(of_live(Live { value, planes: [c, h, w] }, x.view.clone())))
}

/// Whether two values are the same elements, read alike.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a.live(), b.live()) {
        (Some(x), Some(y)) => x.value == y.value && a.view == b.view,
        _ => false,
    }
}

/// What a product is a part of.
pub(super) fn origin_of_product(a: &Value, b: &Value) -> Option<Origin> {
    [(a, b), (b, a)].into_iter().find_map(|(x, y)| match (&x.origin, y.single()) {
        (Some(Origin::ErfPlusOne(of)), Some(0.5)) => Some(Origin::Normal(of.clone())),
        (Some(Origin::ErfPlusOne(of)), _) if is_same(of, y) => Some(Origin::TwiceGelu(of.clone())),
        (_, Some(0.5)) => Some(Origin::Half(x.bare())),
        (_, Some(number)) if (number - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6 => {
            Some(Origin::OverRootOfTwo(x.bare()))
        }
        _ => None,
    })
}

/// erf of x / √2.
pub(super) fn origin_of_erf(x: &Value) -> Option<Origin> {
    match &x.origin {
        Some(Origin::OverRootOfTwo(of)) => Some(Origin::Erf(of.clone())),
        _ => None,
    }
}
