//! Arrays of any shape against their definitions, forward and backward: views, chosen places, functions of elements and pairs,
//! reductions, softmax, products of matrices, sparse maps.

use crate::common::{assert_close, assert_differences, bits, dot, fine, flat, tensor, wide};
use kernels::{
    Axis, Binary, Reduction, Sparse, Unary, View,
    blocked::{
        Arena, Blocked, Dims, InstructionSet,
        arrays::{self, Factor, Operand},
    },
    device::arrays as on_device,
    naive::arrays as naive,
};
use proptest::prelude::*;

const UNARY: [Unary; 16] = [
    Unary::Exp,
    Unary::Log,
    Unary::Sqrt,
    Unary::Reciprocal,
    Unary::Abs,
    Unary::Erf,
    Unary::Softplus,
    Unary::Sin,
    Unary::Cos,
    Unary::Clip { low: -0.5, high: 1.5 },
    Unary::Elu { alpha: 0.7 },
    Unary::ThresholdedRelu { alpha: 0.3 },
    Unary::Floor,
    Unary::Ceil,
    Unary::Round,
    Unary::Sign,
];

const BINARY: [Binary; 12] = [
    Binary::Add,
    Binary::Subtract,
    Binary::Multiply,
    Binary::Divide,
    Binary::Power,
    Binary::Minimum,
    Binary::Maximum,
    Binary::Slope,
    Binary::Gate,
    Binary::Equal,
    Binary::Greater,
    Binary::GreaterOrEqual,
];

const REDUCTIONS: [Reduction; 5] =
    [Reduction::Sum, Reduction::Mean, Reduction::Max, Reduction::Min, Reduction::FirstMax];

fn column(images: usize, elements: usize) -> Dims {
    Dims { images, channels: elements, height: 1, width: 1 }
}

/// Each image's row by a function of one image's.
fn by_image(x: &[f32], images: usize, of: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    x.chunks(x.len() / images).flat_map(|row| of(&wide(row))).collect()
}

/// The same of two arrays.
fn by_both(a: &[f32], b: &[f32], images: usize, of: impl Fn(&[f64], &[f64]) -> Vec<f64>) -> Vec<f64> {
    let rows = a.chunks(a.len() / images).zip(b.chunks(b.len() / images));
    rows.flat_map(|(a, b)| of(&wide(a), &wide(b))).collect()
}

/// A view of 24 elements: rows, columns, every other one backwards, one repeated, and three axes in another order.
fn views() -> impl Strategy<Value = View> {
    let view = |shape: &[usize], strides: &[isize], offset| View {
        shape: shape.to_vec(),
        strides: strides.to_vec(),
        offset,
    };
    prop_oneof![
        Just(View::rows(&[4, 6])),
        Just(View::rows(&[4, 6]).transposed()),
        Just(view(&[3, 4], &[-8, 2], 17)),
        Just(view(&[5, 6], &[0, 1], 12)),
        Just(view(&[4, 2, 3], &[1, 12, 4], 0)),
        Just(view(&[], &[], 7)),
    ]
}

fn axes() -> impl Strategy<Value = Axis> {
    (1..5usize, 1..6usize, 1..5usize).prop_map(|(outer, len, inner)| Axis { outer, len, inner })
}

