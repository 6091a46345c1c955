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

/// Loads both tiles of an operand, or those of its second part.
macro_rules! load {
    (a) => {
        "tileloadd tmm4, [{a0} + {row}]\n tileloadd tmm5, [{a1} + {row}]\n"
    };
    (b) => {
        "tileloadd tmm6, [{b0} + {row}]\n tileloadd tmm7, [{b1} + {row}]\n"
    };
    (second a) => {
        load!("a" "4" "5")
    };
    (second b) => {
        load!("b" "6" "7")
    };
    ($of:literal $first:literal $second:literal) => {
        concat!(
            "mov {at}, [{job} + {", $of, "_part}]\n",
            "lea {place}, [{", $of, "0} + {at}]\n",
            "add {at}, {", $of, "1}\n",
            "tileloadd tmm", $first, ", [{place} + {row}]\n",
            "tileloadd tmm", $second, ", [{at} + {row}]\n",
        )
    };
}

/// Adds the four products of the loaded tiles.
macro_rules! add {
    () => {
        "tdpbf16ps tmm0, tmm4, tmm6
         tdpbf16ps tmm1, tmm4, tmm7
         tdpbf16ps tmm2, tmm5, tmm6
         tdpbf16ps tmm3, tmm5, tmm7\n"
    };
}

macro_rules! of_one_part {
    () => {
        concat!(load!(a), load!(b), add!())
    };
}

/// All products but that of both second parts, the small ones first.
macro_rules! of_two_parts {
    () => {
        concat!(load!(second a), load!(b), add!(), load!(a), add!(), load!(second b), add!())
    };
}

/// What is done before the first step, then `$step` for every step of every run, then the sums are stored.
macro_rules! product {
    ($job:ident, $runs:ident, $begin:expr, $step:expr) => {
        asm!(
            $begin,
            "mov {row}, {row_bytes}",
            "test {count}, {count}",
            "jz 4f",
            "2:",
            "mov {a0}, [{runs} + {run_a}]",
            "mov {a1}, {a0}",
            "mov {b0}, [{runs} + {run_b}]",
            "mov {b1}, [{runs} + {run_b} + 8]",
            "add {a0}, [{job} + {a}]",
            "add {a1}, [{job} + {a} + 8]",
            "add {b0}, [{job} + {b}]",
            "add {b1}, [{job} + {b} + 8]",
            "add {runs}, {run_bytes}",
            "mov {steps}, [{job} + {job_steps}]",
            "3:",
            $step,
            "add {a0}, [{job} + {a_step}]",
            "add {a1}, [{job} + {a_step}]",
            "add {b0}, [{job} + {b_step}]",
            "add {b1}, [{job} + {b_step}]",
            "dec {steps}",
            "jnz 3b",
            "dec {count}",
            "jnz 2b",
            "4:",
            store!(),
            // Not all steps take all of these, but every constant must be named.
            "/* {a_part} {b_part} */",
            job = in(reg) &raw const $job,
            runs = inout(reg) $runs.as_ptr() => _,
            count = inout(reg) $runs.len() => _,
            a0 = out(reg) _,
            a1 = out(reg) _,
            b0 = out(reg) _,
            b1 = out(reg) _,
            row = out(reg) _,
            steps = out(reg) _,
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
    let (a_step, b_step, a_part, b_part) = (a.step, b.step, a.part, b.part);
    let job = Job { a: a.start, b: b.start, a_step, b_step, a_part, b_part, steps, sums };
    // SAFETY: the caller vouches for all places; the job outlives the block; no register but those named is changed.
    unsafe {
        match (PARTS, is_first) {
            (1, true) => product!(job, runs, begin!(), of_one_part!()),
            (1, false) => product!(job, runs, go_on!(), of_one_part!()),
            (_, true) => product!(job, runs, begin!(), of_two_parts!()),
            (_, false) => product!(job, runs, go_on!(), of_two_parts!()),
        }
    }
}
