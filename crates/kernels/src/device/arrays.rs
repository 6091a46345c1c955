//! Operations on arrays of any shape: each image has a row of elements, (N, E).

use candle_core::{Device, Result, Tensor};

use crate::arrays::{Axis, Binary, Reduction, Sparse, SparseRows, Unary, View};

/// The elements of a view, (N, count).
///
/// # Errors
/// If the view does not fit, or the device fails.
pub fn copy(x: &Tensor, view: &View) -> Result<Tensor> {
    if view.is_plain(x.dim(1)?) {
        return Ok(x.clone());
    }
    x.index_select(&places(&view.places(), x.device())?, 1)
}

/// The gradient of the argument of [`copy`], which had `elements`, from that of its result.
///
/// # Errors
/// As [`copy`].
pub fn copy_gradient(g: &Tensor, view: &View, elements: usize) -> Result<Tensor> {
    if view.is_plain(elements) {
        return Ok(g.clone());
    }
    scatter(g, &view.places(), elements)
}

/// Each image's elements added to zeros at these places.
fn scatter(g: &Tensor, at: &[u32], elements: usize) -> Result<Tensor> {
    let zeros = Tensor::zeros((g.dim(0)?, elements), g.dtype(), g.device())?;
    zeros.index_add(&places(at, g.device())?, &g.contiguous()?, 1)
}

fn places(places: &[u32], device: &Device) -> Result<Tensor> {
    Tensor::from_slice(places, places.len(), device)
}

/// Of values one after the other the elements at these places; `filler` where a place is `u32::MAX`.
///
/// # Errors
/// If a place is beyond the values, or the device fails.
pub fn pick(values: &[Tensor], at: &[u32], filler: f32) -> Result<Tensor> {
    let fillers = Tensor::full(filler, (values[0].dim(0)?, 1), values[0].device())?;
    let all: Vec<&Tensor> = values.iter().chain([&fillers]).collect();
    let all = Tensor::cat(&all, 1)?;
    let last = all.dim(1)? as u32 - 1;
    let at: Vec<u32> = at.iter().map(|&place| place.min(last)).collect();
    all.index_select(&places(&at, all.device())?, 1)
}

/// The gradient of that value of [`pick`] whose first place is `start` and which had `elements`, from that of the result.
///
/// # Errors
/// As [`pick`].
pub fn pick_gradient(g: &Tensor, at: &[u32], start: usize, elements: usize) -> Result<Tensor> {
    // What is of other values goes to a place of its own behind.
    let own = |&place: &u32| (place as usize).wrapping_sub(start).min(elements) as u32;
    let at: Vec<u32> = at.iter().map(own).collect();
    scatter(g, &at, elements + 1)?.narrow(1, 0, elements)
}

/// The function of each element.
///
/// # Errors
/// If the device fails.
pub fn unary(x: &Tensor, function: Unary) -> Result<Tensor> {
    match function {
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => x.recip(),
        Unary::Abs => x.abs(),
        Unary::Erf => x.erf(),
        Unary::Softplus => x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?,
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Clip { low, high } => x.maximum(low)?.minimum(high),
        Unary::Elu { alpha } => x.elu(f64::from(alpha)),
        Unary::ThresholdedRelu { alpha } => x * flags(&x.gt(alpha)?)?,
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => round(x),
        Unary::Sign => x.sign(),
    }
}

/// To the even one of two: candle's own goes away from 0.
fn round(x: &Tensor) -> Result<Tensor> {
    let (low, half) = (x.floor()?, (x - x.floor()?)?);
    let is_odd = (&low - ((&low * 0.5)?.floor()? * 2.0)?)?;
    let goes_up = (flags(&half.gt(0.5f32)?)? + (flags(&half.eq(0.5f32)?)? * is_odd)?)?;
    low + goes_up
}

fn flags(is: &Tensor) -> Result<Tensor> {
    is.to_dtype(candle_core::DType::F32)
}

