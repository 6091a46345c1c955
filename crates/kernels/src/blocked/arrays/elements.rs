//! Functions of elements and of pairs of elements.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "a lane is one of several vectors at once")]

use super::super::{
    curves::{exp, normal_distribution},
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims},
};
use super::parts::AT_ONCE;
use crate::{
    arrays::{Binary, Run, Runs, Unary, View},
    parallel::for_each_part,
};

/// The function of each element.
pub fn unary(x: &Blocked, function: Unary, instructions: InstructionSet, arena: &Arena) -> Blocked {
    let mut y = arena.blocked(x.dims);
    for_each_part(&mut y.data, AT_ONCE, |chunk, y| {
        let x = &x.data[chunk * AT_ONCE..][..y.len()];
        y.copy_from_slice(x);
        run(instructions.for_arrays(), Apply { y, function });
    });
    y
}

/// The gradient of the argument of [`unary`] from that of its result, in place.
///
/// # Panics
/// If the gradient and the argument are not of one size.
pub fn unary_gradient(g: &mut Blocked, x: &Blocked, function: Unary, instructions: InstructionSet) {
    assert_eq!(g.dims, x.dims, "sizes of a gradient and of an argument");
    for_each_part(&mut g.data, AT_ONCE, |chunk, g| {
        let x = &x.data[chunk * AT_ONCE..][..g.len()];
        run(instructions.for_arrays(), Slope { x, g, function });
    });
}

struct Apply<'a> {
    y: &'a mut [Lane],
    function: Unary,
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for y in self.y {
            for lane in 0..LANES {
                y.0[lane] = value(self.function, y.0[lane]);
            }
        }
    }
}

struct Slope<'a> {
    x: &'a [Lane],
    g: &'a mut [Lane],
    function: Unary,
}

impl Kernel for Slope<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for (x, g) in self.x.iter().zip(self.g) {
            for lane in 0..LANES {
                g.0[lane] *= slope(self.function, x.0[lane]);
            }
        }
    }
}

#[inline(always)]
fn value(function: Unary, x: f32) -> f32 {
    match function {
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Abs => x.abs(),
        Unary::Erf => 2.0 * normal_distribution(x * std::f32::consts::SQRT_2) - 1.0,
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Clip { low, high } => {
            let x = if x < low { low } else { x };
            if x > high { high } else { x }
        }
        Unary::Elu { alpha } => {
            if x > 0.0 {
                x
            } else {
                alpha * x.exp_m1()
            }
        }
        Unary::ThresholdedRelu { alpha } => {
            if x > alpha {
                x
            } else {
                0.0
            }
        }
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Sign => {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0 * x
            }
        }
    }
}

#[inline(always)]
fn slope(function: Unary, x: f32) -> f32 {
    match function {
        Unary::Exp => x.exp(),
        Unary::Log => 1.0 / x,
        Unary::Sqrt => 0.5 / x.sqrt(),
        Unary::Reciprocal => -1.0 / (x * x),
        Unary::Abs => value(Unary::Sign, x),
        Unary::Erf => std::f32::consts::FRAC_2_SQRT_PI * exp(-x * x),
        Unary::Softplus => 1.0 / (1.0 + exp(-x)),
        Unary::Sin => x.cos(),
        Unary::Cos => -x.sin(),
        Unary::Clip { low, high } => {
            if x <= low || x >= high {
                0.0
            } else {
                1.0
            }
        }
        Unary::Elu { alpha } => {
            if x > 0.0 {
                1.0
            } else {
                alpha * x.exp()
            }
        }
        Unary::ThresholdedRelu { alpha } => {
            if x > alpha {
                1.0
            } else {
                0.0
            }
        }
        Unary::Floor | Unary::Ceil | Unary::Round | Unary::Sign => 0.0,
    }
}

/// One of the two arguments of a function of pairs: each image's own elements, or numbers that are the same for all.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// Those of a value.
    Images(&'a Blocked, &'a View),
    /// Numbers.
    Numbers(&'a [f32], &'a View),
}

