//! Pooling by means, gates and branches of the blocked engine against their definitions, forward and backward.

use crate::common::{assert_close, bits, dot, fine, numbers, wide};
use kernels::{
    Pool2d,
    blocked::{
        Arena, Blocked, Cells, Dims, InstructionSet, concatenate, dropout, dropout_gradient, leaky_relu,
        leaky_relu_gradient, mean_pool, mean_pool_gradient, some_channels,
    },
    naive::pool,
};
use proptest::prelude::*;

fn len(dims: Dims) -> usize {
    dims.images * dims.channels * dims.pixels()
}

fn plain(dims: Dims) -> [usize; 4] {
    [dims.images, dims.channels, dims.height, dims.width]
}

fn sizes() -> impl Strategy<Value = Dims> {
    (1..40usize, 1..6usize, 1..12usize, 1..12usize).prop_map(|(images, channels, height, width)| Dims {
        images,
        channels,
        height,
        width,
    })
}

/// The means, their gradient, and what the gradient was taken of.
fn pooled(dims: Dims, cells: &Cells, seed: u64) -> [Vec<f32>; 4] {
    let (arena, x) = (Arena::default(), fine(seed, len(dims)));
    let y = mean_pool(&Blocked::from_nchw(&x, dims, &arena), cells, &arena);
    let g = fine(seed + 1, len(y.dims()));
    let dx = mean_pool_gradient(&Blocked::from_nchw(&g, y.dims(), &arena), cells, &arena);
    [y.to_nchw(), dx.to_nchw(), x, g]
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn means_over_windows_are_the_naive_ones(dims in sizes(), kernel in 1..4usize, stride in 1..4usize, padded: bool) {
        let padding = if padded { kernel / 2 } else { 0 };
        let window = Pool2d { padding, ..Pool2d::new(kernel, stride) };
        if let Some(cells) = Cells::windows(window, [dims.height, dims.width]) {
            let [y, dx, x, g] = pooled(dims, &cells, 3);
            assert_close(&y, &pool::mean(&wide(&x), plain(dims), window), "means");
            assert_close(&dx, &pool::mean_backward(plain(dims), window, &wide(&g)), "gradient");
        } else {
            prop_assert!(kernel > dims.height.min(dims.width) + 2 * padding);
        }
    }

    #[test]
    fn adaptive_means_and_their_adjoint(dims in sizes(), out in prop::array::uniform2(1..9usize)) {
        let [y, dx, x, g] = pooled(dims, &Cells::adaptive(out, [dims.height, dims.width]), 5);
        let [x, g] = [x, g].map(|values| wide(&values));
        assert_close(&y, &pool::adaptive_mean(&x, plain(dims), out), "means");
        assert_close(&dx, &pool::adaptive_mean_backward(plain(dims), out, &g), "gradient");
        let (left, right) = (dot(&wide(&y), &g), dot(&x, &wide(&dx)));
        prop_assert!((left - right).abs() < 1e-6 * (1.0 + g.len() as f64), "{} against {}", left, right);
    }

    #[test]
    fn leaky_relu_is_its_definition(dims in sizes(), slope in prop_oneof![Just(0f32), Just(0.01), Just(0.3)]) {
        // Multiples of 1/128: zeros are among them.
        let (x, g) = (numbers(1, len(dims)), numbers(2, len(dims)));
        let factor = |x: f32| if x > 0.0 { 1.0 } else { slope };
        for instructions in InstructionSet::available() {
            let arena = Arena::default();
            let (y, mask) = leaky_relu(&Blocked::from_nchw(&x, dims, &arena), slope, instructions, &arena);
            let expected: Vec<f32> = x.iter().map(|&x| x * factor(x)).collect();
            prop_assert_eq!(y.to_nchw(), expected, "{:?}", instructions);
            let mut dx = Blocked::from_nchw(&g, dims, &arena);
            leaky_relu_gradient(&mut dx, &mask, slope, instructions);
            let expected: Vec<f32> = g.iter().zip(&x).map(|(g, &x)| g * factor(x)).collect();
            prop_assert_eq!(dx.to_nchw(), expected, "{:?}", instructions);
        }
    }

    #[test]
    fn channels_come_back_from_side_by_side(dims in sizes(), others in prop::collection::vec(1..5usize, 0..4)) {
        let arena = Arena::default();
        let channels: Vec<usize> = std::iter::once(dims.channels).chain(others).collect();
        let part = |(index, &channels): (usize, &usize)| {
            let dims = Dims { channels, ..dims };
            Blocked::from_nchw(&fine(index as u64, len(dims)), dims, &arena)
        };
        let parts: Vec<Blocked> = channels.iter().enumerate().map(part).collect();
        let whole = concatenate(&parts.iter().collect::<Vec<_>>(), &arena);
        // Image by image, the parts' channels one after the other.
        let plains: Vec<Vec<f32>> = parts.iter().map(Blocked::to_nchw).collect();
        let image = |n: usize| plains.iter().flat_map(move |p| &p[p.len() / dims.images * n..][..p.len() / dims.images]);
        let expected: Vec<f32> = (0..dims.images).flat_map(image).copied().collect();
        prop_assert_eq!(whole.to_nchw(), expected);
        let mut first = 0;
        for (part, plain) in parts.iter().zip(&plains) {
            let found = some_channels(&whole, first, part.dims().channels, &arena);
            prop_assert_eq!(&found.to_nchw(), plain);
            first += part.dims().channels;
        }
    }
}

const WIDE: Dims = Dims { images: 37, channels: 11, height: 9, width: 13 };

/// Every third image of a vector is dropped, another third at the next place.
fn thirds(place: u64) -> u16 {
    (0..16).filter(|lane| !(lane + place).is_multiple_of(3)).fold(0, |bits, lane| bits | 1 << lane)
}

fn dropped(rate: f32, instructions: InstructionSet) -> [Vec<f32>; 2] {
    let arena = Arena::default();
    let ones = Blocked::from_nchw(&vec![1.0; len(WIDE)], WIDE, &arena);
    let (y, mask) = dropout(&ones, rate, thirds, instructions, &arena);
    let mut g = ones;
    dropout_gradient(&mut g, &mask, rate, instructions);
    [y.to_nchw(), g.to_nchw()]
}

/// What is kept is divided by 1 − rate, and the gradient is let through where the value was.
#[test]
fn dropout_keeps_what_it_is_told_to_keep() {
    let features = WIDE.channels * WIDE.pixels();
    for instructions in InstructionSet::available() {
        let [y, g] = dropped(0.25, instructions);
        assert_eq!(y, g, "of ones, value and gradient are the same");
        for (at, &found) in y.iter().enumerate() {
            let (image, feature) = (at / features, at % features);
            let place = (image / 16 * features + feature) as u64;
            let kept = thirds(place) >> (image % 16) & 1;
            assert_eq!(found, f32::from(kept) / 0.75, "{instructions:?}: image {image}, value {feature}");
        }
    }
}

#[test]
fn threads_do_not_reach_dropout() {
    let run = || dropped(0.5, InstructionSet::current()).to_vec();
    assert_eq!(bits(1, run), bits(3, run));
}

#[test]
fn threads_do_not_reach_the_means() {
    let run = || pooled(WIDE, &Cells::adaptive([4, 5], [9, 13]), 1).to_vec();
    assert_eq!(bits(1, run), bits(2, run));
}