/// The gradient of the argument `x` of [`unary`] from that of its result.
///
/// # Errors
/// If the device fails.
pub fn unary_gradient(x: &Tensor, g: &Tensor, function: Unary) -> Result<Tensor> {
    let slope = match function {
        Unary::Exp => x.exp()?,
        Unary::Log => x.recip()?,
        Unary::Sqrt => (x.sqrt()?.recip()? * 0.5)?,
        Unary::Reciprocal => x.sqr()?.recip()?.neg()?,
        Unary::Abs => x.sign()?,
        Unary::Erf => (x.sqr()?.neg()?.exp()? * std::f64::consts::FRAC_2_SQRT_PI)?,
        Unary::Softplus => (x.neg()?.exp()? + 1.0)?.recip()?,
        Unary::Sin => x.cos()?,
        Unary::Cos => x.sin()?.neg()?,
        Unary::Clip { low, high } => (flags(&x.gt(low)?)? * flags(&x.lt(high)?)?)?,
        Unary::Elu { alpha } => {
            let is_positive = flags(&x.gt(0f32)?)?;
            let below = (x.minimum(0f32)?.exp()? * f64::from(alpha))?;
            (&is_positive + (is_positive.affine(-1.0, 1.0)? * below)?)?
        }
        Unary::ThresholdedRelu { alpha } => flags(&x.gt(alpha)?)?,
        Unary::Floor | Unary::Ceil | Unary::Round | Unary::Sign => x.zeros_like()?,
    };
    g * slope
}

/// The function of each pair, of two rows of as many elements an image; either may be one row for all images.
///
/// # Errors
/// If the sizes do not fit each other, or the device fails.
pub fn binary(a: &Tensor, b: &Tensor, function: Binary) -> Result<Tensor> {
    match function {
        Binary::Add => a.broadcast_add(b),
        Binary::Subtract => a.broadcast_sub(b),
        Binary::Multiply => a.broadcast_mul(b),
        Binary::Divide => a.broadcast_div(b),
        Binary::Power => power(a, b),
        Binary::Minimum => a.broadcast_minimum(b),
        Binary::Maximum => a.broadcast_maximum(b),
        Binary::Slope => a.relu()?.broadcast_add(&a.minimum(0f32)?.broadcast_mul(b)?),
        Binary::Gate => {
            let [a, is_there] = alike(a, &b.ne(0f32)?)?;
            is_there.where_cond(&a, &a.zeros_like()?)
        }
        Binary::Equal => flags(&a.broadcast_eq(b)?),
        Binary::Greater => flags(&a.broadcast_gt(b)?),
        Binary::GreaterOrEqual => flags(&a.broadcast_ge(b)?),
    }
}

fn alike(a: &Tensor, b: &Tensor) -> Result<[Tensor; 2]> {
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "pairs")?;
    Ok([a.broadcast_as(&shape)?.contiguous()?, b.broadcast_as(&shape)?.contiguous()?])
}

/// |a|ᵇ, negative where a is and b is odd: candle's own goes through the logarithm, which negative numbers lack.
fn power(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let [a, b] = alike(a, b)?;
    let is_odd = (&b - ((&b * 0.5)?.floor()? * 2.0)?)?.eq(1f32)?;
    let positive = a.abs()?.pow(&b)?;
    let sign = is_odd.where_cond(&a.sign()?, &a.ones_like()?)?;
    let is_one = flags(&b.eq(0f32)?)?;
    (positive * sign)?.broadcast_mul(&is_one.affine(-1.0, 1.0)?)?.broadcast_add(&is_one)
}