impl<'a> Operand<'a> {
    fn view(self) -> &'a View {
        match self {
            Self::Images(_, view) | Self::Numbers(_, view) => view,
        }
    }

    fn check(self, shape: &[usize]) {
        let len = match self {
            Self::Images(x, _) => x.dims.block_len(),
            Self::Numbers(x, _) => x.len(),
        };
        assert!(self.view().shape == shape && self.view().fits(len), "{:?} of {len}", self.view());
    }

    fn of_block(self, block: usize) -> Lanes<'a> {
        match self {
            Self::Images(x, _) => Lanes::Images(x.block(block)),
            Self::Numbers(x, _) => Lanes::Numbers(x),
        }
    }
}

/// Vectors, or numbers that stand for vectors.
#[derive(Clone, Copy)]
enum Lanes<'a> {
    Images(&'a [Lane]),
    Numbers(&'a [f32]),
}

impl Lanes<'_> {
    #[inline(always)]
    fn at(self, place: isize) -> Lane {
        match self {
            Self::Images(x) => x[place as usize],
            Self::Numbers(x) => Lane([x[place as usize]; LANES]),
        }
    }
}

/// The function of each pair, as planes of a size; both views have one shape.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn binary(
    function: Binary,
    operands: [Operand<'_>; 2],
    dims: Dims,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let views = operands.map(Operand::view);
    operands.iter().for_each(|operand| operand.check(&views[0].shape));
    assert_eq!(views[0].count(), dims.block_len(), "{:?} as {dims:?}", views[0]);
    let mut y = arena.blocked(dims);
    for (block, y) in y.data.chunks_mut(dims.block_len()).enumerate() {
        let [a, b] = operands.map(|operand| operand.of_block(block));
        for_each_part(y, AT_ONCE, |index, y| {
            let runs = Runs::new(&views[0].shape, views, index * AT_ONCE, y.len());
            run(instructions.for_arrays(), Pairs { function, a, b, runs, y });
        });
    }
    y
}

struct Pairs<'a> {
    function: Binary,
    a: Lanes<'a>,
    b: Lanes<'a>,
    runs: Runs<2>,
    y: &'a mut [Lane],
}

impl Kernel for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { function, a, b, runs, y } = self;
        let mut done = 0;
        for Run { len, from, steps } in runs {
            for at in 0..len {
                let step = at as isize;
                let [a, b] = [a.at(from[0] + step * steps[0]), b.at(from[1] + step * steps[1])];
                let y = &mut y[done + at].0;
                match function {
                    Binary::Add => each(y, a, b, |a, b| a + b),
                    Binary::Subtract => each(y, a, b, |a, b| a - b),
                    Binary::Multiply => each(y, a, b, |a, b| a * b),
                    Binary::Divide => each(y, a, b, |a, b| a / b),
                    Binary::Power => each(y, a, b, power),
                    Binary::Minimum => each(y, a, b, |a, b| if b < a || b.is_nan() { b } else { a }),
                    Binary::Maximum => each(y, a, b, |a, b| if b > a || b.is_nan() { b } else { a }),
                    Binary::Slope => each(y, a, b, |a, b| if a > 0.0 { a } else { a * b }),
                    Binary::Gate => each(y, a, b, |a, b| if b == 0.0 { 0.0 } else { a }),
                    Binary::Equal => each(y, a, b, |a, b| f32::from(u8::from(a == b))),
                    Binary::Greater => each(y, a, b, |a, b| f32::from(u8::from(a > b))),
                    Binary::GreaterOrEqual => each(y, a, b, |a, b| f32::from(u8::from(a >= b))),
                }
            }
            done += len;
        }
    }
}

#[inline(always)]
fn each(y: &mut [f32; LANES], a: Lane, b: Lane, function: impl Fn(f32, f32) -> f32) {
    for lane in 0..LANES {
        y[lane] = function(a.0[lane], b.0[lane]);
    }
}

/// Small whole powers by multiplication.
#[inline(always)]
fn power(a: f32, b: f32) -> f32 {
    if b == 2.0 {
        a * a
    } else if b == 3.0 {
        a * a * a
    } else if b == 0.5 {
        a.sqrt()
    } else {
        a.powf(b)
    }
}

