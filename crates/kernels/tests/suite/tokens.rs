//! What transformers are made of against its definition, forward and backward: normalisation of pixels, attention, tokens.

use crate::common::{assert_close, assert_differences, bits, dot, fine, flat, numbers, tensor, wide};
use kernels::{
    DistancePerceptron, Group, Partition,
    blocked::{self, Arena, Blocked, Dims, InstructionSet},
    device, distance_numbers, distance_numbers_gradient, naive,
};
use proptest::prelude::*;

const EPSILON: f64 = 1e-6;

fn len(dims: Dims) -> usize {
    dims.images * dims.channels * dims.pixels()
}

fn sizes() -> impl Strategy<Value = Dims> {
    (1..40usize, 1..70usize, 1..6usize, 1..6usize).prop_map(|(images, channels, height, width)| Dims {
        images,
        channels,
        height,
        width,
    })
}

/// A partition, and the rows and columns of a plane that it fits.
fn partitions() -> impl Strategy<Value = (Partition, [usize; 2])> {
    let twos = || (1..4usize, 1..4usize).prop_map(|(rows, columns)| [rows, columns]);
    prop_oneof![
        (1..20usize).prop_map(|tokens| (Partition::Whole, [tokens, 1])),
        // So many that they are weighed in steps.
        Just((Partition::Whole, [11, 10])),
        // Some of the last windows reach over the edge.
        (twos(), twos(), twos()).prop_map(|(size, counts, missing)| {
            let shift = size.map(|size| size / 2);
            let side = |axis: usize| size[axis] * counts[axis] - (missing[axis] - 1).min(size[axis] - 1);
            (Partition::Windows { size, shift }, [side(0), side(1)])
        }),
        (twos(), twos()).prop_map(|(size, steps)| {
            (Partition::Grid { size }, [size[0] * steps[0], size[1] * steps[1]])
        }),
    ]
}

#[test]
fn naive_normalisation_has_its_gradient() {
    let dims = [2, 5, 3];
    let (x, g) = (wide(&fine(1, 30)), wide(&fine(2, 30)));
    let (weight, bias) = (wide(&fine(3, 5)), wide(&fine(4, 5)));
    let gradients = naive::layer_norm::backward(&x, dims, &weight, EPSILON, &g);
    let forward = |x: &[f64], weight: &[f64], bias: &[f64]| {
        naive::layer_norm::forward(x, dims, (weight, bias), EPSILON)
    };
    assert_differences(&x, &g, &gradients.x, |x| forward(x, &weight, &bias));
    assert_differences(&weight, &g, &gradients.weight, |weight| forward(&x, weight, &bias));
    assert_differences(&bias, &g, &gradients.bias, |bias| forward(&x, &weight, bias));
}

/// The last window has a token of padding.
#[test]
fn naive_attention_has_its_gradient() {
    let groups = Partition::Windows { size: [1, 3], shift: [0, 1] }.groups([1, 5]).unwrap();
    let (dims, heads) = ([2, 12, 5], 2);
    let (qkv, g) = (wide(&fine(1, 120)), wide(&fine(2, 40)));
    let (bias, padding) = (wide(&fine(3, 18)), wide(&fine(4, 12)));
    let with = naive::attention::Attention { heads, scale: 0.7, groups: &groups, bias: None, padding: None };
    let whole = naive::attention::Attention { bias: Some(&bias), padding: Some(&padding), ..with };
    let found = naive::attention::backward(&qkv, dims, whole, &g);
    let forward = |qkv: &[f64], bias: &[f64], padding: &[f64]| {
        let with = naive::attention::Attention { bias: Some(bias), padding: Some(padding), ..with };
        naive::attention::forward(qkv, dims, with)
    };
    assert_differences(&qkv, &g, &found.qkv, |qkv| forward(qkv, &bias, &padding));
    assert_differences(&bias, &g, &found.bias, |bias| forward(&qkv, bias, &padding));
    assert_differences(&padding, &g, &found.padding, |padding| forward(&qkv, &bias, padding));
    assert!(found.padding.iter().any(|&g| g != 0.0), "keys and values of padding count");
}

