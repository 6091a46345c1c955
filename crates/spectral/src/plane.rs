//! The 2-D transform of one real plane, sixteen columns and then sixteen rows at a time.
//!
//! Down the columns first: the left and the right half of 32 columns are real and imaginary part of one complex column
//! and told apart by symmetry. What results is needed for u ≤ H/2 only; the rows u = 0 and u = H/2 are real
//! and share a row, so that H/2 rows remain: H/32 blocks of sixteen lanes.

use pulp::Simd;

use crate::{
    lines::{Lines, Source},
    transpose::transpose,
    vector::{Cell, Cells, CellsMut, CellsRef, ComplexVector, LANES, Vector},
};

/// What the sides of a plane have to be multiples of.
pub(crate) const SIDE: usize = 2 * LANES;

/// A plan for real (H, W) planes whose sides are multiples of 32 without prime factors above 7.
#[derive(Debug, Clone)]
pub(crate) struct PlanePlan {
    height: usize,
    width: usize,
    down: Lines,
    across: Lines,
}

/// Working memory of a thread.
#[derive(Debug)]
pub(crate) struct PlaneScratch {
    columns: Cells,
    spare: Cells,
    rows: Cells,
}

impl PlanePlan {
    /// `None` for other sizes.
    pub(crate) fn new(height: usize, width: usize) -> Option<Self> {
        if height == 0 || width == 0 || !height.is_multiple_of(SIDE) || !width.is_multiple_of(SIDE) {
            return None;
        }
        Some(Self { height, width, down: Lines::new(height)?, across: Lines::new(width)? })
    }

    /// (H, W).
    pub(crate) fn sides(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    pub(crate) fn scratch(&self) -> PlaneScratch {
        PlaneScratch {
            columns: Cells::zeros(self.height.max(self.width)),
            spare: Cells::zeros(self.height.max(self.width)),
            rows: Cells::zeros(self.height / SIDE * self.width),
        }
    }

    /// The first half of the transform of `factor · plane`: down the columns. `sides` are (H, W): a caller that writes them as
    /// constants has all checks of bounds compiled away.
    #[inline(always)]
    pub(crate) fn columns<S: Simd>(
        &self,
        simd: S,
        [height, width]: [usize; 2],
        (plane, factor): (&[f32], f32),
        scratch: &mut PlaneScratch,
    ) {
        let PlaneScratch { columns, spare, rows } = scratch;
        for left in (0..width).step_by(SIDE) {
            let halves = Halves { plane: &plane[left..], width, factor: 0.5 * factor };
            let spectrum = self.down.run(simd, halves, [columns.window(0, height), spare.window(0, height)]);
            for index in 0..height / SIDE {
                let mut rows = rows.window(index * width + left, SIDE);
                separate(simd, spectrum.all(), index, &mut rows);
                for half in [0, LANES] {
                    transpose(simd, cells(&mut rows.re[half..]));
                    transpose(simd, cells(&mut rows.im[half..]));
                }
            }
        }
    }

    /// The second half: across the rows of one of the H/32 blocks.
    #[inline(always)]
    pub(crate) fn block<'s, S: Simd>(
        &self,
        simd: S,
        [height, width]: [usize; 2],
        index: usize,
        scratch: &'s mut PlaneScratch,
    ) -> Block<'s> {
        let PlaneScratch { columns, spare, rows } = scratch;
        let source = rows.window(index * width, width);
        let CellsMut { re, im } =
            self.across.run(simd, source.all(), [columns.window(0, width), spare.window(0, width)]);
        Block { index, height, width, rows: CellsRef { re: &re[..width], im: &im[..width] } }
    }
}

/// Sixteen rows of a spectrum: in cell v < W and lane l is the coefficient F(16 · `index` + l, v), but in lane 0 of
/// block 0 it is F(0, v) + i·F(H/2, v).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) index: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) rows: CellsRef<'a>,
}

/// The first sixteen.
#[inline(always)]
pub(crate) fn cells(cells: &mut [Cell]) -> &mut [Cell; LANES] {
    cells.first_chunk_mut().expect("at least sixteen cells")
}

/// 32 columns of a plane, scaled: the left half as real, the right half as imaginary parts.
#[derive(Clone, Copy)]
struct Halves<'a> {
    /// From the first of the columns on.
    plane: &'a [f32],
    width: usize,
    factor: f32,
}

impl Source for Halves<'_> {
    #[inline(always)]
    fn first(self, len: usize) -> Self {
        Self { plane: &self.plane[..(len - 1) * self.width + SIDE], ..self }
    }

    #[inline(always)]
    fn get<S: Simd>(&self, simd: S, at: usize, part: usize) -> ComplexVector<S> {
        let row = &self.plane[at * self.width..][..SIDE];
        let (real, imaginary) = (S::as_simd_f32s(&row[..LANES]).0, S::as_simd_f32s(&row[LANES..]).0);
        let scaled = |lanes| Vector::new(simd, lanes).times(self.factor);
        ComplexVector { re: scaled(real[part]), im: scaled(imaginary[part]) }
    }
}

/// With Z(u) = A(u) + i·B(u), A and B of real columns: 2A(u) = Z(u) + Z*(−u), 2B(u) = −i·(Z(u) − Z*(−u)).
/// A goes to the first sixteen cells, B to the others, a cell a row.
#[inline(always)]
fn separate<S: Simd>(simd: S, spectrum: CellsRef<'_>, block: usize, rows: &mut CellsMut<'_>) {
    let height = spectrum.re.len();
    for part in 0..LANES / S::F32_LANES {
        for row in 0..LANES {
            let u = block * LANES + row;
            let z = spectrum.get(simd, u, part);
            // A(0), A(H/2), B(0) and B(H/2) are real: they share a row.
            let (a, b) = if u == 0 {
                let middle = spectrum.get(simd, height / 2, part);
                (
                    ComplexVector { re: z.re + z.re, im: middle.re + middle.re },
                    ComplexVector { re: z.im + z.im, im: middle.im + middle.im },
                )
            } else {
                let mirrored = spectrum.get(simd, height - u, part);
                (
                    ComplexVector { re: z.re + mirrored.re, im: z.im - mirrored.im },
                    ComplexVector { re: z.im + mirrored.im, im: mirrored.re - z.re },
                )
            };
            rows.set(row, part, a);
            rows.set(LANES + row, part, b);
        }
    }
}