/// From the gradient of the result of [`binary`] that of argument `of` (0 or 1), an element for each of the result.
///
/// # Errors
/// As [`binary`].
pub fn binary_gradient(a: &Tensor, b: &Tensor, g: &Tensor, function: Binary, of: usize) -> Result<Tensor> {
    let is_first = of == 0;
    let share = |wins: Tensor| -> Result<Tensor> {
        let equal = (flags(&a.broadcast_eq(b)?)? * 0.5)?;
        g * (flags(&wins)? + equal)?
    };
    match (function, is_first) {
        (Binary::Add, _) | (Binary::Subtract, true) => Ok(g.clone()),
        (Binary::Subtract, false) => g.neg(),
        (Binary::Multiply, true) => g.broadcast_mul(b),
        (Binary::Multiply, false) => g.broadcast_mul(a),
        (Binary::Divide, true) => g.broadcast_div(b),
        (Binary::Divide, false) => g.broadcast_mul(a)?.broadcast_div(&b.sqr()?)?.neg(),
        (Binary::Power, true) => {
            let [a, b] = alike(a, b)?;
            g * (power(&a, &(&b - 1.0)?)? * b)?
        }
        (Binary::Power, false) => {
            let [a, b] = alike(a, b)?;
            let slope = (power(&a, &b)? * a.log()?)?;
            g * a.eq(0f32)?.where_cond(&a.zeros_like()?, &slope)?
        }
        (Binary::Minimum, true) | (Binary::Maximum, false) => share(a.broadcast_lt(b)?),
        (Binary::Minimum, false) | (Binary::Maximum, true) => share(a.broadcast_gt(b)?),
        (Binary::Slope, _) => {
            let [a, b] = alike(a, b)?;
            let is_positive = flags(&a.gt(0f32)?)?;
            let is_not = is_positive.affine(-1.0, 1.0)?;
            if is_first { g * (is_positive + (is_not * b)?)? } else { g * (is_not * a)? }
        }
        (Binary::Gate, true) => {
            let [g, is_there] = alike(g, &b.ne(0f32)?)?;
            is_there.where_cond(&g, &g.zeros_like()?)
        }
        (Binary::Gate | Binary::Equal | Binary::Greater | Binary::GreaterOrEqual, _) => g.zeros_like(),
    }
}

/// (N · outer, len, inner).
fn parts(x: &Tensor, axis: Axis) -> Result<Tensor> {
    x.contiguous()?.reshape((x.dim(0)? * axis.outer, axis.len, axis.inner))
}

/// The elements along an axis reduced to one.
///
/// # Errors
/// If the axis is not one of the rows, or the device fails.
pub fn reduce(x: &Tensor, axis: Axis, reduction: Reduction) -> Result<Tensor> {
    let images = x.dim(0)?;
    let x = parts(x, axis)?;
    let y = match reduction {
        Reduction::Sum => x.sum(1)?,
        Reduction::Mean => x.mean(1)?,
        Reduction::Max | Reduction::FirstMax => x.max(1)?,
        Reduction::Min => x.min(1)?,
    };
    y.reshape((images, axis.outer * axis.inner))
}

/// The gradient of the argument `x` of [`reduce`] from that of its result; sums do without `x`.
///
/// # Errors
/// As [`reduce`].
///
/// # Panics
/// If `x` is missing where it is needed.
pub fn reduce_gradient(g: &Tensor, x: Option<&Tensor>, axis: Axis, reduction: Reduction) -> Result<Tensor> {
    let images = g.dim(0)?;
    let shape = (images * axis.outer, axis.len, axis.inner);
    let along = g.contiguous()?.reshape((images * axis.outer, 1, axis.inner))?.broadcast_as(shape)?;
    let dx = match reduction {
        Reduction::Sum => along.contiguous()?,
        Reduction::Mean => (along / axis.len as f64)?,
        Reduction::Max | Reduction::Min | Reduction::FirstMax => {
            let x = parts(x.expect("the value whose largest elements are sought"), axis)?;
            if reduction == Reduction::FirstMax {
                let first = x.argmax_keepdim(1)?;
                let g = g.contiguous()?.reshape((images * axis.outer, 1, axis.inner))?;
                return x.zeros_like()?.scatter_add(&first, &g, 1)?.reshape((images, axis.count()));
            }
            let found = if reduction == Reduction::Max { x.max_keepdim(1)? } else { x.min_keepdim(1)? };
            let is_it = flags(&x.broadcast_eq(&found)?)?;
            let share = is_it.broadcast_div(&is_it.sum_keepdim(1)?)?;
            (share * along)?
        }
    };
    dx.reshape((images, axis.count()))
}