#[test]
fn naive_responses_and_units_have_their_gradients() {
    let dims = [2, 6, 3];
    let (x, g) = (wide(&fine(1, 36)), wide(&fine(2, 36)));
    let (weight, bias) = (wide(&fine(3, 6)), wide(&fine(4, 6)));
    let found = naive::response::backward(&x, dims, &weight, EPSILON, &g);
    let forward =
        |x: &[f64], weight: &[f64], bias: &[f64]| naive::response::forward(x, dims, (weight, bias), EPSILON);
    assert_differences(&x, &g, &found.x, |x| forward(x, &weight, &bias));
    assert_differences(&weight, &g, &found.weight, |weight| forward(&x, weight, &bias));
    assert_differences(&bias, &g, &found.bias, |bias| forward(&x, &weight, bias));

    let factors = wide(&fine(5, 2));
    let (dx, of_factors) = naive::unit::backward(&x, dims, 2, &factors, &g);
    assert_differences(&x, &g, &dx, |x| naive::unit::forward(x, dims, 2, &factors));
    assert_differences(&factors, &g, &of_factors, |factors| naive::unit::forward(&x, dims, 2, factors));
}

#[test]
fn numbers_of_distances_have_their_gradients() {
    let (window, hidden, heads) = ([2, 3], 5, 2);
    let count = kernels::distances(window).len();
    let parameters =
        |seed: u64| [2 * hidden, hidden, heads * hidden, count * heads].map(|n| fine(seed + n as u64, n));
    // No hidden value is so near the corner of ReLU that a step below goes round it.
    let is_smooth = |[first, shift, ..]: &[Vec<f32>; 4]| {
        let (first, shift) = (wide(first), wide(shift));
        let hidden = |[down, right]: [f64; 2]| {
            let sums = first.chunks(2).zip(&shift).map(|(w, shift)| w[0] * down + w[1] * right + shift);
            sums.fold(f64::INFINITY, |least, sum| least.min(sum.abs()))
        };
        kernels::distances(window).into_iter().all(|distance| hidden(distance) > 1.0 / 64.0)
    };
    let [first, shift, second, g] = (0..).map(parameters).find(is_smooth).expect("some are");
    let of = DistancePerceptron { first: &first, shift: &shift, second: &second };
    let (numbers, found) = (distance_numbers(window, of), distance_numbers_gradient(window, of, &g));
    // By the definition, in steps that f32 holds exactly.
    let loss = |of: DistancePerceptron<'_>| dot(&wide(&distance_numbers(window, of)), &wide(&g));
    for (part, gradient) in found.iter().enumerate() {
        for (place, gradient) in gradient.iter().enumerate() {
            let at = |step: f32| {
                let mut parts = [first.clone(), shift.clone(), second.clone()];
                parts[part][place] += step;
                loss(DistancePerceptron { first: &parts[0], shift: &parts[1], second: &parts[2] })
            };
            let difference = (at(1.0 / 128.0) - at(-1.0 / 128.0)) * 64.0;
            assert!(
                (difference - f64::from(*gradient)).abs() < 2e-3,
                "{part} {place}: {difference} {gradient}"
            );
        }
    }
    let on_device = |values: &[f32], shape: &[usize]| tensor(values, shape);
    let parts =
        [on_device(&first, &[hidden, 2]), on_device(&shift, &[hidden]), on_device(&second, &[heads, hidden])];
    let parts = parts.each_ref();
    assert_close(
        &flat(&device::distance_numbers(window, parts).unwrap()),
        &wide(&numbers),
        "candle's tensors",
    );
    let g = on_device(&g, &[count, heads]);
    for (found, expected) in device::distance_numbers_gradient(window, parts, &g).unwrap().iter().zip(&found)
    {
        assert_close(&flat(found), &wide(expected), "gradients of candle's tensors");
    }
}

/// By hand: norms 3 and 1 of mean 2; and a vector of length 5 times 10, beside one that stays.
#[test]
fn responses_and_units_are_what_they_say() {
    let found = naive::response::forward(&[3.0, 1.0], [1, 2, 1], (&[2.0, 2.0], &[0.0, 1.0]), 0.0);
    assert_eq!(found, [12.0, 3.0]);
    assert_eq!(naive::unit::forward(&[3.0, 4.0, 7.0, 8.0], [1, 4, 1], 2, &[10.0]), [6.0, 8.0, 7.0, 8.0]);
}

