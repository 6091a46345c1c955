//! The naive gradients against central differences of the naive forward passes, all in f64.

use crate::common::{assert_differences, numbers, wide};
use kernels::{
    Activation::{None, Relu},
    Pool2d,
    naive::{Conv2d, activation, convolution, linear, loss, norm, pool},
};

#[test]
fn convolution() {
    for (stride, padding, groups) in [(1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 1, 2)] {
        let conv = Conv2d { stride, padding, groups };
        let (x_dims, weight_dims) = ([2, 4, 5, 4], [4, 4 / groups, 3, 2]);
        let (x, weight) = (wide(&numbers(1, 160)), wide(&numbers(2, 96 / groups)));
        let y = convolution::forward(&x, x_dims, &weight, weight_dims, conv);
        let g = wide(&numbers(3, y.len()));
        let dx = convolution::input_gradient(&weight, weight_dims, &g, x_dims, conv);
        assert_differences(&x, &g, &dx, |x| convolution::forward(x, x_dims, &weight, weight_dims, conv));
        let dweight = convolution::weight_gradient(&x, x_dims, &g, weight_dims, conv);
        assert_differences(&weight, &g, &dweight, |w| convolution::forward(&x, x_dims, w, weight_dims, conv));
    }
}

#[test]
fn linear_layer() {
    let (x, weight, g) = (wide(&numbers(1, 12)), wide(&numbers(2, 20)), wide(&numbers(3, 15)));
    let dx = linear::input_gradient(&weight, &g, 4);
    assert_differences(&x, &g, &dx, |x| linear::forward(x, &weight, 4));
    let dweight = linear::weight_gradient(&x, &g, 4);
    assert_differences(&weight, &g, &dweight, |weight| linear::forward(&x, weight, 4));
}

/// Numbers off the grid, so that nothing lies on a corner of ReLU or in a tie.
fn uneven(seed: u64, len: usize) -> Vec<f64> {
    wide(&numbers(seed, len)).iter().enumerate().map(|(i, x)| x + 0.001 + 1e-4 * i as f64).collect()
}

#[test]
fn batch_norm_and_affine() {
    let dims = [3, 2, 4];
    let (x, weight, bias) = (uneven(1, 24), uneven(2, 2), uneven(3, 2));
    let g = wide(&numbers(4, 24));
    for relu in [None, Relu] {
        let of =
            |x: &[f64], weight: &[f64], bias: &[f64]| norm::batch_norm(x, dims, weight, bias, 1e-3, relu);
        let gradients = norm::batch_norm_backward(&x, dims, (&weight, &bias), 1e-3, relu, &g);
        assert_differences(&x, &g, &gradients.x, |x| of(x, &weight, &bias));
        assert_differences(&weight, &g, &gradients.weight, |weight| of(&x, weight, &bias));
        assert_differences(&bias, &g, &gradients.bias, |bias| of(&x, &weight, bias));

        let of = |x: &[f64], scale: &[f64], shift: &[f64]| norm::channel_affine(x, dims, scale, shift, relu);
        let gradients = norm::channel_affine_backward(&x, dims, (&weight, &bias), relu, &g);
        assert_differences(&x, &g, &gradients.x, |x| of(x, &weight, &bias));
        assert_differences(&weight, &g, &gradients.weight, |scale| of(&x, scale, &bias));
        assert_differences(&bias, &g, &gradients.bias, |shift| of(&x, &weight, shift));
    }
}

#[test]
fn activations() {
    let (x, y, g) = (uneven(1, 20), uneven(2, 20), wide(&numbers(3, 20)));
    assert_differences(&x, &g, &activation::backward(&x, &g, Relu), |x| activation::forward(x, Relu));
    let of_sum = activation::add_backward(&x, &y, &g, Relu);
    assert_differences(&x, &g, &of_sum, |x| activation::add(x, &y, Relu));
    assert_differences(&y, &g, &of_sum, |y| activation::add(&x, y, Relu));
}

#[test]
fn pooling() {
    let (dims, window) = ([1, 2, 5, 4], Pool2d { padding: 1, ..Pool2d::new(3, 2) });
    let x = uneven(1, 40);
    let g = wide(&numbers(2, pool::max(&x, dims, window).len()));
    assert_differences(&x, &g, &pool::max_backward(&x, dims, window, &g), |x| pool::max(x, dims, window));
    assert_differences(&x, &g, &pool::mean_backward(dims, window, &g), |x| pool::mean(x, dims, window));
    assert_differences(&x, &g[..2], &pool::global_mean_backward(&g[..2], 20), |x| pool::global_mean(x, 20));
}

#[test]
fn cross_entropy() {
    let (logits, labels) = (uneven(1, 12), [2, 0, 1]);
    let gradient = loss::cross_entropy_backward(&logits, &labels);
    assert_differences(&logits, &[1.0], &gradient, |logits| vec![loss::cross_entropy(logits, &labels)]);
}

#[test]
fn soft_cross_entropy() {
    let (logits, targets) = (uneven(1, 12), [0.5, 0.0, 0.25, 0.25, 0.0, 1.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.4]);
    let gradient = loss::soft_cross_entropy_backward(&logits, &targets, 3);
    let loss = |logits: &[f64]| vec![loss::soft_cross_entropy(logits, &targets, 3)];
    assert_differences(&logits, &[1.0], &gradient, loss);
}
