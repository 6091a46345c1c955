//! Half spectra of many planes at once.

use std::{any::Any, ops::Range};

use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use realfft::FftNum;
use rustfft::num_complex::{Complex, Complex32};

use crate::{
    ahead::ask_for_all,
    dispatch::widest,
    interleave::{PAIRS, interleave},
    plane::{Block, PlanePlan, PlaneScratch, blocks, rows_of},
    pool::Pool,
    vector::{Cell, CellsRef, LANES},
};

/// A faster way for planes of some sizes and numbers of some type.
pub(crate) trait Planes<T>: Send + Sync {
    /// The half spectra (H, W/2 + 1) of some planes (H, W), on this thread.
    fn transform(&self, planes: &[T], spectra: &mut [Complex<T>]);
}

/// Vectorised transforms where there are any: of f32, and of sizes that [`PlanePlan`] takes.
pub(crate) fn vectorised<T: FftNum>(height: usize, width: usize) -> Option<Box<dyn Planes<T>>> {
    let plan: Box<dyn Planes<f32>> =
        Box::new(Vectorised { plan: PlanePlan::new(height, width)?, spare: Pool::default() });
    // Through `Any`, which gives the box back if T is f32.
    let plan: Box<dyn Any> = Box::new(plan);
    plan.downcast::<Box<dyn Planes<T>>>().ok().map(|plan| *plan)
}

/// A plan, and memory to work in.
struct Vectorised {
    plan: PlanePlan,
    spare: Pool<PlaneScratch>,
}

impl Planes<f32> for Vectorised {
    fn transform(&self, planes: &[f32], spectra: &mut [Complex32]) {
        self.spare.lend(
            || self.plan.scratch(),
            |scratch| widest().dispatch(Transform { plan: &self.plan, planes, spectra, scratch }),
        );
    }
}

struct Transform<'a> {
    plan: &'a PlanePlan,
    planes: &'a [f32],
    spectra: &'a mut [Complex32],
    scratch: &'a mut PlaneScratch,
}

impl WithSimd for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.plan.sides() {
            [32, 32] => self.run(simd, [32, 32]),
            sides => self.run(simd, sides),
        }
    }
}

impl Transform<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, sides: [usize; 2]) {
        let [height, width] = sides;
        let Self { plan, planes, spectra, scratch } = self;
        let (pixels, spectra) = (height * width, spectra.chunks_exact_mut(height * (width / 2 + 1)));
        for (index, spectrum) in spectra.enumerate() {
            let (plane, ahead) = planes[index * pixels..].split_at(pixels);
            plan.columns(simd, sides, (plane, 1.0), Some(ahead), scratch);
            for index in 0..blocks(sides) {
                let rows = own_and_mirrored_rows([height, width], index);
                rows.into_iter().for_each(|rows| ask_for_all(&spectrum[rows]));
                put(simd, plan.block(simd, sides, index, scratch), spectrum);
            }
        }
    }
}

/// Writes rows u = 16·index + lane of the half spectrum (H, W/2 + 1) and, since F(H − u, v) = F*(u, W − v), rows H − u.
#[inline(always)]
fn put<S: Simd>(simd: S, block: Block<'_>, spectrum: &mut [Complex32]) {
    let Block { height, width, rows, .. } = block;
    let half = width / 2 + 1;
    let spectrum = &mut spectrum[..height * half];
    let lanes = LANES.min(rows_of(height) - block.index * LANES);
    let whole = half / PAIRS * PAIRS;
    for left in (0..whole).step_by(PAIRS) {
        let own = turned(simd, rows, |at| left + at);
        let mirrored = turned(simd, rows, |at| (width - left - at) % width);
        for lane in 0..LANES {
            if lane >= lanes {
                break;
            }
            let [u, at] = own_and_mirrored(block, lane);
            let (own, mirrored) = (own[lane], conjugate(mirrored[lane]));
            let [own, mirrored] = if u == 0 { separate(own, mirrored) } else { [own, mirrored] };
            write(own, &mut spectrum[u * half + left..]);
            if at < height {
                write(mirrored, &mut spectrum[at * half + left..]);
            }
        }
    }
    for v in whole..half {
        put_column(block, lanes, v, spectrum);
    }
}