/// By hand: one head of one channel, two tokens. With queries 0 all weights are ½.
#[test]
fn equal_weights_take_the_mean() {
    let groups = [Group { tokens: vec![0, 1], regions: Vec::new() }];
    let with =
        naive::attention::Attention { heads: 1, scale: 1.0, groups: &groups, bias: None, padding: None };
    assert_eq!(naive::attention::forward(&[0.0, 0.0, 5.0, 7.0, 2.0, 4.0], [1, 3, 2], with), [3.0, 3.0]);
    let bias = [0.0, -100.0, -100.0, 0.0];
    let with = naive::attention::Attention { bias: Some(&bias), ..with };
    let found = naive::attention::forward(&[0.0, 0.0, 5.0, 7.0, 2.0, 4.0], [1, 3, 2], with);
    assert!((found[0] - 2.0).abs() < 1e-12 && (found[1] - 4.0).abs() < 1e-12, "{found:?}");
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn normalisation_is_the_naive_one(dims in sizes(), seed in 0..1000u64) {
        let (shape, channels) = ([dims.images, dims.channels, dims.pixels()], dims.channels);
        // Means far from zero, where Σ x² − (Σ x)² would cancel.
        let x: Vec<f32> = fine(seed, len(dims)).iter().map(|x| x + 30.0).collect();
        let g = fine(seed + 1, len(dims));
        let (weight, bias) = (fine(seed + 2, channels), fine(seed + 3, channels));
        // With one channel all is noise: 0 / √ε, and gradients of 1 / √ε.
        let epsilon = if channels < 3 { 1.0 } else { EPSILON };
        let y = naive::layer_norm::forward(&wide(&x), shape, (&wide(&weight), &wide(&bias)), epsilon);
        let expected = naive::layer_norm::backward(&wide(&x), shape, &wide(&weight), epsilon, &wide(&g));
        let check = |found: [&[f32]; 4], what: &str| {
            assert_near(found[0], &y, what);
            assert_near(found[1], &expected.x, what);
            assert_near(found[2], &expected.weight, what);
            assert_near(found[3], &expected.bias, what);
        };
        for instructions in InstructionSet::available() {
            let arena = Arena::default();
            let [bx, mut bg] = [&x, &g].map(|values| Blocked::from_nchw(values, dims, &arena));
            let (y, moments) = blocked::layer_norm(&bx, (&weight, &bias), epsilon, instructions, &arena);
            let (dw, db) = blocked::layer_norm_parameter_gradients(&bg, &bx, &moments, instructions).single_pairs();
            blocked::layer_norm_gradient(&mut bg, &bx, &moments, &weight, instructions);
            check([&y.to_nchw(), &bg.to_nchw(), &dw, &db], &format!("{instructions:?}"));
        }
        let of = [dims.images, channels, dims.height, dims.width];
        let (x, g) = (tensor(&x, &of), tensor(&g, &of));
        let (weight, bias) = (tensor(&weight, &[channels]), tensor(&bias, &[channels]));
        let (y, left) = device::layer_norm(&x, &weight, &bias, epsilon).unwrap();
        let (dx, dw, db) = device::layer_norm_gradient(&g, &left, &weight).unwrap();
        check([&flat(&y), &flat(&dx), &flat(&dw), &flat(&db)], "candle's tensors");
    }

    #[test]
    fn attention_is_the_naive_one(
        (partition, plane) in partitions(),
        (heads, own, images, has_bias) in (1..4usize, 1..9usize, 1..35usize, any::<bool>()),
        seed in 0..1000u64,
    ) {
        let groups = partition.groups(plane).unwrap();
        let (size, scale) = (groups[0].tokens.len(), 0.6);
        let dims = Dims { images, channels: 3 * heads * own, height: plane[0], width: plane[1] };
        let of_result = Dims { channels: heads * own, ..dims };
        let (qkv, g) = (fine(seed, len(dims)), fine(seed + 1, len(of_result)));
        let bias = has_bias.then(|| fine(seed + 2, heads * size * size));
        let padding = fine(seed + 3, dims.channels);
        let is_padded = groups.iter().any(|group| group.tokens.contains(&dims.pixels()));
        let (wide_bias, wide_padding) = (bias.as_deref().map(wide), wide(&padding));
        let shape = [images, dims.channels, dims.pixels()];
        let with = naive::attention::Attention {
            heads,
            scale: f64::from(scale),
            groups: &groups,
            bias: wide_bias.as_deref(),
            padding: is_padded.then_some(wide_padding.as_slice()),
        };
        let y = naive::attention::forward(&wide(&qkv), shape, with);
        let expected = naive::attention::backward(&wide(&qkv), shape, with, &wide(&g));
        let check = |found: [&[f32]; 4], what: &str| {
            assert_close(found[0], &y, what);
            assert_close(found[1], &expected.qkv, what);
            assert_close(found[2], &expected.bias, what);
            assert_close(found[3], &expected.padding, what);
        };
        for instructions in InstructionSet::available() {
            let arena = Arena::default();
            let (bqkv, bg) = (Blocked::from_nchw(&qkv, dims, &arena), Blocked::from_nchw(&g, of_result, &arena));
            let padding = is_padded.then_some(padding.as_slice());
            let with = blocked::Attention { heads, scale, groups: &groups, bias: bias.as_deref(), padding };
            let y = blocked::attention(&bqkv, with, instructions, &arena);
            let found = blocked::attention_gradient(&bg, &bqkv, with, true, (instructions, &arena));
            check(
                [&y.to_nchw(), &found.qkv.to_nchw(), &found.bias.singles(), &found.padding.singles()],
                &format!("{instructions:?}"),
            );
            let none = blocked::attention_gradient(&bg, &bqkv, with, false, (instructions, &arena));
            prop_assert!(none.bias.totals().is_empty() && none.padding.totals().is_empty());
        }
        let qkv = tensor(&qkv, &[images, dims.channels, plane[0], plane[1]]);
        let g = tensor(&g, &[images, of_result.channels, plane[0], plane[1]]);
        let bias = bias.map(|bias| tensor(&bias, &[heads, size, size]));
        let padding = is_padded.then(|| tensor(&padding, &[dims.channels]));
        let with = device::Attention {
            heads,
            scale: f64::from(scale),
            groups: &groups,
            bias: bias.as_ref(),
            padding: padding.as_ref(),
        };
        let found = device::attention_gradient(&g, &qkv, with).unwrap();
        let of_padding = found.padding.map_or(vec![0.0; dims.channels], |padding| flat(&padding));
        check(
            [&flat(&device::attention(&qkv, with).unwrap()), &flat(&found.qkv), &flat(&found.bias), &of_padding],
            "candle's tensors",
        );
    }

    #[test]
    fn responses_are_the_naive_ones(dims in sizes(), seed in 0..1000u64, has_zeros in any::<bool>()) {
        let (shape, channels) = ([dims.images, dims.channels, dims.pixels()], dims.channels);
        let (mut x, g) = (fine(seed, len(dims)), fine(seed + 1, len(dims)));
        if has_zeros {
            x[..dims.pixels()].fill(0.0);
        }
        let (weight, bias) = (fine(seed + 2, channels), fine(seed + 3, channels));
        let epsilon = 1e-3;
        let y = naive::response::forward(&wide(&x), shape, (&wide(&weight), &wide(&bias)), epsilon);
        let expected = naive::response::backward(&wide(&x), shape, &wide(&weight), epsilon, &wide(&g));
        let check = |found: [&[f32]; 4], what: &str| {
            assert_close(found[0], &y, what);
            assert_close(found[1], &expected.x, what);
            assert_close(found[2], &expected.weight, what);
            assert_close(found[3], &expected.bias, what);
        };
        for instructions in InstructionSet::available() {
            let arena = Arena::default();
            let [bx, mut bg] = [&x, &g].map(|values| Blocked::from_nchw(values, dims, &arena));
            let y = blocked::response_norm(&bx, (&weight, &bias), epsilon, instructions, &arena);
            let (dw, db) = blocked::response_norm_gradient(&mut bg, &bx, &weight, epsilon, instructions).single_pairs();
            check([&y.to_nchw(), &bg.to_nchw(), &dw, &db], &format!("{instructions:?}"));
        }
        let of = [dims.images, channels, dims.height, dims.width];
        let (x, g) = (tensor(&x, &of), tensor(&g, &of));
        let (weight, bias) = (tensor(&weight, &[channels]), tensor(&bias, &[channels]));
        let y = device::response_norm(&x, &weight, &bias, epsilon).unwrap();
        let (dx, dw, db) = device::response_norm_gradient(&g, &x, &weight, epsilon).unwrap();
        check([&flat(&y), &flat(&dx), &flat(&dw), &flat(&db)], "candle's tensors");
    }

    #[test]
    fn unit_vectors_are_the_naive_ones(
        (images, vectors, size, behind) in (1..40usize, 1..5usize, 2..9usize, 0..3usize),
        (height, width) in (1..5usize, 1..5usize),
        seed in 0..1000u64,
    ) {
        let dims = Dims { images, channels: (vectors + behind) * size, height, width };
        let shape = [images, dims.channels, dims.pixels()];
        let (x, g, factors) = (fine(seed, len(dims)), fine(seed + 1, len(dims)), fine(seed + 2, vectors));
        // Short vectors have steep gradients.
        let x: Vec<f32> = x.into_iter().map(|x| x + 0.5f32.copysign(x)).collect();
        let y = naive::unit::forward(&wide(&x), shape, size, &wide(&factors));
        let (dx, of_factors) = naive::unit::backward(&wide(&x), shape, size, &wide(&factors), &wide(&g));
        let check = |found: [&[f32]; 3], what: &str| {
            assert_close(found[0], &y, what);
            assert_close(found[1], &dx, what);
            assert_close(found[2], &of_factors, what);
        };
        for instructions in InstructionSet::available() {
            let arena = Arena::default();
            let [bx, mut bg] = [&x, &g].map(|values| Blocked::from_nchw(values, dims, &arena));
            let y = blocked::unit_vectors(&bx, size, &factors, instructions, &arena);
            let of_factors = blocked::unit_vectors_gradient(&mut bg, &bx, size, &factors, (instructions, &arena));
            let of_factors = &of_factors.singles()[..factors.len()];
            check([&y.to_nchw(), &bg.to_nchw(), of_factors], &format!("{instructions:?}"));
        }
        let of = [images, dims.channels, height, width];
        let (x, g, factors) = (tensor(&x, &of), tensor(&g, &of), tensor(&factors, &[vectors]));
        let y = device::unit_vectors(&x, size, &factors).unwrap();
        let (dx, of_factors) = device::unit_vectors_gradient(&g, &x, size, &factors).unwrap();
        check([&flat(&y), &flat(&dx), &flat(&of_factors)], "candle's tensors");
    }

    /// Σ f(x) · g = Σ x · f*(g) for all that moves values, and for what is added.
    #[test]
    fn movements_have_their_adjoints(dims in sizes(), count in 0..3usize, seed in 0..1000u64) {
        let arena = Arena::default();
        let x = numbers(seed, len(dims));
        let tokens = numbers(seed + 1, count * dims.channels);
        let positions = numbers(seed + 2, dims.channels * dims.pixels());
        let bx = Blocked::from_nchw(&x, dims, &arena);
        let gradient_like = |y: &Blocked| {
            let g = numbers(seed + 3, len(y.dims()));
            (Blocked::from_nchw(&g, y.dims(), &arena), wide(&g))
        };

        let y = blocked::prepend_tokens(&bx, &tokens, &arena);
        let (g, wide_g) = gradient_like(&y);
        let (dx, dtokens) = blocked::prepend_tokens_gradient(&g, dims, &arena);
        let through = dot(&wide(&x), &wide(&dx.to_nchw())) + dot(&wide(&tokens), &dtokens.totals());
        prop_assert_eq!(dot(&wide(&y.to_nchw()), &wide_g), through);

        let y = blocked::add_positions(&bx, &positions, &arena);
        let (g, wide_g) = gradient_like(&y);
        let through = dot(&wide(&x), &wide_g) + dot(&wide(&positions), &blocked::positions_gradient(&g).totals());
        prop_assert_eq!(dot(&wide(&y.to_nchw()), &wide_g), through);

        let y = blocked::pixel(&bx, dims.pixels() - 1, &arena);
        let (g, wide_g) = gradient_like(&y);
        let dx = blocked::pixel_gradient(&g, dims.pixels() - 1, dims, &arena).to_nchw();
        prop_assert_eq!(dot(&wide(&y.to_nchw()), &wide_g), dot(&wide(&x), &wide(&dx)));

        let y = blocked::swap_channels_and_pixels(&bx, &arena);
        let (g, wide_g) = gradient_like(&y);
        let dx = blocked::swap_channels_and_pixels_gradient(&g, dims, &arena).to_nchw();
        prop_assert_eq!(dot(&wide(&y.to_nchw()), &wide_g), dot(&wide(&x), &wide(&dx)));

        let y = blocked::merge_squares(&bx, &arena);
        let (g, wide_g) = gradient_like(&y);
        let dx = blocked::merge_squares_gradient(&g, dims, &arena).to_nchw();
        prop_assert_eq!(dot(&wide(&y.to_nchw()), &wide_g), dot(&wide(&x), &wide(&dx)));

        let y = blocked::border(&bx, [0, 1], [count, 2], &arena);
        prop_assert_eq!([y.dims().height, y.dims().width], [dims.height + count, dims.width + 3]);
        let (g, wide_g) = gradient_like(&y);
        let dx = blocked::border_gradient(&g, [0, 1], dims, &arena).to_nchw();
        prop_assert_eq!(dot(&wide(&y.to_nchw()), &wide_g), dot(&wide(&x), &wide(&dx)));
    }
}

