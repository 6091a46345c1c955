//! Everything of the blocked engine that is not a convolution, against plain loops in f64.

use crate::common::{assert_close, fine, numbers, wide};
use kernels::{
    Activation,
    blocked::{
        Arena, Blocked, ChannelAffine, ChannelAffineGradient, Dims, InstructionSet, accumulate,
        channel_affine, channel_affine_gradient, channel_sums, cross_entropy, gate, moments,
        soft_cross_entropy,
    },
    naive,
};
use proptest::prelude::*;

fn len(dims: Dims) -> usize {
    dims.images * dims.channels * dims.pixels()
}

/// (N, C, pixels), as the naive versions have it.
fn flat(dims: Dims) -> [usize; 3] {
    [dims.images, dims.channels, dims.pixels()]
}

/// The channel of a place in (N, C, H, W).
fn channel(dims: Dims) -> impl Fn(usize) -> usize {
    move |at| at / dims.pixels() % dims.channels
}

fn sizes() -> impl Strategy<Value = Dims> {
    (1..40usize, 1..20usize, 1..13usize, 1..13usize).prop_map(|(images, channels, height, width)| Dims {
        images,
        channels,
        height,
        width,
    })
}

/// `check` on every instruction set.
fn on_every_path(mut check: impl FnMut(InstructionSet, &Arena)) {
    InstructionSet::available().into_iter().for_each(|instructions| check(instructions, &Arena::default()));
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn moments_are_those_of_two_passes(dims in sizes(), seed in 0..1000u64) {
        let x: Vec<f32> = fine(seed, len(dims)).iter().map(|x| 3.0 * x + 1.0).collect();
        let expected = naive::norm::moments(&wide(&x), flat(dims));
        on_every_path(|instructions, arena| {
            let found = moments(&Blocked::from_nchw(&x, dims, arena), instructions);
            assert_eq!(found.len(), dims.channels);
            for (found, (mean, variance)) in found.iter().zip(&expected) {
                assert_eq!(found.count, dims.images * dims.pixels());
                assert!((found.mean - mean).abs() < 1e-6, "mean {} against {mean}, {instructions:?}", found.mean);
                // The variance is a difference of squares: its error goes with the mean square.
                let error = (found.variance - variance).abs() / (variance + mean * mean);
                assert!(error < 1e-6, "variance {} against {variance}, {instructions:?}", found.variance);
            }
        });
    }

    #[test]
    fn finish_is_an_affine_map_a_sum_and_relu(
        dims in sizes(), seed in 0..1000u64, relu: bool, with_residual: bool,
    ) {
        let [x, residual] = [0, 1].map(|i| fine(seed + i, len(dims)));
        let [scale, shift] = [2, 3].map(|i| fine(seed + i, dims.channels));
        let activation = if relu { Activation::Relu } else { Activation::None };
        let mut expected =
            naive::norm::channel_affine(&wide(&x), flat(dims), &wide(&scale), &wide(&shift), Activation::None);
        if with_residual {
            expected.iter_mut().zip(&residual).for_each(|(y, residual)| *y += f64::from(*residual));
        }
        let expected = naive::activation::forward(&expected, activation);
        on_every_path(|instructions, arena| {
            let blocked_residual = Blocked::from_nchw(&residual, dims, arena);
            let residual = with_residual.then_some(&blocked_residual);
            let how = ChannelAffine { scale: &scale, shift: &shift, residual, relu };
            let (y, mask) = channel_affine(&Blocked::from_nchw(&x, dims, arena), how, instructions, arena);
            assert_close(&y.to_nchw(), &expected, "channel_affine");
            assert_eq!(mask.is_some(), relu, "a mask where there is ReLU");
        });
    }

    /// ReLU's gradient is 1 where its result is positive and 0 elsewhere, at its corner too.
    #[test]
    fn gates_are_open_where_relu_was(dims in sizes(), seed in 0..1000u64) {
        let (x, g) = (numbers(seed, len(dims)), fine(seed + 1, len(dims)));
        // A third of the arguments are exactly zero.
        let x: Vec<f32> = x.iter().map(|x| (1.5 * x).trunc()).collect();
        let expected: Vec<f32> = x.iter().zip(&g).map(|(x, g)| if *x > 0.0 { *g } else { 0.0 }).collect();
        let (ones, zeros) = (vec![1.0; dims.channels], vec![0.0; dims.channels]);
        on_every_path(|instructions, arena| {
            let how = ChannelAffine { scale: &ones, shift: &zeros, residual: None, relu: true };
            let (_, mask) = channel_affine(&Blocked::from_nchw(&x, dims, arena), how, instructions, arena);
            let mut gated = Blocked::from_nchw(&g, dims, arena);
            let mask = mask.expect("a mask with ReLU");
            gate(&mut gated, &mask, instructions);
            assert_eq!(gated.to_nchw(), expected, "{instructions:?}");
            for has_residual in [false, true] {
                let how = ChannelAffineGradient { mask: Some(&mask), x: None, a: &ones, has_residual };
                let (of_x, of_residual) = channel_affine_gradient(Blocked::from_nchw(&g, dims, arena), how, instructions, arena);
                assert_eq!(of_x.to_nchw(), expected, "{instructions:?}");
                assert_eq!(of_residual.map(|g| g.to_nchw()), has_residual.then(|| expected.clone()));
            }
        });
    }

    #[test]
    fn combine_is_two_factors_and_a_constant(dims in sizes(), seed in 0..1000u64) {
        let [g, x] = [0, 1].map(|i| fine(seed + i, len(dims)));
        let [a, b, c] = [2, 3, 4].map(|i| fine(seed + i, dims.channels));
        let channel = channel(dims);
        let of_g = |i: usize| f64::from(g[i]) * f64::from(a[channel(i)]);
        let of_x = |i: usize| f64::from(x[i]) * f64::from(b[channel(i)]) + f64::from(c[channel(i)]);
        let scaled: Vec<f64> = (0..g.len()).map(of_g).collect();
        let combined: Vec<f64> = (0..g.len()).map(|i| of_g(i) + of_x(i)).collect();
        on_every_path(|instructions, arena| {
            let [g, x] = [&g, &x].map(|values| Blocked::from_nchw(values, dims, arena));
            let (mask, with_residual) = (None, ChannelAffineGradient { mask: None, x: None, a: &a, has_residual: true });
            let (alone, gated) = channel_affine_gradient(g, with_residual, instructions, arena);
            assert_close(&alone.to_nchw(), &scaled, "channel_affine_gradient without x");
            let g = gated.expect("a gradient of the residual");
            let how = ChannelAffineGradient { mask, x: Some((&x, &b, &c)), a: &a, has_residual: false };
            let (both, none) = channel_affine_gradient(g, how, instructions, arena);
            assert_close(&both.to_nchw(), &combined, "channel_affine_gradient");
            assert!(none.is_none(), "nothing for a residual that is not there");
        });
    }

    #[test]
    fn channel_sums_are_the_gradients_of_scale_and_shift(dims in sizes(), seed in 0..1000u64) {
        let [g, x] = [0, 1].map(|i| fine(seed + i, len(dims)));
        let (mean, channel) = (fine(seed + 2, dims.channels), channel(dims));
        let mut expected = vec![(0.0, 0.0); dims.channels];
        for (i, (g, x)) in g.iter().zip(&x).enumerate() {
            let sums = &mut expected[channel(i)];
            sums.0 += f64::from(*g) * (f64::from(*x) - f64::from(mean[channel(i)]));
            sums.1 += f64::from(*g);
        }
        let values = (dims.images * dims.pixels()) as f64;
        on_every_path(|instructions, arena| {
            let [g, x] = [&g, &x].map(|values| Blocked::from_nchw(values, dims, arena));
            for (found, expected) in channel_sums(&g, None, &x, &mean, instructions).pairs().iter().zip(&expected) {
                let error = (found.0 - expected.0).abs().max((found.1 - expected.1).abs());
                assert!(error < 1e-6 * values, "{found:?} against {expected:?}, {instructions:?}");
            }
        });
    }

    #[test]
    fn accumulate_adds(dims in sizes(), seed in 0..1000u64) {
        let [to, from] = [0, 1].map(|i| fine(seed + i, len(dims)));
        let sums: Vec<f32> = to.iter().zip(&from).map(|(a, b)| a + b).collect();
        on_every_path(|instructions, arena| {
            let mut to = Blocked::from_nchw(&to, dims, arena);
            accumulate(&mut to, &Blocked::from_nchw(&from, dims, arena), instructions);
            assert_eq!(to.to_nchw(), sums, "{instructions:?}");
        });
    }

    #[test]
    fn cross_entropy_is_the_naive_one(
        rows in 1..40usize, classes in 1..20usize, seed in 0..1000u64, size in prop_oneof![Just(1f32), Just(50.0), Just(3e4)],
    ) {
        let logits: Vec<f32> = fine(seed, rows * classes).iter().map(|x| x * size).collect();
        let labels: Vec<u32> = (0..rows).map(|row| (row * 7 % classes) as u32).collect();
        let (loss, gradient) = cross_entropy(&logits, &labels);
        let logits = wide(&logits);
        // The naive version takes the logarithm of the probability, which is 0 for the largest logits.
        if size < 100.0 {
            let expected = naive::loss::cross_entropy(&logits, &labels);
            prop_assert!((f64::from(loss) - expected).abs() < 1e-6 * (1.0 + expected), "{} {}", loss, expected);
        }
        assert_close(&gradient, &naive::loss::cross_entropy_backward(&logits, &labels), "gradient");
        let sum: f64 = wide(&gradient).iter().sum();
        prop_assert!(sum.abs() < 1e-5, "each row's gradient sums to zero, all to {}", sum);
    }

    #[test]
    fn soft_cross_entropy_is_the_naive_one(
        rows in 1..40usize, classes in 1..20usize, seed in 0..1000u64, size in prop_oneof![Just(1f32), Just(50.0), Just(3e4)],
    ) {
        let logits: Vec<f32> = fine(seed, rows * classes).iter().map(|x| x * size).collect();
        let weights = fine(seed + 1, rows * classes);
        let share = |row: &[f32]| {
            let sum: f32 = row.iter().map(|x| x.abs()).sum();
            row.iter().map(|x| x.abs() / sum.max(1e-30)).collect::<Vec<_>>()
        };
        let targets: Vec<f32> = weights.chunks(classes).flat_map(share).collect();
        let (loss, gradient) = soft_cross_entropy(&logits, &targets, rows);
        let (logits, targets) = (wide(&logits), wide(&targets));
        if size < 100.0 {
            let expected = naive::loss::soft_cross_entropy(&logits, &targets, rows);
            prop_assert!((f64::from(loss) - expected).abs() < 1e-6 * (1.0 + expected), "{} {}", loss, expected);
        }
        assert_close(&gradient, &naive::loss::soft_cross_entropy_backward(&logits, &targets, rows), "gradient");
    }
}

