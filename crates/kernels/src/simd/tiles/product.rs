//! The instructions are written out, because Rust has no stable names for them. Everything that touches a tile is one block of
//! assembly, so that nothing is expected of what the compiler leaves in registers between two.
//!
//! Tiles 0 to 3 hold the sums, 4 and 5 the left operand, 6 and 7 the right one.
#![allow(unsafe_code)]

use std::{arch::asm, mem::offset_of};

use super::{Operand, ROW, Run, Sums};

/// What [`multiply`] reads from memory while it has no registers to spare.
#[repr(C)]
struct Job {
    a: [*const u8; 2],
    b: [*const u8; 2],
    a_step: usize,
    b_step: usize,
    a_part: usize,
    b_part: usize,
    runs: *const Run,
    count: usize,
    steps: usize,
    sums: Sums,
}

/// Sums begin at zero.
macro_rules! begin {
    () => {
        "tilezero tmm0\n tilezero tmm1\n tilezero tmm2\n tilezero tmm3"
    };
}

/// Sums go on from what is there.
macro_rules! go_on {
    () => {
        sums!("tileloadd tmm" ", [{at} + {place}]")
    };
}

/// Sums go where they belong.
macro_rules! store {
    () => {
        sums!("tilestored [{at} + {place}], tmm" "")
    };
}

/// Applies an instruction to the four tiles of sums and their places.
macro_rules! sums {
    ($before:literal $after:literal) => {
        concat!(
            "mov {place}, [{job} + {sums_row}]\n",
            "mov {at}, [{job} + {sums}]\n",
            $before,
            "0",
            $after,
            "\n",
            "mov {at}, [{job} + {sums} + 8]\n",
            $before,
            "1",
            $after,
            "\n",
            "mov {at}, [{job} + {sums} + 16]\n",
            $before,
            "2",
            $after,
            "\n",
            "mov {at}, [{job} + {sums} + 24]\n",
            $before,
            "3",
            $after,
            "\n",
        )
    };
}

/// Loads a tile of an operand, or of its second part. Tiles are loaded between products, which take longer.
macro_rules! load {
    ($tile:literal $at:literal) => {
        concat!("tileloadd tmm", $tile, ", [{", $at, "} + {row}]\n")
    };
    (second $tile:literal $at:literal of $operand:literal) => {
        concat!(
            "mov {place}, [{job} + {",
            $operand,
            "_part}]\n",
            "add {place}, {",
            $at,
            "}\n",
            "tileloadd tmm",
            $tile,
            ", [{place} + {row}]\n",
        )
    };
}

/// Adds the product of two loaded tiles.
macro_rules! add {
    ($sums:literal, $a:literal, $b:literal) => {
        concat!("tdpbf16ps tmm", $sums, ", tmm", $a, ", tmm", $b, "\n")
    };
}

/// Adds the products of two operands' parts, all of which are loaded first.
macro_rules! both {
    ($a0:expr, $a1:expr, $b0:expr, $b1:expr) => {
        concat!(
            $a0,
            $b0,
            add!("0", "4", "6"),
            $b1,
            add!("1", "4", "7"),
            $a1,
            add!("2", "5", "6"),
            add!("3", "5", "7"),
        )
    };
}

/// The same with what is loaded on the right.
macro_rules! left {
    ($a0:expr, $a1:expr) => {
        concat!($a0, add!("0", "4", "6"), add!("1", "4", "7"), $a1, add!("2", "5", "6"), add!("3", "5", "7"),)
    };
}

/// The same with what is loaded on the left.
macro_rules! right {
    ($b0:expr, $b1:expr) => {
        concat!($b0, add!("0", "4", "6"), add!("2", "5", "6"), $b1, add!("1", "4", "7"), add!("3", "5", "7"),)
    };
}

macro_rules! of_one_part {
    () => {
        both!(load!("4" "a0"), load!("5" "a1"), load!("6" "b0"), load!("7" "b1"))
    };
}

/// All products but that of both second parts, the small ones first.
macro_rules! of_two_parts {
    () => {
        concat!(
            both!(load!(second "4" "a0" of "a"), load!(second "5" "a1" of "a"), load!("6" "b0"), load!("7" "b1")),
            left!(load!("4" "a0"), load!("5" "a1")),
            right!(load!(second "6" "b0" of "b"), load!(second "7" "b1" of "b")),
        )
    };
}

