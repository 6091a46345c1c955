//! Pooling and the loss against their naive versions.

mod common;

use common::{assert_close, backward, flat, gradient, numbers, var, wide};
use kernels::{Pool2d, avg_pool2d, cross_entropy, global_avg_pool2d, max_pool2d, naive};
use proptest::prelude::*;

fn case() -> impl Strategy<Value = ([usize; 4], Pool2d)> {
    let dims = (1..4usize, 1..4usize, 1..12usize, 1..12usize).prop_map(<[usize; 4]>::from);
    let window = (1..5usize, 1..4usize).prop_flat_map(|(kernel, stride)| {
        (0..=kernel / 2, any::<bool>()).prop_map(move |(padding, ceil)| Pool2d {
            kernel,
            stride,
            padding,
            ceil,
        })
    });
    (dims, window)
        .prop_filter("the window fits", |(dims, pool)| pool.kernel <= dims[2].min(dims[3]) + 2 * pool.padding)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn windows_are_the_naive_ones((dims, pool) in case(), coarse in any::<bool>()) {
        let len = dims.iter().product();
        // Rounded to −1, 0 and 1, nearly every window has ties.
        let values: Vec<f32> = numbers(1, len).iter().map(|x| if coarse { x.round() } else { *x }).collect();
        let (x, wide_x) = (var(&values, &dims), wide(&values));
        let largest = max_pool2d(&x, pool).unwrap();
        let g = numbers(2, largest.elem_count());
        let of_largest = backward(&largest, &g).unwrap();
        assert_close(&flat(&largest), &naive::pool::max(&wide_x, dims, pool), "max");
        let expected = naive::pool::max_backward(&wide_x, dims, pool, &wide(&g));
        assert_close(&gradient(&of_largest, &x), &expected, "gradient of max");

        let pool = Pool2d { ceil: false, ..pool };
        let mean = avg_pool2d(&x, pool).unwrap();
        let g = numbers(2, mean.elem_count());
        let of_mean = backward(&mean, &g).unwrap();
        assert_close(&flat(&mean), &naive::pool::mean(&wide_x, dims, pool), "mean");
        let expected = naive::pool::mean_backward(dims, pool, &wide(&g));
        assert_close(&gradient(&of_mean, &x), &expected, "gradient of mean");
    }

    #[test]
    fn means_of_planes_are_the_naive_ones(dims in (1..4usize, 1..9usize, 1..9usize, 1..9usize)) {
        let dims = <[usize; 4]>::from(dims);
        let pixels = dims[2] * dims[3];
        let (values, g) = (numbers(1, dims.iter().product()), numbers(2, dims[0] * dims[1]));
        let x = var(&values, &dims);
        let y = global_avg_pool2d(&x).unwrap();
        let gradients = backward(&y, &g).unwrap();
        assert_close(&flat(&y), &naive::pool::global_mean(&wide(&values), pixels), "mean");
        let expected = naive::pool::global_mean_backward(&wide(&g), pixels);
        assert_close(&gradient(&gradients, &x), &expected, "gradient");
    }

    #[test]
    fn cross_entropy_is_the_naive_one(rows in 1..40usize, classes in 1..20usize, size in 1..60i32) {
        let logits: Vec<f32> = numbers(1, rows * classes).iter().map(|x| x * size as f32).collect();
        let labels: Vec<u32> = (0..rows).map(|row| (row * 7 % classes) as u32).collect();
        let x = var(&logits, &[rows, classes]);
        let loss = cross_entropy(&x, &labels).unwrap();
        assert_eq!(loss.dims(), [0usize; 0]);
        assert_close(&flat(&loss), &[naive::loss::cross_entropy(&wide(&logits), &labels)], "loss");
        let gradients = (loss * 3.0).unwrap().backward().unwrap();
        let gradient: Vec<f32> = gradient(&gradients, &x).iter().map(|g| g / 3.0).collect();
        assert_close(&gradient, &naive::loss::cross_entropy_backward(&wide(&logits), &labels), "gradient");
    }
}

#[test]
fn the_first_largest_value_gets_the_whole_gradient() {
    let x = var(&[1.0, 5.0, 5.0, 5.0], &[1, 1, 2, 2]);
    let y = max_pool2d(&x, Pool2d::of(2, 2)).unwrap();
    assert_eq!(gradient(&backward(&y, &[1.0]).unwrap(), &x), [0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn padding_is_never_the_largest_value() {
    let x = var(&[-3.0], &[1, 1, 1, 1]);
    let y = max_pool2d(&x, Pool2d { padding: 1, ..Pool2d::of(3, 1) }).unwrap();
    assert_eq!(flat(&y), [-3.0]);
}

#[test]
fn a_large_logit_overflows_nothing() {
    let x = var(&[1e30, 0.0, 0.0, 1e30], &[2, 2]);
    let loss = cross_entropy(&x, &[0, 1]).unwrap();
    assert_eq!(flat(&loss), [0.0]);
    assert_eq!(gradient(&loss.backward().unwrap(), &x), [0.0; 4]);
}
