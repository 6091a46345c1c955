//! Means over cells of pixels: average pooling, adaptive or not, up to that of whole planes.
#![allow(unsafe_code)]

use std::ops::Range;

use super::{
    simd::{InstructionSet, Kernel, LANES, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims},
};
use crate::{Pool2d, parallel::for_each_small_part};

/// Which pixels each mean is of: cells of a grid, every one a span of rows times a span of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    rows: Vec<Span>,
    columns: Vec<Span>,
    size: [usize; 2],
}

/// Rows or columns of a cell, and how many they count as.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    lines: Range<usize>,
    count: usize,
}

impl Cells {
    /// Windows over planes of `size`, padding counting as zeros (PyTorch's default), but not what a last window has behind the padding;
    /// none if no window fits.
    pub fn windows(pool: Pool2d, size: [usize; 2]) -> Option<Self> {
        let Pool2d { kernel, stride, padding, .. } = pool;
        let span = |start: usize, size: usize| Span {
            lines: start.saturating_sub(padding)..(start + kernel).saturating_sub(padding).min(size),
            count: (start + kernel).min(size + 2 * padding) - start,
        };
        let spans = |size: usize| -> Option<Vec<_>> {
            Some((0..pool.count(size)?).map(|window| span(window * stride, size)).collect())
        };
        Some(Self { rows: spans(size[0])?, columns: spans(size[1])?, size })
    }

    /// `out` rows and columns of cells that cover planes of `size`: cell i of n is ⌊i·H/n⌋ to ⌈(i + 1)·H/n⌉ of H rows (PyTorch's
    /// adaptive average pooling). Cells overlap where they are not of one size.
    ///
    /// ```
    /// use kernels::{Pool2d, blocked::Cells};
    ///
    /// let halves = Cells::adaptive([2, 2], [6, 4]);
    /// assert_eq!(halves.out(), [2, 2]);
    /// assert_eq!(Cells::windows(Pool2d::new(2, 2), [6, 4]).unwrap().out(), [3, 2]);
    /// ```
    pub fn adaptive(out: [usize; 2], size: [usize; 2]) -> Self {
        let spans = |out: usize, size: usize| {
            let lines = |i: usize| i * size / out..((i + 1) * size).div_ceil(out);
            (0..out).map(|i| Span { lines: lines(i), count: lines(i).len() }).collect::<Vec<_>>()
        };
        Self { rows: spans(out[0], size[0]), columns: spans(out[1], size[1]), size }
    }

    /// Rows and columns of means.
    pub fn out(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    /// What takes a plane (H, W) to its means as a product rows · plane · columnsᵀ: rows (H', H) and columns (W', W), in
    /// row-major order.
    ///
    /// ```
    /// use kernels::{Pool2d, blocked::Cells};
    ///
    /// let [rows, columns] = Cells::windows(Pool2d::new(2, 2), [4, 2]).unwrap().matrices();
    /// assert_eq!(rows, [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
    /// assert_eq!(columns, [0.5, 0.5]);
    /// ```
    pub fn matrices(&self) -> [Vec<f32>; 2] {
        let matrix = |spans: &[Span], size: usize| {
            let row = |Span { lines, count }: &Span| {
                let share = 1.0 / *count as f32;
                (0..size).map(|at| if lines.contains(&at) { share } else { 0.0 }).collect::<Vec<_>>()
            };
            spans.iter().flat_map(row).collect()
        };
        [matrix(&self.rows, self.size[0]), matrix(&self.columns, self.size[1])]
    }

    /// Each cell's rows, columns, and the number that its sum is divided by; in scan order.
    fn each(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>, f64)> {
        self.rows.iter().flat_map(move |rows| {
            self.columns.iter().map(move |columns| {
                (rows.lines.clone(), columns.lines.clone(), (rows.count * columns.count) as f64)
            })
        })
    }
}

/// The mean of each cell; sums of some dozens of pixels are summed in f64.
///
/// # Panics
/// If the cells are those of planes of another size.
pub fn mean_pool(x: &Blocked, cells: &Cells, arena: &Arena) -> Blocked {
    let Dims { height, width, .. } = x.dims;
    assert_eq!([height, width], cells.size, "the size of the planes");
    let [rows, columns] = cells.out();
    let dims = Dims { height: rows, width: columns, ..x.dims };
    let mut y = arena.blocked(dims);
    for_each_small_part(&mut y.data, dims.pixels(), x.dims.planes_at_once(), |index, y| {
        let x = x.plane(index / dims.channels, index % dims.channels);
        run(InstructionSet::current(), MeansOfPlane { x, cells, y });
    });
    y
}

struct MeansOfPlane<'a> {
    x: &'a [Lane],
    cells: &'a Cells,
    y: &'a mut [Lane],
}

/// Vectors summed in f32 before the sum is carried on in f64.
const SUMMED_AT_ONCE: usize = 32;

impl Kernel for MeansOfPlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let width = self.cells.size[1];
        for (y, (rows, columns, area)) in self.y.iter_mut().zip(self.cells.each()) {
            let mut total = [0f64; LANES];
            for row in rows {
                for values in self.x[row * width..][columns.clone()].chunks(SUMMED_AT_ONCE) {
                    let mut sums = Lane::ZERO;
                    // SAFETY: the caller vouches for the features.
                    unsafe {
                        let mut sum = S::splat(0.0);
                        for value in values {
                            sum = S::add(sum, S::load(value));
                        }
                        S::store(&mut sums, sum);
                    }
                    for (total, sum) in total.iter_mut().zip(sums.0) {
                        *total += f64::from(sum);
                    }
                }
            }
            for (y, total) in y.0.iter_mut().zip(total) {
                *y = (total / area) as f32;
            }
        }
    }
}

/// The gradient of the planes, given that of the means: each pixel's share of the cells that it lies in.
///
/// # Panics
/// If the gradient is not of as many means as there are cells.
pub fn mean_pool_gradient(g: &Blocked, cells: &Cells, arena: &Arena) -> Blocked {
    let [height, width] = cells.size;
    assert_eq!([g.dims.height, g.dims.width], cells.out(), "the gradient of the means");
    let dims = Dims { height, width, ..g.dims };
    let mut dx = arena.blocked(dims);
    for_each_small_part(&mut dx.data, dims.pixels(), dims.planes_at_once(), |index, dx| {
        let g = g.plane(index / dims.channels, index % dims.channels);
        run(InstructionSet::current(), SharesOfPlane { g, cells, dx });
    });
    dx
}

struct SharesOfPlane<'a> {
    g: &'a [Lane],
    cells: &'a Cells,
    dx: &'a mut [Lane],
}

impl Kernel for SharesOfPlane<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let width = self.cells.size[1];
        self.dx.fill(Lane::ZERO);
        for (g, (rows, columns, area)) in self.g.iter().zip(self.cells.each()) {
            let mut share = Lane::ZERO;
            for (share, &g) in share.0.iter_mut().zip(&g.0) {
                *share = (f64::from(g) / area) as f32;
            }
            for row in rows {
                for dx in &mut self.dx[row * width..][columns.clone()] {
                    // SAFETY: the caller vouches for the features.
                    unsafe { S::store(dx, S::add(S::load(dx), S::load(&share))) };
                }
            }
        }
    }
}
