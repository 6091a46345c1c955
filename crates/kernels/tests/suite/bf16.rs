//! Convolutions whose factors are rounded to bf16, against the naive ones in f64, on every instruction set of this processor.

use crate::common::{
    error_over_rms,
    passes::{Arguments, Case, cases, expected, found, three_by_three},
};
use half::bf16;
use kernels::{
    Precision,
    blocked::{Convolution, ConvolutionShape, Dims, InstructionSet},
};
use proptest::prelude::*;

/// Of arguments that are bf16 already nothing is rounded but sums, as in f32.
const DIRECT: f64 = 1e-5;

/// Largest error over root mean square where Winograd's transforms are rounded: some eight standard deviations.
const WINOGRAD: f64 = 0.12;

/// Root mean square of the error over that of the result.
const WINOGRAD_RMS: f64 = 0.02;

/// Every instruction set with and without instructions for bf16.
fn instruction_sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::available().into_iter().flat_map(|instructions| {
        let without = instructions.without_bf16();
        std::iter::once(instructions).chain((without != instructions).then_some(without))
    })
}

fn rounded(arguments: Arguments) -> Arguments {
    let round = |values: Vec<f32>| values.into_iter().map(|value| bf16::from_f32(value).to_f32()).collect();
    Arguments { x: round(arguments.x), weight: round(arguments.weight), g: round(arguments.g) }
}

fn rms_error(found: &[f32], expected: &[f64]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let differences = squares(&mut found.iter().zip(expected).map(|(f, e)| f64::from(*f) - e));
    (differences / squares(&mut expected.iter().copied())).sqrt()
}

fn check_against_naive(case: &Case, seed: u64) {
    let arguments = rounded(case.arguments(seed));
    let expected = expected(case, &arguments);
    for instructions in instruction_sets() {
        let tolerance = if case.is_winograd(Precision::Bf16, instructions) { WINOGRAD } else { DIRECT };
        let convolution =
            Convolution::with(Precision::Bf16, &arguments.weight, case.shape, true, instructions);
        let found = found(case, &convolution, &arguments);
        for ((pass, found), (_, expected)) in found.named().into_iter().zip(expected.named()) {
            let error = error_over_rms(found, expected);
            assert!(error < tolerance, "{pass} of {case:?} by {instructions:?}: error {error:e}");
        }
    }
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn every_pass_is_the_naive_one_of_rounded_factors(case in cases(40, 20, 13), seed in 0..1000u64) {
        check_against_naive(&case, seed);
    }

    #[test]
    fn repacked_weights_are_packed_weights(case in cases(20, 40, 9), seed in 0..1000u64) {
        let arguments = case.arguments(seed);
        let others: Vec<f32> = arguments.weight.iter().map(|w| 1.0 - 7.0 * w).collect();
        for instructions in instruction_sets() {
            let [mut repacked, fresh] = [&others, &arguments.weight]
                .map(|weight| Convolution::with(Precision::Bf16, weight, case.shape, true, instructions));
            repacked.repack(&arguments.weight);
            let results = [&repacked, &fresh].map(|convolution| found(&case, convolution, &arguments));
            prop_assert_eq!(&results[0], &results[1], "{:?}", instructions);
        }
    }
}

/// Layers of networks: what rounding costs on average, on all values and not only on those that are bf16.
#[test]
fn the_layers_of_networks_lose_what_bf16_loses() {
    let of = |channels: [usize; 2], size: [usize; 2]| three_by_three(channels, 17, size);
    for case in [of([64, 64], [12, 12]), of([192, 160], [4, 4]), of([512, 512], [4, 4])] {
        let arguments = case.arguments(3);
        let expected = expected(&case, &arguments);
        for instructions in instruction_sets() {
            let convolution =
                Convolution::with(Precision::Bf16, &arguments.weight, case.shape, true, instructions);
            let found = found(&case, &convolution, &arguments);
            for ((pass, found), (_, expected)) in found.named().into_iter().zip(expected.named()) {
                let error = rms_error(found, expected);
                assert!(
                    (1e-4..WINOGRAD_RMS).contains(&error),
                    "{pass} of {case:?} by {instructions:?}: {error:e}"
                );
            }
        }
    }
}

/// Stems, strides, groups, linear layers and few channels, on the ways that those take.
#[test]
fn other_layers_are_the_naive_ones_of_rounded_factors() {
    let same = ConvolutionShape::same;
    let linear = ConvolutionShape { kernel: [7, 5], padding: [0; 2], ..same([12, 37], 1, 1) };
    let grouped = ConvolutionShape { groups: 3, ..same([48, 48], 3, 2) };
    let cases = [
        (same([3, 24], 7, 2), [21, 18]),
        (same([3, 24], 3, 1), [12, 12]),
        (same([24, 16], 3, 2), [12, 10]),
        (same([3, 16], 7, 1), [11, 14]),
        (same([16, 3], 7, 1), [11, 14]),
        (same([19, 33], 1, 1), [5, 6]),
        (same([19, 33], 1, 2), [8, 6]),
        (same([12, 37], 1, 1), [1, 1]),
        (linear, [7, 5]),
        (grouped, [9, 8]),
    ];
    for (shape, [height, width]) in cases {
        check_against_naive(
            &Case { shape, dims: Dims { images: 35, channels: shape.inputs, height, width } },
            3,
        );
    }
}

#[test]
fn what_is_no_number_stays_none() {
    let case = three_by_three([9, 8], 3, [6, 5]);
    let mut arguments = case.arguments(1);
    arguments.x[7] = f32::from_bits(0x7fff_ffff);
    for instructions in instruction_sets() {
        let convolution =
            Convolution::with(Precision::Bf16, &arguments.weight, case.shape, true, instructions);
        let found = found(&case, &convolution, &arguments);
        assert!(found.y.iter().any(|value| value.is_nan()), "{instructions:?}");
        assert!(found.dx.iter().all(|value| value.is_finite()), "{instructions:?}");
    }
}
