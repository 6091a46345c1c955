//! Arrays of any shape: one image's elements, row by row.

use crate::arrays::{Axis, Binary, Reduction, Sparse, Unary, View};

/// The elements of a view.
pub fn copy(x: &[f64], view: &View) -> Vec<f64> {
    places(view).into_iter().map(|place| x[place]).collect()
}

/// ∂L/∂x of [`copy`], for `len` elements: what is read twice has both gradients.
pub fn copy_backward(g: &[f64], view: &View, len: usize) -> Vec<f64> {
    let mut dx = vec![0.0; len];
    places(view).into_iter().zip(g).for_each(|(place, g)| dx[place] += g);
    dx
}

/// By their indices.
fn places(view: &View) -> Vec<usize> {
    let count: usize = view.shape.iter().product();
    let place = |mut number: usize| {
        let mut place = view.offset as isize;
        for (&size, &stride) in view.shape.iter().zip(&view.strides).rev() {
            place += (number % size) as isize * stride;
            number /= size;
        }
        place as usize
    };
    (0..count).map(place).collect()
}

/// The function of an element.
pub fn unary(x: f64, function: Unary) -> f64 {
    function.of(x)
}

/// Its derivative.
pub fn unary_slope(x: f64, function: Unary) -> f64 {
    match function {
        Unary::Exp => x.exp(),
        Unary::Log => 1.0 / x,
        Unary::Sqrt => 0.5 / x.sqrt(),
        Unary::Reciprocal => -1.0 / (x * x),
        Unary::Abs => unary(x, Unary::Sign),
        Unary::Erf => std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp(),
        Unary::Softplus => 1.0 / (1.0 + (-x).exp()),
        Unary::Sin => x.cos(),
        Unary::Cos => -x.sin(),
        Unary::Clip { low, high } => f64::from(u8::from(x > f64::from(low) && x < f64::from(high))),
        Unary::Elu { alpha } => {
            if x > 0.0 {
                1.0
            } else {
                f64::from(alpha) * x.exp()
            }
        }
        Unary::ThresholdedRelu { alpha } => f64::from(u8::from(x > f64::from(alpha))),
        Unary::Floor | Unary::Ceil | Unary::Round | Unary::Sign => 0.0,
    }
}

/// The function of a pair.
pub fn binary(a: f64, b: f64, function: Binary) -> f64 {
    function.of(a, b)
}

/// Its derivatives by both.
pub fn binary_slopes(a: f64, b: f64, function: Binary) -> [f64; 2] {
    let share = |wins: bool| {
        if wins {
            1.0
        } else if a == b {
            0.5
        } else {
            0.0
        }
    };
    match function {
        Binary::Add => [1.0, 1.0],
        Binary::Subtract => [1.0, -1.0],
        Binary::Multiply => [b, a],
        Binary::Divide => [1.0 / b, -a / (b * b)],
        Binary::Power => [b * a.powf(b - 1.0), if a == 0.0 { 0.0 } else { a.powf(b) * a.ln() }],
        Binary::Minimum => [share(a < b), share(b < a)],
        Binary::Maximum => [share(a > b), share(b > a)],
        Binary::Slope => {
            if a > 0.0 {
                [1.0, 0.0]
            } else {
                [b, a]
            }
        }
        Binary::Gate => [f64::from(u8::from(b != 0.0)), 0.0],
        Binary::Equal | Binary::Greater | Binary::GreaterOrEqual => [0.0, 0.0],
    }
}

/// The places of the elements along an axis that a result is made of.
fn along(axis: Axis, result: usize) -> impl Iterator<Item = usize> {
    let first = result / axis.inner * axis.len * axis.inner + result % axis.inner;
    (0..axis.len).map(move |at| first + at * axis.inner)
}

/// The elements along an axis reduced to one.
pub fn reduce(x: &[f64], axis: Axis, reduction: Reduction) -> Vec<f64> {
    let of = |result: usize| {
        let values = along(axis, result).map(|place| x[place]);
        match reduction {
            Reduction::Sum => values.sum(),
            Reduction::Mean => values.sum::<f64>() / axis.len as f64,
            Reduction::Max | Reduction::FirstMax => values.fold(f64::NEG_INFINITY, f64::max),
            Reduction::Min => values.fold(f64::INFINITY, f64::min),
        }
    };
    (0..axis.outer * axis.inner).map(of).collect()
}

/// ∂L/∂x of [`reduce`].
pub fn reduce_backward(x: &[f64], g: &[f64], axis: Axis, reduction: Reduction) -> Vec<f64> {
    let mut dx = vec![0.0; x.len()];
    for (result, (&g, &found)) in g.iter().zip(&reduce(x, axis, reduction)).enumerate() {
        let winners: Vec<usize> = along(axis, result).filter(|&place| x[place] == found).collect();
        match reduction {
            Reduction::Sum => along(axis, result).for_each(|place| dx[place] = g),
            Reduction::Mean => along(axis, result).for_each(|place| dx[place] = g / axis.len as f64),
            Reduction::FirstMax => dx[winners[0]] = g,
            Reduction::Max | Reduction::Min => {
                winners.iter().for_each(|&place| dx[place] = g / winners.len() as f64);
            }
        }
    }
    dx
}

/// eˣ / Σ eˣ along an axis, or the logarithm of that.
pub fn softmax(x: &[f64], axis: Axis, log: bool) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    for result in 0..axis.outer * axis.inner {
        let sum: f64 = along(axis, result).map(|place| x[place].exp()).sum();
        along(axis, result)
            .for_each(|place| y[place] = if log { x[place] - sum.ln() } else { x[place].exp() / sum });
    }
    y
}

/// ∂L/∂x of [`softmax`].
pub fn softmax_backward(x: &[f64], g: &[f64], axis: Axis, log: bool) -> Vec<f64> {
    let weights = softmax(x, axis, false);
    let mut dx = vec![0.0; x.len()];
    for result in 0..axis.outer * axis.inner {
        let sum: f64 = along(axis, result).map(|at| if log { g[at] } else { weights[at] * g[at] }).sum();
        for at in along(axis, result) {
            dx[at] = if log { g[at] - weights[at] * sum } else { weights[at] * (g[at] - sum) };
        }
    }
    dx
}

/// Products of the matrices in the last two axes of two views.
pub fn products(a: (&[f64], &View), b: (&[f64], &View)) -> Vec<f64> {
    let (of_a, of_b) = (copy(a.0, a.1), copy(b.0, b.1));
    let axes = a.1.shape.len();
    let (m, k, n) = (a.1.shape[axes - 2], a.1.shape[axes - 1], b.1.shape[axes - 1]);
    let product = |at: usize| -> f64 {
        let (of, row, column) = (at / (m * n), at / n % m, at % n);
        (0..k).map(|i| of_a[(of * m + row) * k + i] * of_b[(of * k + i) * n + column]).sum()
    };
    (0..of_a.len() / (m * k) * m * n).map(product).collect()
}

/// A sparse map of each of the parts that follow each other.
pub fn transform(x: &[f64], map: &Sparse) -> Vec<f64> {
    let sum = |part: &[f64], row: usize| -> f64 {
        map.plain().row(row).map(|(column, factor)| f64::from(factor) * part[column as usize]).sum()
    };
    x.chunks(map.columns()).flat_map(|part| (0..map.rows()).map(move |row| sum(part, row))).collect()
}
