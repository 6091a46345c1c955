//! The convolutions of candle tensors on the CPU, by patches, against the naive ones, candle's own, and themselves at one and
//! two threads.

use candle_core::Tensor;
use kernels::{
    blocked::ConvolutionShape,
    device::{Convolution, Precision},
    naive::{self, Conv2d},
};
use proptest::prelude::*;

use crate::common::{assert_close, backward, bits, flat, gradient, numbers, tensor, var, wide};

/// Images (N, C, H, W) and a convolution.
type Case = ([usize; 4], ConvolutionShape);

fn case() -> impl Strategy<Value = Case> {
    let sizes = ((1..6usize, 1..12usize, 1..12usize), (1..4usize, 1..4usize, 1..4usize));
    let kernel = (1..5usize, 1..5usize, 1..4usize, 0..4usize);
    (sizes, kernel).prop_filter_map("the kernel fits", |(((n, h, w), (groups, inputs, outputs)), kernel)| {
        let (kh, kw, stride, padding) = kernel;
        let (inputs, outputs) = (groups * inputs, groups * outputs);
        let shape =
            ConvolutionShape { inputs, outputs, kernel: [kh, kw], stride, padding: [padding; 2], groups };
        shape.output_size([h, w]).is_some().then_some(([n, inputs, h, w], shape))
    })
}

fn weight_dims(shape: ConvolutionShape) -> [usize; 4] {
    [shape.outputs, shape.inputs / shape.groups, shape.kernel[0], shape.kernel[1]]
}

/// The images, the weights, the result's gradient.
fn arguments((x_dims, shape): Case) -> [Tensor; 3] {
    let [height, width] = shape.output_size([x_dims[2], x_dims[3]]).unwrap();
    let of = |seed, dims: [usize; 4]| tensor(&numbers(seed, dims.iter().product()), &dims);
    [of(1, x_dims), of(2, weight_dims(shape)), of(4, [x_dims[0], shape.outputs, height, width])]
}

/// The result and the gradients of images and weights.
fn run(case: Case) -> [Vec<f32>; 3] {
    let [x, weight, g] = arguments(case);
    let convolution = Convolution::new(case.0, case.1, Precision::Full).unwrap();
    let y = convolution.forward(&x, &weight).unwrap();
    let dx = convolution.input_gradient(&weight, &g).unwrap();
    [y, dx, convolution.weight_gradient(&x, &g).unwrap()].map(|tensor| flat(&tensor))
}

fn assert_naive(case: Case) {
    let (x_dims, shape) = case;
    let weight_dims = weight_dims(shape);
    let conv = Conv2d { stride: shape.stride, padding: shape.padding[0], groups: shape.groups };
    let [x, weight, g] = arguments(case).map(|tensor| wide(&flat(&tensor)));
    let [y, dx, dweight] = run(case);
    let expected = naive::convolution::forward(&x, x_dims, &weight, weight_dims, conv);
    assert_close(&y, &expected, &format!("forward of {case:?}"));
    let expected = naive::convolution::input_gradient(&weight, weight_dims, &g, x_dims, conv);
    assert_close(&dx, &expected, &format!("input gradient of {case:?}"));
    let expected = naive::convolution::weight_gradient(&x, x_dims, &g, weight_dims, conv);
    assert_close(&dweight, &expected, &format!("weight gradient of {case:?}"));
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn any_convolution_is_the_naive_one(case in case()) {
        assert_naive(case);
    }
}

const fn same(channels: [usize; 2], kernel: usize, stride: usize) -> ConvolutionShape {
    ConvolutionShape::same(channels, kernel, stride)
}