/// `$step` for every step of every run.
macro_rules! steps {
    ($step:expr) => {
        concat!(
            "mov {runs}, [{job} + {job_runs}]\n",
            "mov {count}, [{job} + {job_count}]\n",
            "test {count}, {count}\n",
            "jz 4f\n",
            "2:\n",
            "mov {a0}, [{runs} + {run_a}]\n",
            "mov {a1}, {a0}\n",
            "mov {b0}, [{runs} + {run_b}]\n",
            "mov {b1}, [{runs} + {run_b} + 8]\n",
            "add {a0}, [{job} + {a}]\n",
            "add {a1}, [{job} + {a} + 8]\n",
            "add {b0}, [{job} + {b}]\n",
            "add {b1}, [{job} + {b} + 8]\n",
            "add {runs}, {run_bytes}\n",
            "mov {at}, [{job} + {job_steps}]\n",
            "3:\n",
            $step,
            "add {a0}, [{job} + {a_step}]\n",
            "add {a1}, [{job} + {a_step}]\n",
            "add {b0}, [{job} + {b_step}]\n",
            "add {b1}, [{job} + {b_step}]\n",
            "dec {at}\n",
            "jnz 3b\n",
            "dec {count}\n",
            "jnz 2b\n",
            "4:\n",
        )
    };
}

/// What is done before the first step, then all steps, then the sums are stored.
macro_rules! product {
    ($job:ident, $begin:expr, $steps:expr) => {
        asm!(
            $begin,
            "mov {row}, {row_bytes}",
            $steps,
            store!(),
            // Not all products take all of these, but every constant must be named.
            "/* {a_part} {b_part} */",
            job = in(reg) &raw const $job,
            runs = out(reg) _,
            count = out(reg) _,
            a0 = out(reg) _,
            a1 = out(reg) _,
            b0 = out(reg) _,
            b1 = out(reg) _,
            row = out(reg) _,
            at = out(reg) _,
            place = out(reg) _,
            row_bytes = const ROW,
            run_a = const offset_of!(Run, a),
            run_b = const offset_of!(Run, b),
            run_bytes = const size_of::<Run>(),
            a = const offset_of!(Job, a),
            b = const offset_of!(Job, b),
            a_step = const offset_of!(Job, a_step),
            b_step = const offset_of!(Job, b_step),
            a_part = const offset_of!(Job, a_part),
            b_part = const offset_of!(Job, b_part),
            job_runs = const offset_of!(Job, runs),
            job_count = const offset_of!(Job, count),
            job_steps = const offset_of!(Job, steps),
            sums = const offset_of!(Job, sums),
            sums_row = const offset_of!(Job, sums) + offset_of!(Sums, row),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        )
    };
}

/// sums[i][j] = Σ over all runs and `steps` of a[i] · b[j]; added to what is there unless it `is_first`.
///
/// A tile of `a` has sixteen rows of sixteen pairs, one of `b` sixteen rows of pairs for sixteen columns. Operands are single
/// tiles, or with `PARTS` = 2 sums of two, the second being what rounding took from the first: then all but the products of both
/// second parts are summed.
///
/// # Safety
/// Called from a kernel that [`run`](super::run) runs. All tiles of the operands can be read, all those of the sums written, and
/// nobody else does. There is a step at least in a run.
#[inline(always)]
pub(crate) unsafe fn multiply<const PARTS: usize>(
    a: Operand,
    b: Operand,
    runs: &[Run],
    steps: usize,
    sums: Sums,
    is_first: bool,
) {
    let (runs, count) = (runs.as_ptr(), runs.len());
    let (a_step, b_step, a_part, b_part) = (a.step, b.step, a.part, b.part);
    let job = Job { a: a.start, b: b.start, a_step, b_step, a_part, b_part, runs, count, steps, sums };
    // SAFETY: the caller vouches for all places; the job and the runs outlive the block; no register but those named is changed.
    unsafe {
        match (PARTS, is_first) {
            (1, true) => product!(job, begin!(), steps!(of_one_part!())),
            (1, false) => product!(job, go_on!(), steps!(of_one_part!())),
            (_, true) => product!(job, begin!(), steps!(of_two_parts!())),
            (_, false) => product!(job, go_on!(), steps!(of_two_parts!())),
        }
    }
}
