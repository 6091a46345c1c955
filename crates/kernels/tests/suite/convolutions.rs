//! The convolutions of the blocked engine against the naive ones in f64, on every instruction set of this processor.

use crate::common::{
    dot, error_over_rms, fine,
    passes::{Arguments, Case, Passes, cases, expected, found, three_by_three, wide_cases},
    wide,
};
use kernels::{
    Precision,
    blocked::{
        Arena, Blocked, ChannelAffine, Convolution, ConvolutionShape, Dims, Epilogue, GradientEpilogue,
        InstructionSet, accumulate, channel_affine, gate,
    },
    naive,
};
use proptest::prelude::*;

/// Largest error over root mean square that Winograd's transforms may cost, or factors in two parts of bf16 on tiles: what the
/// engine promises for a layer.
const PROMISED: f64 = 3e-5;

/// The same for sums of products as they stand: some thousand roundings.
const DIRECT: f64 = 1e-5;

fn tolerance(case: &Case, instructions: InstructionSet) -> f64 {
    if case.is_winograd(Precision::Full, instructions) || case.is_tiled(Precision::Full, instructions) {
        PROMISED
    } else {
        DIRECT
    }
}

fn check_against_naive(case: &Case, seed: u64) {
    let arguments = case.arguments(seed);
    let expected = expected(case, &arguments);
    for instructions in InstructionSet::available() {
        let exact = Convolution::new(&arguments.weight, case.shape, true, instructions);
        let for_training =
            Convolution::for_training(Precision::Full, &arguments.weight, case.shape, true, instructions);
        for convolution in [exact, for_training] {
            let found = found(case, &convolution, &arguments);
            for ((pass, found), (_, expected)) in found.named().into_iter().zip(expected.named()) {
                let error = error_over_rms(found, expected);
                assert!(
                    error < tolerance(case, instructions),
                    "{pass} of {case:?} by {instructions:?}: error {error:e}"
                );
            }
        }
    }
}

/// Where a gradient of pixels hangs on what ReLU lets through, tiles go forward in bf16 alone: f32 has the bits of vectors.
#[test]
fn the_way_to_gradients_of_pixels_is_that_of_vectors() {
    let instruction_sets = InstructionSet::available();
    let named =
        |name: &str| instruction_sets.iter().copied().find(|instructions| instructions.name() == name);
    let (Some(tiles), Some(vectors)) = (named("amx"), named("avx512")) else { return };
    for case in [three_by_three([32, 48], 17, [6, 7]), three_by_three([64, 64], 16, [8, 8])] {
        let (arguments, arena) = (case.arguments(7), Arena::default());
        let x = Blocked::from_nchw(&arguments.x, case.dims, &arena);
        let [on_tiles, on_vectors] = [tiles, vectors].map(|instructions| {
            Convolution::new(&arguments.weight, case.shape, true, instructions).forward(&x, &arena).to_nchw()
        });
        assert_eq!(on_tiles, on_vectors, "{case:?}");
    }
}

/// A convolution finished on the way against one finished afterwards; the same bits, and the same mask.
fn check_finished(case: &Case, seed: u64, relu: bool, with_residual: bool) {
    let (arguments, arena) = (case.arguments(seed), Arena::default());
    let out = case.out();
    let (shift, ones) = (fine(seed + 3, out.channels), vec![1.0; out.channels]);
    for instructions in InstructionSet::available() {
        let convolution = Convolution::new(&arguments.weight, case.shape, false, instructions);
        let x = Blocked::from_nchw(&arguments.x, case.dims, &arena);
        let mut probe = [0, 1].map(|_| Blocked::from_nchw(&arguments.g, out, &arena));
        let residual = with_residual.then_some(&probe[0]);
        let how = ChannelAffine { scale: &ones, shift: &shift, residual, relu };
        let (expected, expected_mask) =
            channel_affine(&convolution.forward(&x, &arena), how, instructions, &arena);
        let epilogue = Epilogue { shift: &shift, residual, relu };
        let (found, mask) = convolution.forward_with_epilogue(&x, epilogue, &arena);
        assert_eq!(found.to_nchw(), expected.to_nchw(), "{case:?} by {instructions:?}");
        assert_eq!(mask.is_some(), relu, "a mask where there is ReLU");
        for (mask, g) in [mask, expected_mask].iter().zip(&mut probe) {
            mask.iter().for_each(|mask| gate(g, mask, instructions));
        }
        assert_eq!(probe[0].to_nchw(), probe[1].to_nchw(), "masks of {case:?} by {instructions:?}");
    }
}