#[test]
fn naive_gradients_are_central_differences() {
    let (x, g) = (wide(&fine(1, 24)), wide(&fine(2, 24)));
    let axis = Axis { outer: 2, len: 4, inner: 3 };
    for log in [false, true] {
        let gradient = naive::softmax_backward(&x, &g, axis, log);
        assert_differences(&x, &g, &gradient, |x| naive::softmax(x, axis, log));
    }
    for reduction in REDUCTIONS {
        let gradient = naive::reduce_backward(&x, &g[..6], axis, reduction);
        assert_differences(&x, &g[..6], &gradient, |x| naive::reduce(x, axis, reduction));
    }
    let positive: Vec<f64> = x.iter().map(|x| x.abs() + 0.25).collect();
    for function in UNARY {
        let gradient: Vec<f64> =
            positive.iter().zip(&g).map(|(&x, g)| g * naive::unary_slope(x, function)).collect();
        assert_differences(&positive, &g, &gradient, |x| {
            x.iter().map(|&x| naive::unary(x, function)).collect()
        });
    }
    let other: Vec<f64> = wide(&fine(3, 24)).iter().map(|x| x.abs() + 0.5).collect();
    for function in BINARY {
        let slopes = |of: usize| -> Vec<f64> {
            let pairs = positive.iter().zip(&other).zip(&g);
            pairs.map(|((&a, &b), g)| g * naive::binary_slopes(a, b, function)[of]).collect()
        };
        let apply =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(&a, &b)| naive::binary(a, b, function)).collect();
        assert_differences(&positive, &g, &slopes(0), |a| apply(a, &other));
        assert_differences(&other, &g, &slopes(1), |b| apply(&positive, b));
    }
}

