//! Batch normalisation, the affine map per channel, ReLU and the residual sum against their naive versions.

mod common;

use common::{assert_close, backward, bits, flat, gradient, numbers, var, wide};
use kernels::{
    Activation::{self, None, Relu},
    add, batch_norm, channel_affine, naive, relu,
};
use proptest::prelude::*;

const EPS: f64 = 1e-5;

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![Just(None), Just(Relu)]
}

/// The result and the gradients of x, weight and bias.
fn run_batch_norm(
    dims: [usize; 4],
    offset: f32,
    activation: Activation,
) -> (Vec<Vec<f32>>, kernels::BatchMoments) {
    let [x, weight, bias, g] = arguments(dims, offset);
    let (x, weight, bias) = (var(&x, &dims), var(&weight, &dims[1..2]), var(&bias, &dims[1..2]));
    let (y, moments) = batch_norm(&x, &weight, &bias, EPS, activation).unwrap();
    let gradients = backward(&y, &g).unwrap();
    let of = |tensor: &candle_core::Tensor| gradient(&gradients, tensor);
    (vec![flat(&y), of(&x), of(&weight), of(&bias)], moments)
}

/// x with a mean near `offset`, weight, bias and the output's gradient.
fn arguments(dims: [usize; 4], offset: f32) -> [Vec<f32>; 4] {
    let len = dims.iter().product();
    let x = numbers(1, len).iter().map(|x| x + offset).collect();
    [x, numbers(2, dims[1]), numbers(3, dims[1]), numbers(4, len)]
}

fn three([images, channels, height, width]: [usize; 4]) -> [usize; 3] {
    [images, channels, height * width]
}

/// Whether roundings may decide on which side of ReLU's corner a value falls.
fn is_near_corner(before_activation: &[f64], activation: Activation) -> bool {
    activation == Relu && before_activation.iter().any(|y| y.abs() < 1e-4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn batch_norm_is_the_naive_one(
        dims in (2..5usize, 1..20usize, 1..7usize, 1..7usize).prop_map(<[usize; 4]>::from),
        offset in -4..4i32,
        activation in activation(),
    ) {
        let [x, weight, bias, g] = arguments(dims, offset as f32).map(|values| wide(&values));
        let before = naive::norm::batch_norm(&x, three(dims), &weight, &bias, EPS, None);
        let statistics = naive::norm::moments(&x, three(dims));
        // With a variance near eps the gradient is steep, and with it the roundings.
        let is_flat = statistics.iter().any(|(_, variance)| *variance < 0.01);
        prop_assume!(!is_flat && !is_near_corner(&before, activation));
        let (found, moments) = run_batch_norm(dims, offset as f32, activation);
        let y = naive::norm::batch_norm(&x, three(dims), &weight, &bias, EPS, activation);
        let expected =
            naive::norm::batch_norm_backward(&x, three(dims), (&weight, &bias), EPS, activation, &g);
        assert_close(&found[0], &y, "forward");
        assert_close(&found[1], &expected.x, "input gradient");
        assert_close(&found[2], &expected.weight, "weight gradient");
        assert_close(&found[3], &expected.bias, "bias gradient");
        let count = (dims[0] * dims[2] * dims[3]) as f64;
        let means: Vec<f64> = statistics.iter().map(|m| m.0).collect();
        let variances: Vec<f64> = statistics.iter().map(|m| m.1 * count / (count - 1.0)).collect();
        assert_close(&moments.mean, &means, "mean");
        assert_close(&moments.unbiased_variance, &variances, "variance");
    }

    #[test]
    fn channel_affine_is_the_naive_one(
        dims in (1..5usize, 1..20usize, 1..7usize, 1..7usize).prop_map(<[usize; 4]>::from),
        activation in activation(),
    ) {
        let values = arguments(dims, 0.0);
        let (x, scale, shift) =
            (var(&values[0], &dims), var(&values[1], &dims[1..2]), var(&values[2], &dims[1..2]));
        let y = channel_affine(&x, &scale, &shift, activation).unwrap();
        let gradients = backward(&y, &values[3]).unwrap();
        let [wide_x, wide_scale, wide_shift, g] = values.map(|values| wide(&values));
        let expected = naive::norm::channel_affine(&wide_x, three(dims), &wide_scale, &wide_shift, activation);
        assert_close(&flat(&y), &expected, "forward");
        let parameters = (&wide_scale[..], &wide_shift[..]);
        let expected = naive::norm::channel_affine_backward(&wide_x, three(dims), parameters, activation, &g);
        assert_close(&gradient(&gradients, &x), &expected.x, "input gradient");
        assert_close(&gradient(&gradients, &scale), &expected.weight, "scale gradient");
        assert_close(&gradient(&gradients, &shift), &expected.bias, "shift gradient");
    }

    #[test]
    fn sum_and_relu_are_the_naive_ones(len in 1..40_000usize, activation in activation()) {
        let (a, b, g) = (numbers(1, len), numbers(2, len), numbers(3, len));
        let (x, y) = (var(&a, &[len]), var(&b, &[len]));
        let (sum, rectified) = (add(&x, &y, activation).unwrap(), relu(&x).unwrap());
        let of_sum = backward(&sum, &g).unwrap();
        let of_relu = backward(&rectified, &g).unwrap();
        let (a, b, g) = (wide(&a), wide(&b), wide(&g));
        assert_close(&flat(&sum), &naive::activation::add(&a, &b, activation), "sum");
        let expected = naive::activation::add_backward(&a, &b, &g, activation);
        assert_close(&gradient(&of_sum, &x), &expected, "gradient of the first summand");
        assert_close(&gradient(&of_sum, &y), &expected, "gradient of the second summand");
        assert_close(&flat(&rectified), &naive::activation::forward(&a, Relu), "relu");
        let expected = naive::activation::backward(&a, &g, Relu);
        assert_close(&gradient(&of_relu, &x), &expected, "gradient of relu");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for dims in [[7, 5, 16, 16], [40, 70, 4, 4], [3, 3, 33, 31]] {
        let of = |threads| bits(threads, || run_batch_norm(dims, 0.5, Relu).0);
        assert_eq!(of(1), of(2), "{dims:?}");
    }
}

#[test]
fn a_mean_far_from_zero_costs_the_statistics_no_digits() {
    let dims = [8, 2, 16, 16];
    let (_, near) = run_batch_norm(dims, 0.0, None);
    let (_, far) = run_batch_norm(dims, 1024.0, None);
    for (near, far) in near.unbiased_variance.iter().zip(&far.unbiased_variance) {
        assert!((near - far).abs() < 1e-6 * near, "{near} against {far}");
    }
}

#[test]
fn the_same_tensor_twice_gets_both_gradients() {
    let x = var(&[1.0, -2.0], &[2]);
    let gradients = backward(&add(&x, &x, Relu).unwrap(), &[1.0, 1.0]).unwrap();
    assert_eq!(gradient(&gradients, &x), [2.0, 0.0]);
}

#[test]
fn relu_has_gradient_zero_at_zero_everywhere() {
    let (zero, one) = (var(&[0.0], &[1, 1, 1, 1]), var(&[1.0], &[1]));
    let affine = channel_affine(&zero, &one, &var(&[0.0], &[1]), Relu).unwrap();
    for y in [relu(&zero).unwrap(), add(&zero, &zero, Relu).unwrap(), affine] {
        assert_eq!(gradient(&backward(&y, &[1.0]).unwrap(), &zero), [0.0]);
    }
}

#[test]
fn relu_hides_no_error_of_the_numbers() {
    assert!(flat(&relu(&var(&[f32::NAN], &[1])).unwrap())[0].is_nan());
}