/// An input gradient joined on the way against one that is summed and gated afterwards; the same bits.
fn check_joined(case: &Case, seed: u64, with_others: bool, with_gate: bool) {
    let (arguments, arena) = (case.arguments(seed), Arena::default());
    let len = case.dims.images * case.dims.channels * case.dims.pixels();
    let (shift, ones) = (vec![0.0; case.dims.channels], vec![1.0; case.dims.channels]);
    for instructions in InstructionSet::available() {
        let convolution = Convolution::new(&arguments.weight, case.shape, true, instructions);
        let others = Blocked::from_nchw(&fine(seed + 3, len), case.dims, &arena);
        let made_input = Blocked::from_nchw(&fine(seed + 4, len), case.dims, &arena);
        let relu = ChannelAffine { scale: &ones, shift: &shift, residual: None, relu: true };
        let mask = channel_affine(&made_input, relu, instructions, &arena).1.expect("a mask with ReLU");
        let (others, mask) = (with_others.then_some(&others), with_gate.then_some(&mask));
        let g = Blocked::from_nchw(&arguments.g, case.out(), &arena);
        let mut expected = convolution.input_gradient(&g, case.dims, &arena);
        others.iter().for_each(|others| accumulate(&mut expected, others, instructions));
        mask.iter().for_each(|mask| gate(&mut expected, mask, instructions));
        let epilogue = GradientEpilogue { others, gate: mask };
        let found = convolution.input_gradient_with_epilogue(&g, case.dims, epilogue, &arena);
        assert_eq!(found.to_nchw(), expected.to_nchw(), "{case:?} by {instructions:?}");
    }
}

/// |⟨conv(x), g⟩ − ⟨x, dX(g)⟩| and |⟨conv(x), g⟩ − ⟨w, dW(x, g)⟩| over ‖conv(x)‖·‖g‖.
fn check_adjoints(case: &Case, seed: u64) {
    let arguments = case.arguments(seed);
    for instructions in InstructionSet::available() {
        let convolution = Convolution::new(&arguments.weight, case.shape, true, instructions);
        let found = found(case, &convolution, &arguments);
        let [x, weight, g] = [&arguments.x, &arguments.weight, &arguments.g].map(|values| wide(values));
        let [y, dx, dweight] = [&found.y, &found.dx, &found.dweight].map(|values| wide(values));
        let (value, norm) = (dot(&y, &g), (dot(&y, &y) * dot(&g, &g)).sqrt().max(1.0));
        for (other, pass) in [(dot(&x, &dx), "input"), (dot(&weight, &dweight), "weight")] {
            let error = (value - other).abs() / norm;
            assert!(error < 1e-5, "{pass} gradient of {case:?} by {instructions:?}: {value} against {other}");
        }
    }
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn every_pass_is_the_naive_one(case in cases(40, 20, 13), seed in 0..1000u64) {
        check_against_naive(&case, seed);
    }

    #[test]
    fn every_pass_of_wide_layers_is_the_naive_one(case in wide_cases(18, 8), seed in 0..1000u64) {
        check_against_naive(&case, seed);
        check_adjoints(&case, seed);
    }

    #[test]
    fn finishing_on_the_way_changes_nothing(
        case in cases(40, 24, 12), seed in 0..1000u64, relu: bool, with_residual: bool,
    ) {
        check_finished(&case, seed, relu, with_residual);
    }

    #[test]
    fn joining_on_the_way_changes_nothing(
        case in prop_oneof![cases(40, 24, 12), wide_cases(18, 8)], seed in 0..1000u64, with_others: bool, with_gate: bool,
    ) {
        check_joined(&case, seed, with_others, with_gate);
    }

    #[test]
    fn gradients_are_adjoints(case in cases(40, 40, 17), seed in 0..1000u64) {
        check_adjoints(&case, seed);
    }

    /// Repacking overwrites all of the packed memory and nothing else.
    #[test]
    fn repacked_weights_are_packed_weights(case in cases(20, 40, 9), seed in 0..1000u64) {
        let arguments = case.arguments(seed);
        let others: Vec<f32> = arguments.weight.iter().map(|w| 1.0 - 7.0 * w).collect();
        for instructions in InstructionSet::available() {
            let fresh = Convolution::new(&arguments.weight, case.shape, true, instructions);
            let mut repacked = Convolution::new(&others, case.shape, true, instructions);
            repacked.repack(&arguments.weight);
            let results = [&repacked, &fresh].map(|convolution| found(&case, convolution, &arguments));
            prop_assert_eq!(&results[0], &results[1], "{:?}", instructions);
        }
    }

    #[test]
    fn the_plain_layout_comes_back(
        (images, channels, height, width) in (1..40usize, 1..9usize, 1..9usize, 1..9usize), seed in 0..1000u64,
    ) {
        let (dims, arena) = (Dims { images, channels, height, width }, Arena::default());
        let plain = fine(seed, images * channels * height * width);
        let blocked = Blocked::from_nchw(&plain, dims, &arena);
        prop_assert_eq!(blocked.dims(), dims);
        prop_assert_eq!(blocked.to_nchw(), plain);
    }
}