/// Beyond 37 nats p − q is 0 in f64, and the direction of the rest another function's.
#[test]
fn gradients_of_mixed_labels_live_on_where_a_network_is_sure() {
    let one_hot = [0.0, 1.0, 0.0];
    let (soft, hard) =
        (soft_cross_entropy(&[1.0, 60.0, 3.0], &one_hot, 1), cross_entropy(&[1.0, 60.0, 3.0], &[1]));
    assert_eq!(soft, hard);
    assert!((soft.1[1] / -(soft.1[0] + soft.1[2]) - 1.0).abs() < 1e-6, "{soft:?}");
    // Two mixed classes with logits as far apart as their weights want: only what the third class takes is left.
    let logits = [80.0, 80.0, 0.0];
    let gradient = soft_cross_entropy(&logits, &[0.5, 0.5, 0.0], 1).1;
    let third = (-80f64).exp() / 2.0;
    for (found, expected) in gradient.iter().zip([-third / 2.0, -third / 2.0, third]) {
        assert!((f64::from(*found) / expected - 1.0).abs() < 1e-6, "{found} {expected}");
    }
}

/// A logit that no exponential survives: the loss is the distance to the largest, the gradient ±1 over the batch.
/// As in PyTorch: a network that has diverged shows it.
#[test]
fn what_is_no_number_passes_through_relu_both_ways() {
    on_every_path(|instructions, arena| {
        let dims = Dims { images: 3, channels: 1, height: 1, width: 4 };
        let values = [-1.0, f32::NAN, 2.0, f32::NEG_INFINITY].repeat(3);
        let x = Blocked::from_nchw(&values, dims, arena);
        let how = ChannelAffine { scale: &[1.0], shift: &[0.0], residual: None, relu: true };
        let (y, mask) = channel_affine(&x, how, instructions, arena);
        let y = y.to_nchw();
        assert!(y[1].is_nan() && y[5].is_nan(), "{instructions:?}: {y:?}");
        assert_eq!([y[0], y[2], y[3]], [0.0, 2.0, 0.0], "{instructions:?}");
        let mut g = Blocked::from_nchw(&[5.0; 12], dims, arena);
        gate(&mut g, &mask.expect("a mask with ReLU"), instructions);
        assert_eq!(g.to_nchw()[..4], [0.0, 5.0, 5.0, 0.0], "{instructions:?}");
    });
}

