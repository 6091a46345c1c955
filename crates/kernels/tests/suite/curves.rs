//! Functions of single values, factors of planes and chosen channels against their definitions, forward and backward.

use crate::common::{assert_close, assert_differences, bits, dot, fine, flat, tensor, wide};
use kernels::{
    Nonlinearity,
    blocked::{
        Arena, Blocked, Dims, InstructionSet, choose_channels, choose_channels_gradient, nonlinearity,
        nonlinearity_gradient, scale_planes, scale_planes_gradient,
    },
    device, naive,
};
use proptest::prelude::*;

fn len(dims: Dims) -> usize {
    dims.images * dims.channels * dims.pixels()
}

fn sizes() -> impl Strategy<Value = Dims> {
    (1..40usize, 1..9usize, 1..12usize, 1..12usize).prop_map(|(images, channels, height, width)| Dims {
        images,
        channels,
        height,
        width,
    })
}

/// Numbers on both sides of every corner, and the corners.
fn arguments(seed: u64, len: usize) -> Vec<f32> {
    let mut x: Vec<f32> = fine(seed, len).iter().map(|x| 9.0 * x).collect();
    x.iter_mut().zip([-3.0, 0.0, 3.0, 6.0]).for_each(|(x, corner)| *x = corner);
    x
}

#[test]
fn naive_gradients_are_central_differences() {
    let (x, g) = (wide(&fine(1, 60)).iter().map(|x| 8.0 * x).collect::<Vec<_>>(), wide(&fine(2, 60)));
    for function in Nonlinearity::ALL {
        let gradient = naive::nonlinearity::backward(&x, &g, function);
        assert_differences(&x, &g, &gradient, |x| naive::nonlinearity::forward(x, function));
    }
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn functions_are_the_naive_ones(dims in sizes(), seed in 0..1000u64) {
        let (x, g) = (arguments(seed, len(dims)), fine(seed + 1, len(dims)));
        for function in Nonlinearity::ALL {
            let y = naive::nonlinearity::forward(&wide(&x), function);
            let dx = naive::nonlinearity::backward(&wide(&x), &wide(&g), function);
            for instructions in InstructionSet::available() {
                let arena = Arena::default();
                let blocked = Blocked::from_nchw(&x, dims, &arena);
                let what = format!("{function:?}, {instructions:?}");
                assert_close(&nonlinearity(&blocked, function, instructions, &arena).to_nchw(), &y, &what);
                let mut found = Blocked::from_nchw(&g, dims, &arena);
                nonlinearity_gradient(&mut found, &blocked, function, instructions);
                assert_close(&found.to_nchw(), &dx, &what);
            }
            let [x, g] = [&x, &g].map(|values| tensor(values, &[len(dims)]));
            assert_close(&flat(&device::nonlinearity(&x, function).unwrap()), &y, "candle's tensors");
            assert_close(&flat(&device::nonlinearity_gradient(&x, &g, function).unwrap()), &dx, "candle's tensors");
        }
    }

    /// Both products of y = x · s with g: that of x with its gradient, and that of s with its own.
    #[test]
    fn factors_of_planes_and_their_adjoint(dims in sizes(), seed in 0..1000u64) {
        let of_planes = Dims { height: 1, width: 1, ..dims };
        let (x, s, g) = (fine(seed, len(dims)), fine(seed + 1, len(of_planes)), fine(seed + 2, len(dims)));
        let expected: Vec<f32> = x.iter().enumerate().map(|(at, x)| x * s[at / dims.pixels()]).collect();
        for instructions in InstructionSet::available() {
            let arena = Arena::default();
            let [bx, bg] = [&x, &g].map(|values| Blocked::from_nchw(values, dims, &arena));
            let bs = Blocked::from_nchw(&s, of_planes, &arena);
            let y = scale_planes(&bx, &bs, instructions, &arena).to_nchw();
            prop_assert_eq!(&y, &expected, "{:?}", instructions);
            let (dx, ds) = scale_planes_gradient(bg, &bx, &bs, instructions, &arena);
            let product = dot(&wide(&y), &wide(&g));
            for (what, found) in [("planes", dot(&wide(&x), &wide(&dx.to_nchw()))), ("factors", dot(&wide(&s), &wide(&ds.to_nchw())))] {
                let apart = (found - product).abs();
                prop_assert!(apart < 1e-6 * (1.0 + g.len() as f64), "{what}: {found} against {product}");
            }
        }
    }

    #[test]
    fn chosen_channels_and_their_adjoint(dims in sizes(), seed in 0..1000u64, kept in 1..9usize) {
        // In an order that has nothing to do with their numbers.
        let mut channels: Vec<usize> = (0..dims.channels).collect();
        channels.sort_by_key(|&channel| (channel as u64 + 1).wrapping_mul(seed * 2 + 7919) % 31);
        channels.truncate(kept);
        let chosen = Dims { channels: channels.len(), ..dims };
        let (arena, x, g) = (Arena::default(), fine(seed, len(dims)), fine(seed + 1, len(chosen)));
        let y = choose_channels(&Blocked::from_nchw(&x, dims, &arena), &channels, &arena);
        prop_assert_eq!(y.dims(), chosen);
        let y = y.to_nchw();
        let plane = |n: usize, c: usize| &x[(n * dims.channels + c) * dims.pixels()..][..dims.pixels()];
        let expected: Vec<f32> =
            (0..dims.images).flat_map(|n| channels.iter().flat_map(move |&c| plane(n, c))).copied().collect();
        prop_assert_eq!(&y, &expected);
        let dx = choose_channels_gradient(&Blocked::from_nchw(&g, chosen, &arena), &channels, dims.channels, &arena);
        let (left, right) = (dot(&wide(&y), &wide(&g)), dot(&wide(&x), &wide(&dx.to_nchw())));
        prop_assert!((left - right).abs() < 1e-9 * (1.0 + g.len() as f64), "{left} against {right}");
    }
}

#[test]
fn threads_do_not_reach_the_factors() {
    let dims = Dims { images: 37, channels: 11, height: 9, width: 13 };
    let run = || {
        let (arena, instructions) = (Arena::default(), InstructionSet::current());
        let [x, g] = [0, 1].map(|seed| Blocked::from_nchw(&fine(seed, len(dims)), dims, &arena));
        let of_planes = Dims { height: 1, width: 1, ..dims };
        let s = Blocked::from_nchw(&fine(2, len(of_planes)), of_planes, &arena);
        let (dx, ds) = scale_planes_gradient(g, &x, &s, instructions, &arena);
        vec![dx.to_nchw(), ds.to_nchw()]
    };
    assert_eq!(bits(1, run), bits(3, run));
}