/// One column of these rows.
#[inline(always)]
fn put_column(block: Block<'_>, lanes: usize, v: usize, spectrum: &mut [Complex32]) {
    let (half, rows) = (block.width / 2 + 1, block.rows);
    let mirrored = (block.width - v) % block.width;
    for lane in 0..lanes {
        let [u, at] = own_and_mirrored(block, lane);
        let own = Complex32::new(rows.re[v].0[lane], rows.im[v].0[lane]);
        let mirrored = Complex32::new(rows.re[mirrored].0[lane], -rows.im[mirrored].0[lane]);
        let [own, mirrored] = if u == 0 {
            let (sum, difference) = (own + mirrored, own - mirrored);
            [sum * 0.5, Complex32::new(0.5 * difference.im, -0.5 * difference.re)]
        } else {
            [own, mirrored]
        };
        spectrum[u * half + v] = own;
        if at < block.height {
            spectrum[at * half + v] = mirrored;
        }
    }
}

/// The two rows of a spectrum that a lane makes: the second is H where there is none.
#[inline(always)]
fn own_and_mirrored(block: Block<'_>, lane: usize) -> [usize; 2] {
    let (u, height) = (block.index * LANES + lane, block.height);
    let middle = if height.is_multiple_of(2) { height / 2 } else { height };
    [u, if u == 0 { middle } else { height - u }]
}

/// Where the rows lie that a block makes, but for that which lane 0 makes from afar.
#[inline(always)]
fn own_and_mirrored_rows([height, width]: [usize; 2], index: usize) -> [Range<usize>; 2] {
    let (half, first) = (width / 2 + 1, index * LANES);
    let end = rows_of(height).min(first + LANES);
    [first * half..end * half, (height + 1 - end) * half..(height - first) * half]
}

/// Sixteen rows of eight columns.
#[inline(always)]
fn turned<S: Simd>(simd: S, rows: CellsRef<'_>, column: impl Fn(usize) -> usize) -> [Cell; LANES] {
    let columns = [0, 1, 2, 3, 4, 5, 6, 7].map(column);
    interleave(simd, columns.map(|at| &rows.re[at]), columns.map(|at| &rows.im[at]))
}

// Here and below, loops whose bounds are constants: they are unrolled, and the rows stay in registers.
#[inline(always)]
fn conjugate(mut row: Cell) -> Cell {
    for im in (1..LANES).step_by(2) {
        row.0[im] = -row.0[im];
    }
    row
}

/// Of Z = A + i·B and of Z* at the mirrored frequencies: A = (Z + Z*)/2, B = (Z − Z*)/2i.
#[inline(always)]
fn separate(own: Cell, mirrored: Cell) -> [Cell; 2] {
    let (mut a, mut b) = (Cell::ZERO, Cell::ZERO);
    for (re, im) in (0..LANES).step_by(2).map(|at| (at, at + 1)) {
        (a.0[re], a.0[im]) = (0.5 * (own.0[re] + mirrored.0[re]), 0.5 * (own.0[im] + mirrored.0[im]));
        (b.0[re], b.0[im]) = (0.5 * (own.0[im] - mirrored.0[im]), 0.5 * (mirrored.0[re] - own.0[re]));
    }
    [a, b]
}

#[inline(always)]
fn write(row: Cell, spectrum: &mut [Complex32]) {
    for (coefficient, parts) in spectrum[..PAIRS].iter_mut().zip(row.0.chunks_exact(2)) {
        *coefficient = Complex32::new(parts[0], parts[1]);
    }
}

/// Planes that a thread takes at once: enough to be worth waking it.
pub(crate) fn at_once(pixels: usize) -> usize {
    (65_536 / pixels).max(1)
}