/// Channels that fill no register tile and no vector, images smaller and larger than a tile of Winograd's.
#[test]
fn sizes_around_the_tiles_are_the_naive_ones() {
    let around = [(8, 8), (7, 9), (9, 7), (15, 17), (16, 16), (17, 33), (33, 15)];
    for (index, (inputs, outputs)) in around.into_iter().enumerate() {
        for size in [[1, 1], [4, 4], [5, 3], [8, 13]] {
            check_against_naive(&three_by_three([inputs, outputs], 15 + index, size), index as u64);
        }
    }
}

/// Layers as wide as those of networks, whose sums are long and whose weights fill more than one panel; errors as root
/// mean squares.
#[test]
fn wide_layers_are_the_naive_ones() {
    let shape = ConvolutionShape::same([160, 96], 1, 2);
    let subsampled = Case { shape, dims: Dims { images: 5, channels: 160, height: 8, width: 6 } };
    for case in [three_by_three([192, 160], 17, [4, 4]), subsampled] {
        let arguments = case.arguments(5);
        let expected = expected(&case, &arguments);
        for instructions in InstructionSet::available() {
            let convolution = Convolution::new(&arguments.weight, case.shape, true, instructions);
            let found = found(&case, &convolution, &arguments);
            for ((pass, found), (_, expected)) in found.named().into_iter().zip(expected.named()) {
                let differences: Vec<f64> =
                    found.iter().zip(expected).map(|(f, e)| f64::from(*f) - e).collect();
                let error = (dot(&differences, &differences) / dot(expected, expected)).sqrt();
                assert!(error < 1e-5, "{pass} of {case:?} by {instructions:?}: error {error:e}");
            }
        }
    }
}

/// The promise where it is hardest to keep: many channels to sum over, or few weights to share the error.
#[test]
fn the_layers_of_networks_keep_the_promised_error() {
    for (channels, size, seed) in [([20, 20], [12, 12], 10), ([64, 64], [12, 12], 0), ([512, 512], [4, 4], 0)]
    {
        check_against_naive(&three_by_three(channels, 17, size), seed);
    }
}

/// Layers of the networks for larger images: stems, groups of few and of many channels, and linear layers, which are kernels as
/// large as the image.
#[test]
fn layers_for_larger_images_are_the_naive_ones() {
    let (stem, linear) = (ConvolutionShape::same([3, 24], 7, 2), ConvolutionShape::same([12, 37], 1, 1));
    let alexnet = ConvolutionShape { kernel: [11; 2], stride: 4, padding: [2; 2], ..stem };
    let grouped = |channels: usize, groups: usize, stride: usize| {
        (ConvolutionShape { groups, ..ConvolutionShape::same([channels; 2], 3, stride) }, [9, 8])
    };
    let cases = [
        (stem, [21, 18]),
        (alexnet, [23, 27]),
        (ConvolutionShape { kernel: [7, 5], padding: [0; 2], ..linear }, [7, 5]),
        (linear, [1, 1]),
        grouped(32, 8, 1),
        grouped(32, 8, 2),
        grouped(48, 3, 1),
        grouped(36, 2, 2),
        grouped(24, 24, 1),
        grouped(24, 24, 2),
        (ConvolutionShape { groups: 6, ..ConvolutionShape::same([12, 30], 5, 2) }, [11, 14]),
        (ConvolutionShape { groups: 9, ..ConvolutionShape::same([9, 9], 7, 1) }, [14, 21]),
        (ConvolutionShape { groups: 2, padding: [0; 2], ..ConvolutionShape::same([10, 6], 4, 3) }, [13, 10]),
    ];
    for (shape, [height, width]) in cases {
        let dims = Dims { images: 35, channels: shape.inputs, height, width };
        check_against_naive(&Case { shape, dims }, 3);
        check_adjoints(&Case { shape, dims }, 4);
    }
}