#[test]
fn huge_logits_have_a_loss() {
    let (loss, gradient) = cross_entropy(&[1e30, -1e30, 0.0, 88.0, 1e4, 1e4], &[1, 2]);
    // −ln softmax: 2e30 in the first row, ln 2 (its two largest are equal) in the second.
    assert!((f64::from(loss) / 1e30 - 1.0).abs() < 1e-6, "{loss}");
    assert_eq!(gradient, [0.5, -0.5, 0.0, 0.0, 0.25, -0.25]);
    let (loss, gradient) = cross_entropy(&[-1e30, 1e30], &[1]);
    assert_eq!((loss, gradient), (0.0, vec![0.0, 0.0]));
}

#[test]
#[should_panic]
fn labels_beyond_the_classes_are_refused() {
    cross_entropy(&[0.0, 1.0], &[2]);
}

/// A batch-norm out of its pieces, as the engine puts them together, against the naive one.
#[test]
fn the_pieces_make_a_batch_norm() {
    let (dims, eps) = (Dims { images: 21, channels: 5, height: 6, width: 7 }, 1e-5);
    let [x, g] = [1, 2].map(|seed| fine(seed, len(dims)));
    let [weight, bias] = [3, 4].map(|seed| fine(seed, dims.channels));
    let [wide_x, wide_g, wide_weight, wide_bias] = [&x, &g, &weight, &bias].map(|values| wide(values));
    let parameters = (wide_weight.as_slice(), wide_bias.as_slice());
    let (expected_y, expected) = (
        naive::norm::batch_norm(&wide_x, flat(dims), parameters.0, parameters.1, eps, Activation::Relu),
        naive::norm::batch_norm_backward(&wide_x, flat(dims), parameters, eps, Activation::Relu, &wide_g),
    );
    on_every_path(|instructions, arena| {
        let blocked_x = Blocked::from_nchw(&x, dims, arena);
        let moments = moments(&blocked_x, instructions);
        let deviation: Vec<f64> = moments.iter().map(|m| (m.variance + eps).sqrt()).collect();
        let mean: Vec<f32> = moments.iter().map(|m| m.mean as f32).collect();
        let each = |of: &dyn Fn(usize) -> f64| (0..dims.channels).map(|c| of(c) as f32).collect::<Vec<f32>>();
        let scale = each(&|c| wide_weight[c] / deviation[c]);
        let shift = each(&|c| wide_bias[c] - moments[c].mean * wide_weight[c] / deviation[c]);
        let how = ChannelAffine { scale: &scale, shift: &shift, residual: None, relu: true };
        let (y, mask) = channel_affine(&blocked_x, how, instructions, arena);
        assert_close(&y.to_nchw(), &expected_y, "y");

        let blocked_g = Blocked::from_nchw(&g, dims, arena);
        let sums = channel_sums(&blocked_g, mask.as_ref(), &blocked_x, &mean, instructions).pairs();
        assert_close(&each(&|c| sums[c].0 / deviation[c]), &expected.weight, "gradient of the factors");
        assert_close(&each(&|c| sums[c].1), &expected.bias, "gradient of the summands");
        // dx = scale·(g − mean g − x̂·mean(g·x̂)), x̂ = (x − mean) / deviation.
        let count = moments[0].count as f64;
        let slope = |c: usize| -f64::from(scale[c]) * sums[c].0 / (count * deviation[c] * deviation[c]);
        let b = each(&slope);
        let c = each(&|c| -f64::from(scale[c]) * sums[c].1 / count - slope(c) * moments[c].mean);
        let x = Some((&blocked_x, &b[..], &c[..]));
        let how = ChannelAffineGradient { mask: mask.as_ref(), x, a: &scale, has_residual: false };
        let (dx, _) = channel_affine_gradient(blocked_g, how, instructions, arena);
        assert_close(&dx.to_nchw(), &expected.x, "gradient of x");
    });
}