/// From the gradient of the result of [`binary`] that of argument `of` (0 or 1), an element for each of the result.
///
/// # Panics
/// If the sizes do not fit each other.
pub fn binary_gradient(
    g: &Blocked,
    function: Binary,
    operands: [Operand<'_>; 2],
    of: usize,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let views = operands.map(Operand::view);
    operands.iter().for_each(|operand| operand.check(&views[0].shape));
    assert_eq!(views[0].count(), g.dims.block_len(), "{:?} as {:?}", views[0], g.dims);
    let mut dx = arena.blocked(g.dims);
    for (block, dx) in dx.data.chunks_mut(g.dims.block_len()).enumerate() {
        let ([a, b], g) = (operands.map(|operand| operand.of_block(block)), g.block(block));
        for_each_part(dx, AT_ONCE, |index, dx| {
            let runs = Runs::new(&views[0].shape, views, index * AT_ONCE, dx.len());
            dx.copy_from_slice(&g[index * AT_ONCE..][..dx.len()]);
            let g = dx;
            run(instructions.for_arrays(), PairSlopes { function, is_first: of == 0, a, b, runs, g });
        });
    }
    dx
}

struct PairSlopes<'a> {
    function: Binary,
    is_first: bool,
    a: Lanes<'a>,
    b: Lanes<'a>,
    runs: Runs<2>,
    g: &'a mut [Lane],
}

impl Kernel for PairSlopes<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { function, is_first, a, b, runs, g } = self;
        let mut done = 0;
        for Run { len, from, steps } in runs {
            for at in 0..len {
                let step = at as isize;
                let [a, b] = [a.at(from[0] + step * steps[0]), b.at(from[1] + step * steps[1])];
                let g = &mut g[done + at].0;
                match (function, is_first) {
                    (Binary::Add, _) | (Binary::Subtract, true) => {}
                    (Binary::Subtract, false) => change(g, a, b, |g, _, _| -g),
                    (Binary::Multiply, true) => change(g, a, b, |g, _, b| g * b),
                    (Binary::Multiply, false) => change(g, a, b, |g, a, _| g * a),
                    (Binary::Divide, true) => change(g, a, b, |g, _, b| g / b),
                    (Binary::Divide, false) => change(g, a, b, |g, a, b| -g * a / (b * b)),
                    (Binary::Power, true) => {
                        change(g, a, b, |g, a, b| if b == 0.0 { 0.0 } else { g * b * power(a, b - 1.0) });
                    }
                    (Binary::Power, false) => {
                        change(g, a, b, |g, a, b| if a == 0.0 { 0.0 } else { g * power(a, b) * a.ln() });
                    }
                    (Binary::Minimum, true) => change(g, a, b, |g, a, b| g * share(a < b, a == b)),
                    (Binary::Minimum, false) => change(g, a, b, |g, a, b| g * share(b < a, a == b)),
                    (Binary::Maximum, true) => change(g, a, b, |g, a, b| g * share(a > b, a == b)),
                    (Binary::Maximum, false) => change(g, a, b, |g, a, b| g * share(b > a, a == b)),
                    (Binary::Slope, true) => change(g, a, b, |g, a, b| if a > 0.0 { g } else { g * b }),
                    (Binary::Slope, false) => change(g, a, b, |g, a, _| if a > 0.0 { 0.0 } else { g * a }),
                    (Binary::Gate, true) => change(g, a, b, |g, _, b| if b == 0.0 { 0.0 } else { g }),
                    (Binary::Gate | Binary::Equal | Binary::Greater | Binary::GreaterOrEqual, _) => {
                        *g = [0.0; LANES];
                    }
                }
            }
            done += len;
        }
    }
}

#[inline(always)]
fn share(wins: bool, is_equal: bool) -> f32 {
    if wins {
        1.0
    } else if is_equal {
        0.5
    } else {
        0.0
    }
}

#[inline(always)]
fn change(g: &mut [f32; LANES], a: Lane, b: Lane, function: impl Fn(f32, f32, f32) -> f32) {
    for lane in 0..LANES {
        g[lane] = function(g[lane], a.0[lane], b.0[lane]);
    }
}