/// Sizes that take every way: rows of constant widths, several blocks of rows in an image, several images in
/// a block and a last block of fewer, few and many input channels, several partial sums.
const SHAPES: [Case; 12] = [
    ([3, 3, 32, 32], same([3, 16], 3, 1)),
    ([2, 16, 32, 32], same([16, 3], 7, 1)),
    ([2, 3, 32, 32], same([3, 16], 7, 1)),
    ([1, 2, 70, 50], same([2, 5], 3, 1)),
    ([5, 8, 16, 16], same([8, 24], 3, 2)),
    ([5, 8, 16, 16], same([8, 24], 1, 2)),
    ([5, 24, 16, 16], same([24, 8], 1, 1)),
    ([70, 6, 4, 4], same([6, 7], 3, 1)),
    ([37, 6, 4, 4], same([6, 7], 1, 1)),
    ([9, 40, 8, 8], same([40, 30], 3, 1)),
    ([2, 3, 37, 33], ConvolutionShape { padding: [2; 2], ..same([3, 4], 11, 4) }),
    ([4, 12, 9, 9], ConvolutionShape { groups: 12, ..same([12, 12], 3, 1) }),
];

#[test]
fn named_shapes_are_the_naive_ones() {
    SHAPES.into_iter().for_each(assert_naive);
}

#[test]
fn resnet_layers_are_those_of_candle() {
    for (inputs, outputs, size, stride) in [(64, 64, 32, 1), (64, 128, 32, 2), (256, 256, 8, 1)] {
        let case = ([3, inputs, size, size], same([inputs, outputs], 3, stride));
        let [x, weight, g] = arguments(case).map(|tensor| flat(&tensor));
        let (x, weight) = (var(&x, &case.0), var(&weight, &weight_dims(case.1)));
        let y = x.conv2d(&weight, 1, stride, 1, 1).unwrap();
        let gradients = backward(&y, &g).unwrap();
        let expected = [flat(&y), gradient(&gradients, &x), gradient(&gradients, &weight)];
        for ((found, expected), pass) in run(case).iter().zip(&expected).zip(["y", "dx", "dweight"]) {
            assert_close(found, &wide(expected), &format!("{pass} of {case:?}"));
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for case in SHAPES {
        let of = |threads| bits(threads, || run(case).to_vec());
        assert_eq!(of(1), of(2), "{case:?}");
    }
}

#[test]
fn transposed_and_narrowed_tensors_are_read_in_their_order() {
    let x =
        tensor(&numbers(1, 2 * 3 * 6 * 5), &[2, 3, 6, 5]).transpose(2, 3).unwrap().narrow(2, 1, 4).unwrap();
    let weight = tensor(&numbers(2, 4 * 3 * 9), &[3, 4, 3, 3]).transpose(0, 1).unwrap();
    let convolution = Convolution::new([2, 3, 4, 6], same([3, 4], 3, 1), Precision::Full).unwrap();
    let y = convolution.forward(&x, &weight).unwrap();
    let (x, weight) = (x.copy().unwrap().force_contiguous().unwrap(), weight.force_contiguous().unwrap());
    let (x, weight) = (wide(&flat(&x)), wide(&flat(&weight)));
    let conv = Conv2d { padding: 1, ..Conv2d::default() };
    let expected = naive::convolution::forward(&x, [2, 3, 4, 6], &weight, [4, 3, 3, 3], conv);
    assert_close(&flat(&y), &expected, "a transposed input");
}

#[test]
fn what_does_not_fit_is_refused_with_its_sizes() {
    let refused = |x, shape| Convolution::new(x, shape, Precision::Full).unwrap_err().to_string();
    let message = refused([2, 3, 4, 4], same([4, 8], 3, 1));
    assert!(message.contains("[2, 3, 4, 4]") && message.contains("inputs: 4"), "{message}");
    let message = refused([2, 4, 2, 2], ConvolutionShape { padding: [0; 2], ..same([4, 8], 3, 1) });
    assert!(message.contains("[3, 3]") && message.contains("[2, 2]"), "{message}");
    let message = refused([2, 4, 4, 4], ConvolutionShape { groups: 3, ..same([4, 8], 3, 1) });
    assert!(message.contains("groups: 3"), "{message}");
    let message = refused([usize::MAX / 2, 4, 4, 4], same([4, 8], 3, 1));
    assert!(message.contains("too large to address"), "{message}");
}
