//! What does not fit is refused with an error that names the operation, the argument and the sizes.

mod common;

use candle_core::{DType, Device, Result, Tensor};
use kernels::{Activation, Conv2d, Pool2d};

fn zeros(dims: &[usize]) -> Tensor {
    Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap()
}

/// Asserts that the error mentions all `parts`.
#[track_caller]
fn assert_refused<T>(result: Result<T>, parts: &[&str]) {
    let message = result.err().expect("a refusal").to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not mention {part:?}");
    }
}

#[test]
fn convolutions() {
    let (x, weight, plain) = (zeros(&[2, 3, 8, 8]), zeros(&[4, 3, 3, 3]), Conv2d::default());
    let conv = |x: &Tensor, weight: &Tensor, geometry| kernels::conv2d(x, weight, None, geometry);
    let double = x.to_dtype(DType::F64).unwrap();
    assert_refused(conv(&double, &weight, plain), &["conv2d", "input", "F64"]);
    assert_refused(conv(&zeros(&[3, 8, 8]), &weight, plain), &["conv2d", "input", "[3, 8, 8]"]);
    assert_refused(conv(&zeros(&[0, 3, 8, 8]), &weight, plain), &["conv2d", "input", "[0, 3, 8, 8]"]);
    assert_refused(conv(&x, &zeros(&[4, 2, 3, 3]), plain), &["[2, 3, 8, 8]", "[4, 2, 3, 3]", "1 groups"]);
    assert_refused(conv(&x, &weight, Conv2d { groups: 0, ..plain }), &["0 groups"]);
    assert_refused(conv(&x, &weight, Conv2d { stride: 0, ..plain }), &["stride 0"]);
    assert_refused(conv(&x, &zeros(&[4, 3, 9, 9]), plain), &["[9, 9]", "[8, 8]"]);
    assert_refused(conv(&x, &weight, Conv2d { padding: usize::MAX, ..plain }), &["padding"]);
    assert_refused(conv(&x, &weight, Conv2d { padding: 1 << 40, ..plain }), &["too large"]);
    assert_refused(kernels::conv2d(&x, &weight, Some(&zeros(&[3])), plain), &["bias", "[3]", "[4]"]);
}

#[test]
fn layers() {
    let (x, four, three) = (zeros(&[2, 3, 8, 8]), zeros(&[4]), zeros(&[3]));
    let none = Activation::None;
    assert_refused(kernels::linear(&zeros(&[2, 5]), &zeros(&[4, 6]), None), &["linear", "[4, 6]", "[4, 5]"]);
    assert_refused(kernels::batch_norm(&x, &four, &three, 1e-5, none), &["batch_norm", "weight", "[4]"]);
    assert_refused(kernels::batch_norm(&zeros(&[1, 3, 1, 1]), &three, &three, 1e-5, none), &["[1, 3, 1, 1]"]);
    assert_refused(kernels::channel_affine(&x, &three, &four, none), &["channel_affine", "shift", "[4]"]);
    assert_refused(kernels::add(&three, &four, none), &["add", "[4]", "[3]"]);
    assert_refused(kernels::global_avg_pool2d(&three), &["global_avg_pool2d", "[3]"]);
}

#[test]
fn pooling_windows() {
    let x = zeros(&[1, 1, 4, 4]);
    for (kernel, stride, padding) in
        [(0, 1, 0), (2, 0, 0), (5, 1, 0), (2, 1, 2), (usize::MAX, 1, usize::MAX / 2)]
    {
        let pool = Pool2d { kernel, stride, padding, ceil: false };
        assert_refused(kernels::max_pool2d(&x, pool), &["max_pool2d", &format!("{pool:?}"), "[4, 4]"]);
        assert_refused(kernels::avg_pool2d(&x, pool), &["avg_pool2d"]);
    }
}

#[test]
fn labels() {
    let logits = zeros(&[2, 3]);
    assert_refused(kernels::cross_entropy(&logits, &[0, 3]), &["label 3", "row 1", "3 classes"]);
    assert_refused(kernels::cross_entropy(&logits, &[0]), &["[2, 3]", "(1, classes)"]);
}
