//! What instruction sets have in common, bit for bit.
#![allow(unsafe_code)]

use half::bf16;

use super::{
    InstructionSet, Kernel, LANES, Lane, Simd,
    arrays::Arrays,
    lane::{bf16_bits, pair_bits},
    run_on_pairs,
};

/// Numbers of all kinds, among them the ends of each range and points half-way between neighbours.
fn values() -> Vec<f32> {
    let bits = (0..1u32 << 16).map(|i| i.wrapping_mul(0x9e37_79b9));
    let halfway =
        (0..512).flat_map(|i| [0x3f80_8000 | i << 16, 0x3f80_7fff | i << 16, 0x3f80_8001 | i << 16]);
    let mut values: Vec<f32> = bits.chain(halfway).map(f32::from_bits).collect();
    values.extend([
        0.0,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::MAX,
        f32::from_bits(0x7fff_ffff),
    ]);
    values
}

#[test]
fn rounding_is_that_of_the_half_crate() {
    for value in values() {
        let (found, expected) = (bf16_bits(value) >> 16, u32::from(bf16::from_f32(value).to_bits()));
        assert!(found == expected || value.is_nan() && bf16::from_bits(found as u16).is_nan(), "{value:e}");
    }
}

struct Pairs<'a>(&'a [(Lane, Lane, Lane, Lane)]);

impl Kernel for Pairs<'_> {
    type Output = Vec<(Lane, Lane)>;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> Self::Output {
        let mut out = Vec::with_capacity(self.0.len());
        for (a, b, c, d) in self.0 {
            let (mut pairs, mut sums) = (Lane::ZERO, Lane::ZERO);
            // SAFETY: the caller vouches for the features.
            unsafe {
                let (left, right) = (S::pair(S::load(a), S::load(b)), S::pair(S::load(c), S::load(d)));
                S::store(&mut pairs, left);
                S::store(&mut sums, S::fma_pairs(left, right, S::load(a)));
            }
            out.push((pairs, sums));
        }
        out
    }
}

#[test]
fn every_instruction_set_pairs_and_multiplies_alike() {
    // Subnormal numbers are zero to the instructions for bf16, and products must not overflow.
    let usable = |value: &f32| value.abs() > 1e-12 && value.abs() < 1e12;
    let values: Vec<f32> = values().into_iter().filter(usable).collect();
    let lane = |i: usize| Lane(std::array::from_fn(|lane| values[(i * LANES + lane) % values.len()]));
    let lanes: Vec<_> = (0..800).map(|i| (lane(i), lane(i + 801), lane(i + 1607), lane(i + 2411))).collect();
    for instructions in InstructionSet::available()
        .into_iter()
        .flat_map(|instructions| [instructions, instructions.without_bf16()])
    {
        let found = run_on_pairs(instructions, Pairs(&lanes));
        for ((a, b, c, d), (pairs, sums)) in lanes.iter().zip(found) {
            for i in 0..LANES {
                assert_eq!(pairs.0[i].to_bits(), pair_bits(a.0[i], b.0[i]), "{instructions:?}");
                let rounded = |value: f32| bf16::from_f32(value).to_f64();
                let products = [rounded(a.0[i]) * rounded(c.0[i]), rounded(b.0[i]) * rounded(d.0[i])];
                let expected = f64::from(a.0[i]) + products[0] + products[1];
                let size = f64::from(a.0[i]).abs() + products[0].abs() + products[1].abs();
                assert!(
                    (f64::from(sums.0[i]) - expected).abs() <= 2e-7 * size,
                    "{instructions:?}: {expected:e}"
                );
            }
        }
    }
}

/// Both values of pairs, a row of a tile, and both values of that.
struct Parts<'a>(&'a [(Lane, Lane)]);

impl Kernel for Parts<'_> {
    type Output = Vec<[Lane; 5]>;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> Self::Output {
        let mut out = Vec::with_capacity(self.0.len());
        for (a, b) in self.0 {
            let mut found = [Lane::ZERO; 5];
            // SAFETY: the caller vouches for the features.
            unsafe {
                let [first, second] = S::unpair(S::pair(S::load(a), S::load(b)));
                let row = S::row(S::load(a), S::load(b));
                let [left, right] = S::unrow(row);
                for (to, value) in found.iter_mut().zip([first, second, row, left, right]) {
                    S::store(to, value);
                }
            }
            out.push(found);
        }
        out
    }
}

#[test]
fn every_instruction_set_takes_pairs_and_rows_apart_alike() {
    // Subnormal numbers are zero to the instructions for bf16, and one that is no number has many bits.
    let values: Vec<f32> = values().into_iter().filter(|value| value.is_normal()).collect();
    let lane = |i: usize| Lane(std::array::from_fn(|lane| values[(i * LANES + lane) % values.len()]));
    let lanes: Vec<_> = (0..800).map(|i| (lane(i), lane(i + 801))).collect();
    for instructions in InstructionSet::available()
        .into_iter()
        .flat_map(|instructions| [instructions, instructions.without_bf16()])
    {
        for ((a, b), [first, second, row, left, right]) in
            lanes.iter().zip(run_on_pairs(instructions, Parts(&lanes)))
        {
            let round = |lane: &Lane| lane.0.map(|value| bf16::from_f32(value).to_f32());
            assert_eq!([first.0, second.0], [round(a), round(b)], "{instructions:?}");
            assert_eq!([left.0, right.0], [round(a), round(b)], "{instructions:?}");
            let lane = |i: usize| if i < LANES { a.0[i] } else { b.0[i - LANES] };
            let pairs = std::array::from_fn(|i| pair_bits(lane(2 * i), lane(2 * i + 1)));
            assert_eq!(row.0.map(f32::to_bits), pairs, "{instructions:?}");
        }
    }
}

/// All that has no sums of products in it.
struct Whole<'a>(&'a [Lane]);

impl Kernel for Whole<'_> {
    type Output = Vec<u32>;

    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> Self::Output {
        let mut bits = Vec::new();
        for lanes in self.0.chunks_exact(LANES) {
            // SAFETY: the caller vouches for the features.
            unsafe {
                let mut rows = [S::splat(0.0); LANES];
                for (row, lane) in rows.iter_mut().zip(lanes) {
                    *row = S::load(lane);
                }
                let (a, b, c) = (rows[0], rows[1], rows[2]);
                let positive = S::positive(a);
                bits.push(u32::from(positive));
                let values =
                    [S::add(a, b), S::sub(b, c), S::mul(a, c), S::select(b, positive), S::fma(a, b, c)];
                for value in values.into_iter().chain(S::transpose(rows)).chain([S::row_sums(rows)]) {
                    let mut lane = Lane::ZERO;
                    S::store(&mut lane, value);
                    bits.extend(lane.0.map(f32::to_bits));
                }
            }
        }
        bits
    }
}

#[test]
fn every_instruction_set_has_the_arithmetic_of_arrays() {
    // Whole numbers, so that a fused product has the bits of one that is rounded first.
    let whole = |i: usize| ((i * 7919 + 13) % 4093) as f32 - 2046.0;
    let lanes: Vec<_> = (0..320).map(|i| Lane(std::array::from_fn(|lane| whole(i * LANES + lane)))).collect();
    // SAFETY: arrays need no feature.
    let expected = unsafe { Arrays::call(Whole(&lanes)) };
    for instructions in InstructionSet::available() {
        assert!(run_on_pairs(instructions, Whole(&lanes)) == expected, "{instructions:?}");
    }
}
