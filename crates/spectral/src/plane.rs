//! The 2-D transform of one real plane, sixteen columns and then sixteen rows at a time.
//!
//! Down the columns first: the left and the right half of 32 columns are real and imaginary part of one complex column
//! and told apart by symmetry. What results is needed for u ≤ H/2 only; of even heights the rows u = 0 and u = H/2 are real
//! and share a row, so that ⌈H/2⌉ rows remain: blocks of sixteen lanes. Columns and rows that are missing in the last are zero.

use pulp::Simd;

use crate::{
    ahead::ask_for_all,
    lines::Lines,
    passes::Source,
    transpose::transpose,
    vector::{Cell, Cells, CellsMut, CellsRef, ComplexVector, LANES, Vector},
};

/// Columns that are transformed at once.
const SIDE: usize = 2 * LANES;
/// Of shorter sides more lanes would be empty than not.
const SHORTEST: usize = LANES;

/// A plan for real (H, W) planes of sides that [`Lines`] has transforms for.
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
    /// The last columns, (H, 32), if they are fewer than 32.
    rest: Vec<f32>,
}

impl PlanePlan {
    /// `None` for other sizes.
    pub(crate) fn new(height: usize, width: usize) -> Option<Self> {
        if height.min(width) < SHORTEST {
            return None;
        }
        Some(Self { height, width, down: Lines::new(height)?, across: Lines::new(width)? })
    }

    /// (H, W).
    pub(crate) fn sides(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    pub(crate) fn scratch(&self) -> PlaneScratch {
        let (sides, longest) = (self.sides(), self.down.room().max(self.across.room()));
        PlaneScratch {
            columns: Cells::zeros(longest),
            spare: Cells::zeros(longest),
            rows: Cells::zeros(blocks(sides) * self.width.next_multiple_of(SIDE)),
            rest: vec![0.0; if self.width.is_multiple_of(SIDE) { 0 } else { self.height * SIDE }],
        }
    }

    /// The first half of the transform of `factor · plane`: down the columns. What lies `ahead` of the plane's end is asked for
    /// meanwhile, as is the plane itself, column by column. `sides` are (H, W): a caller that writes them as constants has all
    /// checks of bounds compiled away.
    #[inline(always)]
    pub(crate) fn columns<S: Simd>(
        &self,
        simd: S,
        [height, width]: [usize; 2],
        (plane, factor): (&[f32], f32),
        ahead: Option<&[f32]>,
        scratch: &mut PlaneScratch,
    ) {
        let (sides, padded) = ([height, width], width.next_multiple_of(SIDE));
        let PlaneScratch { columns, spare, rows, rest } = scratch;
        for left in (0..width).step_by(SIDE) {
            let ahead = ahead.map(|next| if left + SIDE < width { &plane[left + SIDE..] } else { next });
            let ahead = (ahead.unwrap_or_default(), width);
            let halves = if left + SIDE <= width {
                Halves { plane: &plane[left..], width, factor: 0.5 * factor, ahead }
            } else {
                let lines = rest.chunks_exact_mut(SIDE).zip(plane.chunks_exact(width));
                lines.for_each(|(to, from)| to[..width - left].copy_from_slice(&from[left..]));
                Halves { plane: rest, width: SIDE, factor: 0.5 * factor, ahead }
            };
            let room = self.down.room();
            let spectrum = self.down.run(simd, halves, [columns.window(0, room), spare.window(0, room)]);
            let spectrum = CellsRef { re: &spectrum.re[..height], im: &spectrum.im[..height] };
            for index in 0..blocks(sides) {
                let mut rows = rows.window(index * padded + left, SIDE);
                separate(simd, spectrum, index, &mut rows);
                for half in [0, LANES] {
                    transpose(simd, cells(&mut rows.re[half..]));
                    transpose(simd, cells(&mut rows.im[half..]));
                }
            }
        }
    }

    /// The second half: across the rows of one of the [`blocks`].
    #[inline(always)]
    pub(crate) fn block<'s, S: Simd>(
        &self,
        simd: S,
        [height, width]: [usize; 2],
        index: usize,
        scratch: &'s mut PlaneScratch,
    ) -> Block<'s> {
        let PlaneScratch { columns, spare, rows, .. } = scratch;
        let source = rows.window(index * width.next_multiple_of(SIDE), width);
        let room = self.across.room();
        let CellsMut { re, im } =
            self.across.run(simd, source.all(), [columns.window(0, room), spare.window(0, room)]);
        Block { index, height, width, rows: CellsRef { re: &re[..width], im: &im[..width] } }
    }
}

/// Rows of a spectrum that are computed: u < ⌈H/2⌉.
pub(crate) fn rows_of(height: usize) -> usize {
    height.div_ceil(2)
}

/// Blocks of sixteen of these rows.
pub(crate) fn blocks([height, _]: [usize; 2]) -> usize {
    rows_of(height).div_ceil(LANES)
}

/// Sixteen rows of a spectrum: in cell v < W and lane l is the coefficient F(16 · `index` + l, v), but in lane 0 of
/// block 0 it is F(0, v) + i·F(H/2, v) if the height is even. Lanes of the last block whose row is no row of [`rows_of`] are zero.
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
    /// What is read next, and how far apart its rows are: too far for the processor to foresee.
    ahead: (&'a [f32], usize),
}

impl Source for Halves<'_> {
    #[inline(always)]
    fn first(self, len: usize) -> Self {
        Self { plane: &self.plane[..(len - 1) * self.width + SIDE], ..self }
    }

    #[inline(always)]
    fn get<S: Simd>(&self, simd: S, at: usize, part: usize) -> ComplexVector<S> {
        let row = &self.plane[at * self.width..][..SIDE];
        if part == 0
            && let Some(next) = self.ahead.0.get(at * self.ahead.1..at * self.ahead.1 + SIDE)
        {
            ask_for_all(next);
        }
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
    let zero = Vector::splat(simd, 0.0);
    let zero = ComplexVector { re: zero, im: zero };
    for part in 0..LANES / S::F32_LANES {
        for row in 0..LANES {
            let u = block * LANES + row;
            let (a, b) = if u == 0 {
                // A(0), A(H/2), B(0) and B(H/2) are real: they share a row.
                let z = spectrum.get(simd, u, part);
                let middle =
                    if height.is_multiple_of(2) { spectrum.get(simd, height / 2, part) } else { zero };
                (
                    ComplexVector { re: z.re + z.re, im: middle.re + middle.re },
                    ComplexVector { re: z.im + z.im, im: middle.im + middle.im },
                )
            } else if u < rows_of(height) {
                let (z, mirrored) = (spectrum.get(simd, u, part), spectrum.get(simd, height - u, part));
                (
                    ComplexVector { re: z.re + mirrored.re, im: z.im - mirrored.im },
                    ComplexVector { re: z.im + mirrored.im, im: mirrored.re - z.re },
                )
            } else {
                (zero, zero)
            };
            rows.set(row, part, a);
            rows.set(LANES + row, part, b);
        }
    }
}