/// Runs `work` on shares of whole planes, on all threads.
pub(crate) fn in_parallel<T: FftNum>(
    planes: &[T],
    pixels: usize,
    spectra: &mut [Complex<T>],
    coefficients: usize,
    work: impl Fn(&[T], &mut [Complex<T>]) + Send + Sync,
) {
    // Working memory is made once a share, so shares are as large as leaves some for all.
    let share = at_once(pixels).max(planes.len() / pixels / (4 * rayon::current_num_threads()));
    planes
        .par_chunks(share * pixels)
        .zip(spectra.par_chunks_mut(share * coefficients))
        .for_each(|(planes, spectra)| work(planes, spectra));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RealFft2, dispatch::everywhere, naive_dft};

    fn numbers(count: usize) -> Vec<f32> {
        let mut state = 3u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f32 / (1u64 << 31) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    /// Largest difference to the definition over the largest coefficient.
    fn error(spectrum: &[Complex32], plane: &[f32], height: usize, width: usize) -> f64 {
        let plane: Vec<f64> = plane.iter().map(|&value| value.into()).collect();
        let expected = naive_dft(&plane, height, width);
        let (mut apart, mut largest) = (0.0, 0.0);
        for (at, found) in spectrum.iter().enumerate() {
            let expected = expected[at / (width / 2 + 1) * width + at % (width / 2 + 1)];
            apart =
                f64::max(apart, (f64::from(found.re) - expected.re).hypot(f64::from(found.im) - expected.im));
            largest = f64::max(largest, expected.norm());
        }
        apart / largest
    }

    #[test]
    fn any_size_and_number_of_planes_match_the_definition() -> Result<(), crate::Error> {
        for (count, height, width) in [
            (1, 32, 32),
            (5, 32, 32),
            (67, 32, 32),
            (2, 64, 32),
            (3, 32, 96),
            (2, 2, 2),
            (9, 16, 16),
            (2, 33, 7),
            (3, 17, 16),
            (2, 16, 17),
            (2, 33, 31),
            (2, 28, 28),
            (2, 35, 100),
            (1, 90, 67),
        ] {
            let planes = numbers(count * height * width);
            let spectra = RealFft2::<f32>::new(height, width)?.transform_batch(&planes)?;
            let each = spectra.chunks(height * (width / 2 + 1)).zip(planes.chunks(height * width));
            assert_eq!(each.len(), count);
            let worst =
                each.map(|(spectrum, plane)| error(spectrum, plane, height, width)).fold(0.0, f64::max);
            assert!(worst < 1e-6, "{count}×{height}×{width}: {worst}");
        }
        Ok(())
    }

    #[test]
    fn every_instruction_set_agrees_with_the_general_path() {
        for (height, width) in [
            (32, 32),
            (32, 64),
            (64, 32),
            (96, 32),
            (32, 160),
            (64, 224),
            (128, 128),
            (37, 46),
            (18, 131),
            (299, 23),
        ] {
            let plan = PlanePlan::new(height, width).expect("multiples of 32");
            let planes = numbers(2 * height * width);
            let doubles: Vec<f64> = planes.iter().map(|&value| value.into()).collect();
            let general = RealFft2::<f64>::new(height, width).expect("a size of at least 2×2");
            let expected = general.transform_batch(&doubles).expect("two planes");
            let largest = expected.iter().map(|value| value.norm()).fold(0.0, f64::max);
            for arch in everywhere() {
                let mut spectra = vec![Complex32::default(); expected.len()];
                let mut scratch = plan.scratch();
                let scratch = &mut scratch;
                arch.dispatch(Transform { plan: &plan, planes: &planes, spectra: &mut spectra, scratch });
                let apart = spectra.iter().zip(&expected).map(|(found, expected)| {
                    (f64::from(found.re) - expected.re).hypot(f64::from(found.im) - expected.im)
                });
                let worst = apart.fold(0.0, f64::max) / largest;
                assert!(worst < 1e-6, "{height}×{width} {arch:?}: {worst}");
            }
        }
    }

    #[test]
    fn lengths_are_checked() -> Result<(), crate::Error> {
        let plan = RealFft2::<f64>::new(4, 4)?;
        assert!(plan.transform_batch(&[0.0; 17]).is_err());
        assert!(plan.transform_batch_into(&[0.0; 32], &mut [Complex::default(); 12]).is_err());
        assert!(plan.transform_batch(&[])?.is_empty());
        Ok(())
    }
}