/// As [`assert_close`], with room for what the mean of thirty takes of the digits.
#[track_caller]
fn assert_near(found: &[f32], expected: &[f64], what: &str) {
    let error = crate::common::error(found, expected);
    assert!(error < 4e-5, "{what}: error {error:e}");
}

#[test]
fn tokens_come_first_and_places_are_rows_of_channels() {
    let (arena, dims) = (Arena::default(), Dims { images: 1, channels: 2, height: 1, width: 2 });
    let x = Blocked::from_nchw(&[1.0, 2.0, 3.0, 4.0], dims, &arena);
    let y = blocked::prepend_tokens(&x, &[10.0, 20.0], &arena);
    assert_eq!(y.dims(), Dims { height: 3, width: 1, ..dims });
    assert_eq!(y.to_nchw(), [10.0, 1.0, 2.0, 20.0, 3.0, 4.0]);
    let y = blocked::add_positions(&x, &[0.1, 0.2, 0.3, 0.4], &arena);
    assert_eq!(y.to_nchw(), [1.1, 2.3, 3.2, 4.4]);
    assert_eq!(blocked::pixel(&x, 1, &arena).to_nchw(), [2.0, 4.0]);
    assert_eq!(blocked::swap_channels_and_pixels(&x, &arena).to_nchw(), [1.0, 3.0, 2.0, 4.0]);
}

