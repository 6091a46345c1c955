//! Functions of single values.

use crate::Nonlinearity;

/// The function of each value.
pub fn forward(x: &[f64], function: Nonlinearity) -> Vec<f64> {
    x.iter().map(|&x| value(x, function)).collect()
}

/// ∂L/∂x, given the argument `x` and `g` = ∂L/∂y.
pub fn backward(x: &[f64], g: &[f64], function: Nonlinearity) -> Vec<f64> {
    x.iter().zip(g).map(|(&x, &g)| g * slope(x, function)).collect()
}

fn value(x: f64, function: Nonlinearity) -> f64 {
    match function {
        Nonlinearity::Relu6 => x.clamp(0.0, 6.0),
        Nonlinearity::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Nonlinearity::Silu => x * value(x, Nonlinearity::Sigmoid),
        Nonlinearity::Hardsigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Nonlinearity::Hardswish => x * value(x, Nonlinearity::Hardsigmoid),
        Nonlinearity::Gelu => x * normal_distribution(x),
        Nonlinearity::Tanh => x.tanh(),
    }
}

fn slope(x: f64, function: Nonlinearity) -> f64 {
    let inside = |low: f64, high: f64| f64::from(u8::from(low < x && x < high));
    match function {
        Nonlinearity::Relu6 => inside(0.0, 6.0),
        Nonlinearity::Sigmoid => {
            let y = value(x, Nonlinearity::Sigmoid);
            y * (1.0 - y)
        }
        Nonlinearity::Silu => value(x, Nonlinearity::Sigmoid) + x * slope(x, Nonlinearity::Sigmoid),
        Nonlinearity::Hardsigmoid => inside(-3.0, 3.0) / 6.0,
        Nonlinearity::Hardswish => value(x, Nonlinearity::Hardsigmoid) + x * inside(-3.0, 3.0) / 6.0,
        Nonlinearity::Gelu => normal_distribution(x) + x * normal_density(x),
        Nonlinearity::Tanh => 1.0 - x.tanh().powi(2),
    }
}

fn normal_density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// The share of the standard normal below `x`: Marsaglia's series (2004), ½ + φ(x) · (x + x³/3 + x⁵/(3·5) + …).
fn normal_distribution(x: f64) -> f64 {
    // Beyond, it is 0 or 1 to sixteen digits, and the series long.
    let x = x.clamp(-8.5, 8.5);
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + sum * normal_density(x)
}