proptest! {
    #![proptest_config(crate::common::forty_cases())]

    #[test]
    fn views_are_copied_and_their_gradients_gathered(images in 1..40usize, view in views(), seed in 0..1000u64) {
        let count = view.count();
        let (x, g, others) = (fine(seed, images * 24), fine(seed + 1, images * count), fine(seed + 2, images * 24));
        let y = by_image(&x, images, |x| naive::copy(x, &view));
        let mut dx = by_image(&g, images, |g| naive::copy_backward(g, &view, 24));
        let arena = Arena::default();
        let blocked = Blocked::from_nchw(&x, column(images, 24), &arena);
        let found = arrays::copy(&blocked, &view, column(images, count), &arena);
        assert_close(&found.to_nchw(), &y, "a copy");
        let g_blocked = Blocked::from_nchw(&g, column(images, count), &arena);
        let gradient = arrays::copy_gradient(&g_blocked, &view, column(images, 24), None, &arena);
        assert_close(&gradient.to_nchw(), &dx, "its gradient");
        prop_assert!((dot(&y, &wide(&g)) - dot(&wide(&x), &dx)).abs() < 1e-9, "the adjoint identity");
        let [x, g] = [(&x, 24), (&g, count)].map(|(values, len)| tensor(values, &[images, len]));
        assert_close(&flat(&on_device::copy(&x, &view).unwrap()), &y, "candle's tensors");
        assert_close(&flat(&on_device::copy_gradient(&g, &view, 24).unwrap()), &dx, "candle's tensors");
        dx.iter_mut().zip(&others).for_each(|(dx, &other)| *dx += f64::from(other));
        let others = Blocked::from_nchw(&others, column(images, 24), &arena);
        let gradient = arrays::copy_gradient(&g_blocked, &view, column(images, 24), Some(others), &arena);
        assert_close(&gradient.to_nchw(), &dx, "with that of others");
    }

    #[test]
    fn chosen_places_have_their_gradients(images in 1..40usize, seed in 0..1000u64) {
        let (a, b, g) = (fine(seed, images * 5), fine(seed + 1, images * 7), fine(seed + 2, images * 6));
        let places = [11, 0, u32::MAX, 4, 5, 0];
        let y = by_both(&a, &b, images, |a, b| {
            let all = [a, b].concat();
            places.iter().map(|&place| all.get(place as usize).copied().unwrap_or(-2.5)).collect()
        });
        let arena = Arena::default();
        let [blocked_a, blocked_b] = [(&a, 5), (&b, 7)].map(|(values, len)| Blocked::from_nchw(values, column(images, len), &arena));
        let found = arrays::pick(&[&blocked_a, &blocked_b], &places, -2.5, column(images, 6), &arena);
        assert_close(&found.to_nchw(), &y, "chosen places");
        let tensors = [tensor(&a, &[images, 5]), tensor(&b, &[images, 7])];
        assert_close(&flat(&on_device::pick(&tensors, &places, -2.5).unwrap()), &y, "candle's tensors");
        let (blocked_g, tensor_g) = (Blocked::from_nchw(&g, column(images, 6), &arena), tensor(&g, &[images, 6]));
        for (start, len) in [(0, 5), (5, 7)] {
            let dx = by_image(&g, images, |g| {
                let mut dx = vec![0.0; len];
                for (g, &place) in g.iter().zip(&places) {
                    let at = (place as usize).wrapping_sub(start);
                    dx.get_mut(at).into_iter().for_each(|dx| *dx += g);
                }
                dx
            });
            let found = arrays::pick_gradient(&blocked_g, &places, start, column(images, len), None, &arena);
            assert_close(&found.to_nchw(), &dx, "the gradient of chosen places");
            assert_close(&flat(&on_device::pick_gradient(&tensor_g, &places, start, len).unwrap()), &dx, "candle's tensors");
        }
    }

    #[test]
    fn functions_of_elements_are_the_naive_ones(images in 1..40usize, len in 1..50usize, seed in 0..1000u64) {
        let (x, g) = (fine(seed, images * len), fine(seed + 1, images * len));
        for function in UNARY {
            let is_of_positive = matches!(function, Unary::Log | Unary::Sqrt | Unary::Reciprocal);
            let x: Vec<f32> = x.iter().map(|x| if is_of_positive { x.abs() + 0.25 } else { 3.0 * x }).collect();
            let y: Vec<f64> = x.iter().map(|&x| naive::unary(f64::from(x), function)).collect();
            let dx: Vec<f64> =
                x.iter().zip(&g).map(|(&x, &g)| f64::from(g) * naive::unary_slope(f64::from(x), function)).collect();
            for instructions in InstructionSet::available() {
                let arena = Arena::default();
                let blocked = Blocked::from_nchw(&x, column(images, len), &arena);
                let what = format!("{function:?}, {instructions:?}");
                assert_close(&arrays::unary(&blocked, function, instructions, &arena).to_nchw(), &y, &what);
                let mut found = Blocked::from_nchw(&g, column(images, len), &arena);
                arrays::unary_gradient(&mut found, &blocked, function, instructions);
                assert_close(&found.to_nchw(), &dx, &what);
            }
            let [x, g] = [&x, &g].map(|values| tensor(values, &[images, len]));
            let what = format!("{function:?} of candle's tensors");
            assert_close(&flat(&on_device::unary(&x, function).unwrap()), &y, &what);
            assert_close(&flat(&on_device::unary_gradient(&x, &g, function).unwrap()), &dx, &what);
        }
    }

    /// Of rows (4, 6) of an image and numbers that are the same along the rows, in both places.
    #[test]
    fn functions_of_pairs_are_the_naive_ones(images in 1..40usize, seed in 0..1000u64) {
        let (rows, along) = (View::rows(&[4, 6]), View { shape: vec![4, 6], strides: vec![0, 1], offset: 0 });
        let (x, numbers, g) = (fine(seed, images * 24), fine(seed + 1, 6), fine(seed + 2, images * 24));
        for (function, turned) in BINARY.iter().flat_map(|&function| [(function, false), (function, true)]) {
            let x: Vec<f32> = x.iter().map(|x| if function == Binary::Power { x.abs() + 0.25 } else { *x }).collect();
            let numbers: Vec<f32> = match function {
                Binary::Power | Binary::Divide => numbers.iter().map(|number| number.abs() + 0.5).collect(),
                _ => x[..6].to_vec(),
            };
            let pair = |at: usize| {
                let (own, number) = (f64::from(x[at]), f64::from(numbers[at % 6]));
                if turned { (number, own) } else { (own, number) }
            };
            let y: Vec<f64> = (0..x.len()).map(|at| naive::binary(pair(at).0, pair(at).1, function)).collect();
            let slope = |at: usize| naive::binary_slopes(pair(at).0, pair(at).1, function)[usize::from(turned)];
            let dx: Vec<f64> = (0..x.len()).map(|at| f64::from(g[at]) * slope(at)).collect();
            if turned && matches!(function, Binary::Divide | Binary::Power) {
                // Of small divisors no digit is right.
                continue;
            }
            for instructions in InstructionSet::available() {
                let arena = Arena::default();
                let blocked = Blocked::from_nchw(&x, column(images, 24), &arena);
                let mut operands = [Operand::Images(&blocked, &rows), Operand::Numbers(&numbers, &along)];
                if turned {
                    operands.reverse();
                }
                let what = format!("{function:?}, {instructions:?}");
                let found = arrays::binary(function, operands, column(images, 24), instructions, &arena);
                assert_close(&found.to_nchw(), &y, &what);
                let of = usize::from(turned);
                let g = Blocked::from_nchw(&g, column(images, 24), &arena);
                let found = arrays::binary_gradient(&g, function, operands, of, instructions, &arena);
                assert_close(&found.to_nchw(), &dx, &what);
            }
            let numbers: Vec<f32> = (0..24).map(|at| numbers[at % 6]).collect();
            let (own, others) = (tensor(&x, &[images, 24]), tensor(&numbers, &[1, 24]));
            let (a, b) = if turned { (&others, &own) } else { (&own, &others) };
            let what = format!("{function:?} of candle's tensors");
            assert_close(&flat(&on_device::binary(a, b, function).unwrap()), &y, &what);
            let g = tensor(&g, &[images, 24]);
            let found = on_device::binary_gradient(a, b, &g, function, usize::from(turned)).unwrap();
            assert_close(&flat(&found), &dx, &what);
        }
    }

    #[test]
    fn reductions_and_softmax_are_the_naive_ones(images in 1..40usize, axis in axes(), seed in 0..1000u64) {
        let (len, results) = (axis.count(), axis.outer * axis.inner);
        let (x, g) = (fine(seed, images * len), fine(seed + 1, images * len));
        let arena = Arena::default();
        let (blocked, short) = (Blocked::from_nchw(&x, column(images, len), &arena), &g[..images * results]);
        let tensors = [tensor(&x, &[images, len]), tensor(&g, &[images, len])];
        for reduction in REDUCTIONS {
            let y = by_image(&x, images, |x| naive::reduce(x, axis, reduction));
            let dx = by_both(&x, short, images, |x, g| naive::reduce_backward(x, g, axis, reduction));
            let what = format!("{reduction:?} along {axis:?}");
            for instructions in InstructionSet::available() {
                assert_close(&arrays::reduce(&blocked, axis, reduction, instructions, &arena).to_nchw(), &y, &what);
            }
            let g = Blocked::from_nchw(short, column(images, results), &arena);
            let found = arrays::reduce_gradient(&g, Some(&blocked), column(images, len), axis, reduction, &arena);
            assert_close(&found.to_nchw(), &dx, &what);
            assert_close(&flat(&on_device::reduce(&tensors[0], axis, reduction).unwrap()), &y, &what);
            let g = tensor(short, &[images, results]);
            assert_close(&flat(&on_device::reduce_gradient(&g, Some(&tensors[0]), axis, reduction).unwrap()), &dx, &what);
        }
        for log in [false, true] {
            let y = by_image(&x, images, |x| naive::softmax(x, axis, log));
            let dx = by_both(&x, &g, images, |x, g| naive::softmax_backward(x, g, axis, log));
            let g = Blocked::from_nchw(&g, column(images, len), &arena);
            for instructions in InstructionSet::available() {
                let what = format!("softmax along {axis:?}, {instructions:?}");
                assert_close(&arrays::softmax(&blocked, axis, log, instructions, &arena).to_nchw(), &y, &what);
                let found = arrays::softmax_gradient(&g, &blocked, axis, log, instructions, &arena);
                assert_close(&found.to_nchw(), &dx, &what);
            }
            assert_close(&flat(&on_device::softmax(&tensors[0], axis, log).unwrap()), &y, "softmax of candle's tensors");
            let found = on_device::softmax_gradient(&tensors[1], &tensors[0], axis, log).unwrap();
            assert_close(&flat(&found), &dx, "softmax of candle's tensors");
        }
    }

    /// Few products of many rows, and many of few; the second factor is transposed where it lies.
    #[test]
    fn products_of_views_are_the_naive_ones(
        images in 1..34usize, batch in 1..10usize, m in 1..20usize, k in 1..6usize, n in 1..9usize, seed in 0..1000u64
    ) {
        let (of_a, of_b) = (View::rows(&[batch, m, k]), View::rows(&[batch, n, k]).transposed());
        let (a, b) = (fine(seed, images * of_a.count()), fine(seed + 1, images * of_b.count()));
        let y = by_both(&a, &b, images, |a, b| naive::products((a, &of_a), (b, &of_b)));
        for instructions in InstructionSet::available() {
            let arena = Arena::default();
            let [a, b] = [(&a, &of_a), (&b, &of_b)]
                .map(|(values, view)| Blocked::from_nchw(values, column(images, view.count()), &arena));
            let (a, b) = (Factor { values: &a, view: &of_a }, Factor { values: &b, view: &of_b });
            let found = arrays::matrix_products(a, b, column(images, batch * m * n), instructions, &arena);
            assert_close(&found.to_nchw(), &y, &format!("{instructions:?}"));
        }
        let [a, b] = [(&a, &of_a), (&b, &of_b)].map(|(values, view)| tensor(values, &[images, view.count()]));
        assert_close(&flat(&on_device::matrix_products((&a, &of_a), (&b, &of_b)).unwrap()), &y, "candle's tensors");
    }

    #[test]
    fn sparse_maps_and_their_adjoint(images in 1..40usize, parts in 1..5usize, seed in 0..1000u64) {
        let factors = fine(seed + 2, 6);
        let rows = [vec![(0, factors[0]), (2, factors[1])], vec![], vec![(1, factors[2]), (2, factors[3]), (3, factors[4])]];
        let map = Sparse::new(4, rows.into_iter());
        let (x, g) = (fine(seed, images * parts * 4), fine(seed + 1, images * parts * 3));
        let y = by_image(&x, images, |x| naive::transform(x, &map));
        let arena = Arena::default();
        let blocked = Blocked::from_nchw(&x, column(images, parts * 4), &arena);
        assert_close(&arrays::transform(&blocked, &map, column(images, parts * 3), &arena).to_nchw(), &y, "a map");
        let blocked = Blocked::from_nchw(&g, column(images, parts * 3), &arena);
        let dx = arrays::transform_gradient(&blocked, &map, column(images, parts * 4), &arena).to_nchw();
        prop_assert!((dot(&y, &wide(&g)) - dot(&wide(&x), &wide(&dx))).abs() < 1e-4, "the adjoint identity");
        let [x, g] = [(&x, 4), (&g, 3)].map(|(values, len)| tensor(values, &[images, parts * len]));
        assert_close(&flat(&on_device::transform(&x, &map).unwrap()), &y, "candle's tensors");
        assert_close(&flat(&on_device::transform_gradient(&g, &map).unwrap()), &wide(&dx), "candle's tensors");
    }
}

#[test]
fn the_bits_are_the_same_for_any_number_of_threads() {
    let run = || {
        let (arena, instructions) = (Arena::default(), InstructionSet::current());
        let view = View { shape: vec![60, 40, 5], strides: vec![1, 60, 0], offset: 0 };
        let x = Blocked::from_nchw(&fine(1, 20 * 2400), column(20, 2400), &arena);
        let g = Blocked::from_nchw(&fine(2, 20 * 12000), column(20, 12000), &arena);
        let gathered = arrays::copy_gradient(&g, &view, column(20, 2400), None, &arena);
        let axis = Axis { outer: 60, len: 40, inner: 1 };
        let rows = View::rows(&[1, 60, 40]);
        let turned = rows.transposed();
        let (a, b) = (Factor { values: &x, view: &rows }, Factor { values: &gathered, view: &turned });
        [
            arrays::reduce(&x, axis, Reduction::Sum, instructions, &arena),
            arrays::softmax_gradient(&gathered, &x, axis, false, instructions, &arena),
            arrays::matrix_products(a, b, column(20, 3600), instructions, &arena),
            gathered,
        ]
        .map(|y| y.to_nchw())
        .to_vec()
    };
    assert_eq!(bits(1, run), bits(2, run));
}
