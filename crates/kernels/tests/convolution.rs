//! The convolution and the fully connected layer against their naive versions, candle's own convolution, and
//! themselves at one and two threads.

mod common;

use common::{assert_close, backward, bits, flat, gradient, numbers, tensor, var, wide};
use kernels::{Conv2d, conv2d, linear, naive};
use proptest::prelude::*;

/// x (N, C, H, W), weight (O, C / groups, kH, kW), and how the kernel moves.
type Case = ([usize; 4], [usize; 4], Conv2d);

fn case() -> impl Strategy<Value = Case> {
    let sizes = ((1..6usize, 1..12usize, 1..12usize), (1..4usize, 1..4usize, 1..4usize));
    let kernel = (1..5usize, 1..5usize, 1..4usize, 0..4usize);
    (sizes, kernel).prop_filter_map("the kernel fits", |(((n, h, w), (groups, inputs, outputs)), kernel)| {
        let (kh, kw, stride, padding) = kernel;
        let conv = Conv2d { stride, padding, groups };
        let fits = kh <= h + 2 * padding && kw <= w + 2 * padding;
        fits.then_some(([n, groups * inputs, h, w], [groups * outputs, inputs, kh, kw], conv))
    })
}

/// Output and the gradients of x, weight and bias.
fn run((x_dims, weight_dims, conv): Case, with_bias: bool) -> [Vec<f32>; 4] {
    let [x, weight, bias, g] = arguments((x_dims, weight_dims, conv));
    let (x, weight) = (var(&x, &x_dims), var(&weight, &weight_dims));
    let bias = var(&bias, &weight_dims[..1]);
    let y = conv2d(&x, &weight, with_bias.then_some(bias.as_tensor()), conv).unwrap();
    let gradients = backward(&y, &g).unwrap();
    let db = if with_bias { gradient(&gradients, &bias) } else { vec![] };
    [flat(&y), gradient(&gradients, &x), gradient(&gradients, &weight), db]
}

/// x, weight, bias and the output's gradient.
fn arguments((x_dims, weight_dims, conv): Case) -> [Vec<f32>; 4] {
    let [height, width] = naive::convolution::out_size(x_dims, weight_dims, conv);
    let len = |dims: [usize; 4]| dims.iter().product();
    [
        numbers(1, len(x_dims)),
        numbers(2, len(weight_dims)),
        numbers(3, weight_dims[0]),
        numbers(4, len([x_dims[0], weight_dims[0], height, width])),
    ]
}

fn assert_naive(case: Case) {
    let (x_dims, weight_dims, conv) = case;
    let [x, weight, bias, g] = arguments(case);
    let (x, weight, bias, g) = (wide(&x), wide(&weight), wide(&bias), wide(&g));
    let mut expected = naive::convolution::forward(&x, x_dims, &weight, weight_dims, conv);
    let [y, dx, dweight, _] = run(case, false);
    assert_close(&y, &expected, &format!("forward of {case:?}"));
    let expected_dx = naive::convolution::input_gradient(&weight, weight_dims, &g, x_dims, conv);
    assert_close(&dx, &expected_dx, &format!("input gradient of {case:?}"));
    let expected_dweight = naive::convolution::weight_gradient(&x, x_dims, &g, weight_dims, conv);
    assert_close(&dweight, &expected_dweight, &format!("weight gradient of {case:?}"));

    let plane = expected.len() / x_dims[0] / weight_dims[0];
    expected.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i / plane % bias.len()]);
    let [y, dx_biased, dweight_biased, dbias] = run(case, true);
    assert_close(&y, &expected, &format!("forward with bias of {case:?}"));
    assert_eq!((dx, dweight), (dx_biased, dweight_biased), "gradients with bias of {case:?}");
    let mut expected = vec![0.0; bias.len()];
    g.iter().enumerate().for_each(|(i, g)| expected[i / plane % bias.len()] += g);
    assert_close(&dbias, &expected, &format!("bias gradient of {case:?}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_convolution_is_the_naive_one(case in case()) {
        assert_naive(case);
    }

    #[test]
    fn any_linear_layer_is_the_naive_one(rows in 1..80usize, inputs in 1..40usize, outputs in 1..80usize) {
        let (x, weight) = (numbers(1, rows * inputs), numbers(2, outputs * inputs));
        let (bias, g) = (numbers(3, outputs), numbers(4, rows * outputs));
        let (x_var, weight_var) = (var(&x, &[rows, inputs]), var(&weight, &[outputs, inputs]));
        let bias_var = var(&bias, &[outputs]);
        let y = linear(&x_var, &weight_var, Some(&bias_var)).unwrap();
        let gradients = backward(&y, &g).unwrap();
        let (x, weight, bias, g) = (wide(&x), wide(&weight), wide(&bias), wide(&g));
        let mut expected = naive::linear::forward(&x, &weight, inputs);
        expected.iter_mut().enumerate().for_each(|(i, y)| *y += bias[i % outputs]);
        assert_close(&flat(&y), &expected, "forward");
        let dx = naive::linear::input_gradient(&weight, &g, inputs);
        assert_close(&gradient(&gradients, &x_var), &dx, "input gradient");
        let dweight = naive::linear::weight_gradient(&x, &g, inputs);
        assert_close(&gradient(&gradients, &weight_var), &dweight, "weight gradient");
        let mut dbias = vec![0.0; outputs];
        g.iter().enumerate().for_each(|(i, g)| dbias[i % outputs] += g);
        assert_close(&gradient(&gradients, &bias_var), &dbias, "bias gradient");
    }
}

