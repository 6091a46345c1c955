//! Why [`kernels::device`] has operations of its own: gradients of candle 0.11.1 that differ from the field's
//! conventions. When one of these tests fails, candle has changed, and the operation named there may be given
//! back to it.

use crate::common::{backward, gradient, tensor, var};

/// `device::relu_gradient` has 0, as PyTorch does.
#[test]
fn candles_relu_has_gradient_one_at_zero() {
    let x = var(&[0.0], &[1]);
    assert_eq!(gradient(&backward(&x.relu().unwrap(), &[1.0]).unwrap(), &x), [1.0]);
}

/// `device::max_pool_gradient` gives 1 to the only largest value.
#[test]
fn candles_max_pool_divides_the_gradient_by_the_window() {
    let x = var(&[1.0, 2.0, 3.0, 4.0], &[1, 1, 2, 2]);
    let y = x.max_pool2d(2).unwrap();
    assert_eq!(gradient(&backward(&y, &[1.0]).unwrap(), &x), [0.0, 0.0, 0.0, 0.25]);
}

/// `device::max_pool_gradient` handles overlapping windows.
#[test]
fn candles_max_pool_has_no_gradient_where_windows_overlap() {
    let x = var(&[0.0; 25], &[1, 1, 5, 5]);
    let y = x.max_pool2d_with_stride(3, 2).unwrap();
    assert!(y.sum_all().unwrap().backward().is_err());
}

/// Pixels of exactly 0 or 1 are common, so nothing clamps them: half of their gradient would be lost.
#[test]
fn candles_clamp_halves_the_gradient_at_its_bounds() {
    let x = var(&[0.0, 0.5, 1.0], &[3]);
    let y = x.clamp(0f32, 1f32).unwrap();
    assert_eq!(gradient(&backward(&y, &[1.0; 3]).unwrap(), &x), [0.5, 1.0, 0.5]);
}

/// `device::Convolution` has each gradient for itself.
#[test]
fn candles_conv2d_computes_weight_gradients_that_nobody_wants() {
    let x = var(&[1.0; 9], &[1, 1, 3, 3]);
    let weight = tensor(&[1.0; 4], &[1, 1, 2, 2]);
    let gradients = x.conv2d(&weight, 0, 1, 1, 1).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(gradients.get(&weight).is_some());
}