/// As PyTorch's `cat([x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]])`.
#[test]
fn squares_go_down_first() {
    let (arena, dims) = (Arena::default(), Dims { images: 1, channels: 1, height: 2, width: 4 });
    let x = Blocked::from_nchw(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], dims, &arena);
    assert_eq!(blocked::merge_squares(&x, &arena).to_nchw(), [0.0, 2.0, 4.0, 6.0, 1.0, 3.0, 5.0, 7.0]);
    // A row and a column of zeros more.
    let dims = Dims { height: 1, width: 3, ..dims };
    let x = Blocked::from_nchw(&[1.0, 2.0, 3.0], dims, &arena);
    assert_eq!(blocked::merge_squares(&x, &arena).to_nchw(), [1.0, 3.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]);
    let framed = blocked::border(&x, [1, 0], [0, 1], &arena).to_nchw();
    assert_eq!(framed, [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 0.0]);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let dims = Dims { images: 40, channels: 24, height: 4, width: 4 };
    let groups = Partition::Windows { size: [2, 3], shift: [1, 1] }.groups([4, 4]).unwrap();
    let (x, g) = (fine(1, len(dims)), fine(2, len(Dims { channels: 8, ..dims })));
    let weight = fine(3, 24);
    let run = || {
        let (arena, instructions) = (Arena::default(), InstructionSet::current());
        let x = Blocked::from_nchw(&x, dims, &arena);
        let (y, moments) = blocked::layer_norm(&x, (&weight, &weight), EPSILON, instructions, &arena);
        let z = blocked::response_norm(&y, (&weight, &weight), EPSILON, instructions, &arena);
        let units = blocked::unit_vectors(&z, 4, &weight[..4], instructions, &arena);
        let g = Blocked::from_nchw(&g, Dims { channels: 8, ..dims }, &arena);
        let with =
            blocked::Attention { heads: 2, scale: 0.5, groups: &groups, bias: None, padding: Some(&weight) };
        let found = blocked::attention_gradient(&g, &units, with, true, (instructions, &arena));
        let mut dx = found.qkv;
        let of_factors = blocked::unit_vectors_gradient(&mut dx, &z, 4, &weight[..4], (instructions, &arena));
        let of_response = blocked::response_norm_gradient(&mut dx, &y, &weight, EPSILON, instructions);
        let of_norm = blocked::layer_norm_parameter_gradients(&dx, &x, &moments, instructions);
        blocked::layer_norm_gradient(&mut dx, &x, &moments, &weight, instructions);
        let of_parameters = [found.bias, found.padding, of_factors, of_response, of_norm];
        let of_parameters =
            of_parameters.iter().map(|sums| sums.values().iter().map(|&sum| sum as f32).collect());
        [units.to_nchw(), dx.to_nchw()].into_iter().chain(of_parameters).collect()
    };
    assert_eq!(bits(1, run), bits(3, run));
}