/// eˣ / Σ eˣ along an axis, or with `log` the logarithm of that.
///
/// # Errors
/// If the axis is not one of the rows, or the device fails.
pub fn softmax(x: &Tensor, axis: Axis, log: bool) -> Result<Tensor> {
    let images = x.dim(0)?;
    let x = parts(x, axis)?;
    let from = x.broadcast_sub(&x.max_keepdim(1)?)?;
    let sums = from.exp()?.sum_keepdim(1)?;
    let y = if log { from.broadcast_sub(&sums.log()?)? } else { from.exp()?.broadcast_div(&sums)? };
    y.reshape((images, axis.count()))
}

/// The gradient of the argument `x` of [`softmax`] from that of its result.
///
/// # Errors
/// As [`softmax`].
pub fn softmax_gradient(g: &Tensor, x: &Tensor, axis: Axis, log: bool) -> Result<Tensor> {
    let images = x.dim(0)?;
    let (weights, g) = (parts(&softmax(x, axis, false)?, axis)?, parts(g, axis)?);
    let dx = match log {
        true => (&g - weights.broadcast_mul(&g.sum_keepdim(1)?)?)?,
        false => (&weights * g.broadcast_sub(&(&weights * &g)?.sum_keepdim(1)?)?)?,
    };
    dx.reshape((images, axis.count()))
}

/// Products of the matrices in the last two axes of two views.
///
/// # Errors
/// If the sizes do not fit each other, or the device fails.
pub fn matrix_products(a: (&Tensor, &View), b: (&Tensor, &View)) -> Result<Tensor> {
    let images = a.0.dim(0)?;
    let matrices = |(x, view): (&Tensor, &View)| {
        let axes = view.shape.len();
        let (rows, columns) = (view.shape[axes - 2], view.shape[axes - 1]);
        copy(x, view)?.reshape((images * view.count() / (rows * columns).max(1), rows, columns))
    };
    matrices(a)?.matmul(&matrices(b)?)?.reshape((images, ()))
}

/// A sparse map of each of the parts that follow each other in a row.
///
/// # Errors
/// If the sizes do not fit each other, or the device fails.
pub fn transform(x: &Tensor, map: &Sparse) -> Result<Tensor> {
    multiply(x, map.plain(), map.columns())
}

/// The gradient of the argument of [`transform`] from that of its result.
///
/// # Errors
/// As [`transform`].
pub fn transform_gradient(g: &Tensor, map: &Sparse) -> Result<Tensor> {
    multiply(g, map.transposed(), map.rows())
}

fn multiply(x: &Tensor, rows: &SparseRows, columns: usize) -> Result<Tensor> {
    let (images, device) = (x.dim(0)?, x.device());
    let parts = x.elem_count() / columns;
    let (mut from, mut to, mut factors) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows.count() {
        for (column, factor) in rows.row(row) {
            from.push(column);
            to.push(row as u32);
            factors.push(factor);
        }
    }
    let factors = Tensor::from_vec(factors, (1, from.len()), device)?;
    let products = x.contiguous()?.reshape((parts, columns))?.index_select(&places(&from, device)?, 1)?;
    let zeros = Tensor::zeros((parts, rows.count()), x.dtype(), device)?;
    let sums = zeros.index_add(&places(&to, device)?, &products.broadcast_mul(&factors)?, 1)?;
    sums.reshape((images, ()))
}