/// Kernels of one row or column against the same as squares with zeros around.
#[test]
fn flat_kernels_are_square_ones_with_zeros() {
    for (kernel, stride) in [([1, 7], 1), ([7, 1], 1), ([1, 3], 2), ([3, 1], 1)] {
        let side = kernel[0].max(kernel[1]);
        let square = ConvolutionShape::same([10, 9], side, stride);
        let flat = ConvolutionShape { kernel, padding: kernel.map(|k| k / 2), ..square };
        let dims = Dims { images: 18, channels: 10, height: 9, width: 8 };
        let few = Case { shape: flat, dims }.arguments(5);
        let mut weight = vec![0.0; square.weights()];
        let middle = |i: usize| if kernel[0] == 1 { side / 2 * side + i } else { i * side + side / 2 };
        few.weight.iter().enumerate().for_each(|(i, w)| {
            weight[i / side * side * side + middle(i % side)] = *w;
        });
        let many = Arguments { x: few.x.clone(), weight, g: few.g.clone() };
        let whole = expected(&Case { shape: square, dims }, &many);
        let planes = whole.dweight.chunks(side * side);
        let dweight = planes.flat_map(|plane| (0..side).map(|i| plane[middle(i)])).collect();
        let expected = Passes { dweight, ..whole };
        for instructions in InstructionSet::available() {
            let case = Case { shape: flat, dims };
            let found = found(&case, &Convolution::new(&few.weight, flat, true, instructions), &few);
            for ((pass, found), (_, expected)) in found.named().into_iter().zip(expected.named()) {
                let error = error_over_rms(found, expected);
                assert!(error < DIRECT, "{pass} of {case:?} by {instructions:?}: error {error:e}");
            }
        }
    }
}

/// The first layer and the fitted 7×7 kernels, whose few channels take instruction sets of their own.
#[test]
fn few_channels_are_the_naive_ones() {
    check_against_naive(&three_by_three([3, 24], 18, [12, 12]), 7);
    for (inputs, outputs) in [(3, 16), (16, 3)] {
        let shape = ConvolutionShape::same([inputs, outputs], 7, 1);
        check_against_naive(
            &Case { shape, dims: Dims { images: 17, channels: inputs, height: 11, width: 14 } },
            8,
        );
    }
}

#[test]
fn the_output_has_the_size_of_the_definition() {
    let case = three_by_three([3, 5], 4, [7, 10]);
    assert_eq!(case.out(), Dims { images: 4, channels: 5, height: 7, width: 10 });
    let shape = ConvolutionShape { kernel: [5; 2], stride: 2, padding: [1; 2], ..case.shape };
    let strided = Case { shape, ..case };
    let [height, width] = naive::convolution::out_size(case.x_dims(), strided.weight_dims(), strided.conv());
    assert_eq!((strided.out().height, strided.out().width), (height, width));
}

#[test]
#[should_panic(expected = "weights of")]
fn weights_of_another_length_are_refused() {
    let case = three_by_three([3, 5], 1, [4, 4]);
    Convolution::new(&[0.0; 7], case.shape, true, InstructionSet::PORTABLE);
}

#[test]
#[should_panic(expected = "input gradient")]
fn an_input_gradient_must_have_been_asked_for() {
    let case = three_by_three([3, 5], 1, [4, 4]);
    let (arguments, arena) = (case.arguments(1), Arena::default());
    let convolution = Convolution::new(&arguments.weight, case.shape, false, InstructionSet::PORTABLE);
    convolution.input_gradient(&Blocked::from_nchw(&arguments.g, case.out(), &arena), case.dims, &arena);
}
