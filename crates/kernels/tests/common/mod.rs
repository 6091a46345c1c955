//! What the tests share: reproducible numbers, and comparisons with the naive versions.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod passes;

use candle_core::{Device, Result, Tensor, Var, backprop::GradStore};
use proptest::test_runner::{Config, RngSeed};

/// Forty generated cases, the same ones in every run.
pub(crate) fn forty_cases() -> Config {
    Config { cases: 40, rng_seed: RngSeed::Fixed(2022), failure_persistence: None, ..Config::default() }
}

/// Reproducible numbers in −1..1, multiples of 1/128 so that small sums and products of them are exact.
pub(crate) fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) % 257) as f32 / 128.0 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Reproducible numbers in −1..1 with all 24 bits, so that sums of products are rounded.
pub(crate) fn fine(seed: u64, len: usize) -> Vec<f32> {
    let (coarse, rest) = (numbers(seed, len), numbers(seed ^ 0xF1E2, len));
    let last = numbers(seed ^ 0xA5A5, len);
    let sum = |((a, b), c): ((&f32, &f32), &f32)| (a * 127.0 + b + c / 129.0) / 129.0;
    coarse.iter().zip(&rest).zip(&last).map(sum).collect()
}

pub(crate) fn tensor(values: &[f32], dims: &[usize]) -> Tensor {
    Tensor::from_slice(values, dims, &Device::Cpu).unwrap()
}

/// A tensor that autograd follows.
pub(crate) fn var(values: &[f32], dims: &[usize]) -> Var {
    Var::from_tensor(&tensor(values, dims)).unwrap()
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

pub(crate) fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The gradients of Σ y · g, so that `g` is the gradient of y.
pub(crate) fn backward(y: &Tensor, g: &[f32]) -> Result<GradStore> {
    (y * tensor(g, y.dims()))?.sum_all()?.backward()
}

pub(crate) fn gradient(gradients: &GradStore, of: &Tensor) -> Vec<f32> {
    flat(gradients.get(of).expect("a gradient of what autograd follows"))
}

/// The largest difference over the largest expected value (or 1, where that is larger than all).
pub(crate) fn error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "lengths");
    let largest = expected.iter().fold(1.0, |largest: f64, e| largest.max(e.abs()));
    let differences = found.iter().zip(expected).map(|(f, e)| (f64::from(*f) - e).abs());
    differences.fold(0.0, |worst: f64, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) }) / largest
}

/// The largest difference over the root mean square of what is expected (or of one product of numbers that are
/// uniform in −1..1, where that is larger). Zeros, as of taps that reach no pixel, say nothing of the size of the rest.
pub(crate) fn error_over_rms(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "lengths");
    let sums = expected.iter().filter(|&&value| value != 0.0).count().max(1);
    let rms = (dot(expected, expected) / sums as f64).sqrt().max(1.0 / 3.0);
    let differences = found.iter().zip(expected).map(|(f, e)| (f64::from(*f) - e).abs());
    differences.fold(0.0, |worst: f64, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) }) / rms
}

/// Σ a · b.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "lengths");
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Asserts that `found` is `expected` up to a few roundings of f32.
#[track_caller]
pub(crate) fn assert_close(found: &[f32], expected: &[f64], what: &str) {
    let error = error(found, expected);
    assert!(error < 4e-6, "{what}: error {error:e}");
}

/// Asserts that `gradient` is what central differences of Σ f(x) · g give.
#[track_caller]
pub(crate) fn assert_differences(x: &[f64], g: &[f64], gradient: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) {
    let loss = |x: &[f64]| f(x).iter().zip(g).map(|(y, g)| y * g).sum::<f64>();
    let step = 1e-5;
    for i in 0..x.len() {
        let at = |offset: f64| {
            let mut x = x.to_vec();
            x[i] += offset;
            loss(&x)
        };
        let difference = (at(step) - at(-step)) / (2.0 * step);
        assert!((difference - gradient[i]).abs() < 1e-7, "place {i}: {difference} against {}", gradient[i]);
    }
}

/// The bits of everything that `run` returns, in a pool of `threads` threads.
pub(crate) fn bits(threads: usize, run: impl Fn() -> Vec<Vec<f32>> + Send + Sync) -> Vec<Vec<u32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let numbers = pool.install(run);
    numbers.into_iter().map(|values| values.into_iter().map(f32::to_bits).collect()).collect()
}
