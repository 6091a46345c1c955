//! The fully connected layer.

/// y(n, o) = Σ x(n, i) · weight(o, i): `x` (N, inputs), `weight` (outputs, inputs).
pub fn forward(x: &[f64], weight: &[f64], inputs: usize) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
    x.chunks(inputs).flat_map(|x| weight.chunks(inputs).map(move |w| dot(x, w))).collect()
}

/// ∂L/∂x(n, i) = Σ g(n, o) · weight(o, i).
pub fn input_gradient(weight: &[f64], g: &[f64], inputs: usize) -> Vec<f64> {
    let outputs = weight.len() / inputs;
    let entry = |g: &[f64], i: usize| g.iter().enumerate().map(|(o, g)| g * weight[o * inputs + i]).sum();
    g.chunks(outputs).flat_map(|g| (0..inputs).map(move |i| entry(g, i))).collect()
}

/// ∂L/∂weight(o, i) = Σ g(n, o) · x(n, i).
pub fn weight_gradient(x: &[f64], g: &[f64], inputs: usize) -> Vec<f64> {
    let rows = x.len() / inputs;
    let outputs = g.len() / rows;
    let entry = |o: usize, i: usize| (0..rows).map(|n| g[n * outputs + o] * x[n * inputs + i]).sum();
    (0..outputs).flat_map(|o| (0..inputs).map(move |i| entry(o, i))).collect()
}