const fn conv(stride: usize, padding: usize) -> Conv2d {
    Conv2d { stride, padding, groups: 1 }
}

/// Sizes that take every path: rows of constant widths, several blocks of rows in an image, several images in
/// a block and a last block of fewer, few and many input channels, several partial sums.
const SHAPES: [Case; 12] = [
    ([3, 3, 32, 32], [16, 3, 3, 3], conv(1, 1)),
    ([2, 16, 32, 32], [3, 16, 7, 7], conv(1, 3)),
    ([2, 3, 32, 32], [16, 3, 7, 7], conv(1, 3)),
    ([1, 2, 70, 50], [5, 2, 3, 3], conv(1, 1)),
    ([5, 8, 16, 16], [24, 8, 3, 3], conv(2, 1)),
    ([5, 8, 16, 16], [24, 8, 1, 1], conv(2, 0)),
    ([5, 24, 16, 16], [8, 24, 1, 1], conv(1, 0)),
    ([70, 6, 4, 4], [7, 6, 3, 3], conv(1, 1)),
    ([37, 6, 4, 4], [7, 6, 1, 1], conv(1, 0)),
    ([9, 40, 8, 8], [30, 40, 3, 3], conv(1, 1)),
    ([2, 3, 37, 33], [4, 3, 11, 11], conv(4, 2)),
    ([4, 12, 9, 9], [12, 1, 3, 3], Conv2d { stride: 1, padding: 1, groups: 12 }),
];

#[test]
fn named_shapes_are_the_naive_ones() {
    SHAPES.into_iter().for_each(assert_naive);
}

#[test]
fn resnet_layers_are_those_of_candle() {
    for (inputs, outputs, size, stride) in [(64, 64, 32, 1), (64, 128, 32, 2), (256, 256, 8, 1)] {
        let case = ([3, inputs, size, size], [outputs, inputs, 3, 3], conv(stride, 1));
        let [x, weight, _, g] = arguments(case);
        let (x, weight) = (var(&x, &case.0), var(&weight, &case.1));
        let y = x.conv2d(&weight, 1, stride, 1, 1).unwrap();
        let gradients = backward(&y, &g).unwrap();
        let expected = [flat(&y), gradient(&gradients, &x), gradient(&gradients, &weight)];
        let found = run(case, false);
        for ((found, expected), pass) in found.iter().zip(&expected).zip(["y", "dx", "dweight"]) {
            assert_close(found, &wide(expected), &format!("{pass} of {case:?}"));
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for case in SHAPES {
        let of = |threads| bits(threads, || run(case, true).to_vec());
        assert_eq!(of(1), of(2), "{case:?}");
    }
    let layer = || {
        let (x, weight) = (var(&numbers(1, 70 * 50), &[70, 50]), var(&numbers(2, 90 * 50), &[90, 50]));
        let y = linear(&x, &weight, None).unwrap();
        let gradients = backward(&y, &numbers(3, 70 * 90)).unwrap();
        vec![flat(&y), gradient(&gradients, &x), gradient(&gradients, &weight)]
    };
    assert_eq!(bits(1, layer), bits(2, layer));
}

#[test]
fn only_what_autograd_follows_gets_a_gradient() {
    let (x_dims, weight_dims) = ([2, 3, 5, 5], [4, 3, 3, 3]);
    let (x_var, weight_var) = (var(&numbers(1, 150), &x_dims), var(&numbers(2, 108), &weight_dims));
    let (x, weight) = (tensor(&numbers(1, 150), &x_dims), tensor(&numbers(2, 108), &weight_dims));
    let for_weights =
        conv2d(&x, &weight_var, None, conv(1, 1)).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(for_weights.get(&x).is_none() && for_weights.get(&weight_var).is_some());
    let for_pixels =
        conv2d(&x_var, &weight, None, conv(1, 1)).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(for_pixels.get(&weight).is_none() && for_pixels.get(&x_var).is_some());
}

#[test]
fn transposed_and_narrowed_tensors_are_read_in_their_order() {
    let x =
        tensor(&numbers(1, 2 * 3 * 6 * 5), &[2, 3, 6, 5]).transpose(2, 3).unwrap().narrow(2, 1, 4).unwrap();
    let weight = tensor(&numbers(2, 4 * 3 * 9), &[3, 4, 3, 3]).transpose(0, 1).unwrap();
    let y = conv2d(&x, &weight, None, conv(1, 1)).unwrap();
    let (x, weight) = (x.copy().unwrap().force_contiguous().unwrap(), weight.force_contiguous().unwrap());
    let expected = naive::convolution::forward(
        &wide(&flat(&x)),
        [2, 3, 4, 6],
        &wide(&flat(&weight)),
        [4, 3, 3, 3],
        conv(1, 1),
    );
    assert_close(&flat(&y), &expected, "a transposed input");
}
