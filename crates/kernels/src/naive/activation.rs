//! ReLU and the residual sum.

use crate::Activation;

/// The activation of each value.
pub fn forward(x: &[f64], activation: Activation) -> Vec<f64> {
    match activation {
        Activation::None => x.to_vec(),
        Activation::Relu => x.iter().map(|&x| x.max(0.0)).collect(),
    }
}

/// ∂L/∂x, given the activation's argument `x` and `g` = ∂L/∂y; at 0, ReLU's is 0.
pub fn backward(x: &[f64], g: &[f64], activation: Activation) -> Vec<f64> {
    match activation {
        Activation::None => g.to_vec(),
        Activation::Relu => x.iter().zip(g).map(|(&x, &g)| if x > 0.0 { g } else { 0.0 }).collect(),
    }
}

/// activation(x + y).
pub fn add(x: &[f64], y: &[f64], activation: Activation) -> Vec<f64> {
    forward(&sum(x, y), activation)
}

/// ∂L/∂x, which is also ∂L/∂y, of [`add`].
pub fn add_backward(x: &[f64], y: &[f64], g: &[f64], activation: Activation) -> Vec<f64> {
    backward(&sum(x, y), g, activation)
}

fn sum(x: &[f64], y: &[f64]) -> Vec<f64> {
    x.iter().zip(y).map(|(x, y)| x + y).collect()
}
