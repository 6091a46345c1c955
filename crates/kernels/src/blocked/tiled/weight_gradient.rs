//! The gradient of the weights: for every tap the products of gradients and the pixels under it, summed over pixels and images.
//!
//! | schedule | work is cut by | for |
//! |---|---|---|
//! | [`apart`] | rows: each part has sums of its own, and packs a few rows at a time | few channels, whose sums are small |
//! | [`shared`] | rows, to pack many of them; then channels | many channels |
#![allow(unsafe_code)]

use std::{marker::PhantomData, ops::Range};

use super::{
    super::{
        ConvolutionShape, pages,
        parts::Portion,
        simd::{
            InstructionSet, Kernel, LANES, Lane, Simd, run_on_pairs, run_on_tiles,
            tiles::{self, Operand, Run, Sums, multiply},
        },
        tensor::{Arena, Blocked, sum_of_parts},
    },
    parts::{TILE, groups, steps},
    samples::{Layout, pack_gradients, pack_inputs},
    windows::Windows,
};
use crate::parallel::{collect, for_each_part};

/// Most bytes of sums that a part has to itself.
const OWN_SUMS: usize = 3 << 19;

/// Bytes of packed rows that a part treats at once.
const OWN_ROWS: usize = 3 << 19;

/// Bytes of packed rows that all threads treat at once.
const SHARED_ROWS: usize = 32 << 20;

/// Steps of a product after which operands have left a core's own cache, so that others come first.
const STEPS_AT_ONCE: usize = 64;

/// Groups of outputs whose packed gradients stay in a core's own cache for so many steps, while the input comes from a larger one.
const OUTPUTS_TOGETHER: usize = 8;

/// Both operands and how they lie.
#[derive(Clone, Copy)]
struct Operands<'a> {
    x: &'a Blocked,
    g: &'a Blocked,
    windows: Windows,
    layout: Layout,
}

impl Operands<'_> {
    fn rows(&self) -> usize {
        self.g.dims.blocks() * self.g.dims.height
    }

    /// Rows of the input under some rows of gradients.
    fn sources(&self, rows: Range<usize>) -> Range<usize> {
        self.windows.sources(rows, self.g.dims.height)
    }

    /// How many rows of gradients fill so many bytes, with those of the input under them.
    fn rows_of(&self, bytes: usize) -> usize {
        let of_gradients = self.layout.gradient_len() * size_of::<Lane>();
        let of_input = self.layout.input_len() * size_of::<Lane>();
        let around = self.windows.kernel[0].saturating_sub(self.windows.stride) * of_input;
        let rows = bytes.saturating_sub(around) / (of_gradients + self.windows.stride * of_input);
        rows.clamp(1, self.rows())
    }

    /// Most rows of the input under so many rows of gradients.
    fn most_sources(&self, rows: Range<usize>, at_once: usize) -> usize {
        let counts = steps(rows, at_once).map(|rows| self.sources(rows).len());
        counts.max().unwrap_or(0).max(1)
    }

    /// Vectors of all sums, `[group of outputs][group of inputs][tap][output][input]`.
    fn sums_len(&self) -> usize {
        self.layout.outputs * self.row_of_sums()
    }

    /// Vectors from a group of outputs to the next.
    fn row_of_sums(&self) -> usize {
        self.layout.inputs * self.windows.taps() * TILE
    }
}

/// Whether parts have sums of their own.
pub(crate) fn sums_parts_apart(shape: ConvolutionShape) -> bool {
    let sums = groups(shape.outputs, LANES) * groups(shape.inputs, LANES) * shape.taps() * TILE;
    sums * size_of::<Lane>() <= OWN_SUMS
}

/// The sums of each part of a batch, in rows of pixels, or of all of it.
pub(super) fn sums<const PARTS: usize>(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    piece: Portion<'_>,
    (instructions, arena): (InstructionSet, &Arena),
) -> Vec<Vec<Lane>> {
    let (windows, layout) = (Windows::new(shape, x.dims, false), Layout::new(shape, g.dims, PARTS));
    let operands = Operands { x, g, windows, layout };
    if !sums_parts_apart(shape) {
        return vec![shared::<PARTS>(operands, instructions, arena)];
    }
    let parts = piece.ranges(g.dims.blocks(), g.dims.height);
    collect(parts.len(), 1, |part| apart::<PARTS>(operands, parts[part].clone(), instructions, arena))
}

/// The sums over some rows.
fn apart<const PARTS: usize>(
    operands: Operands<'_>,
    rows: Range<usize>,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<Lane> {
    let at_once = operands.rows_of(OWN_ROWS);
    let kept = operands.most_sources(rows.clone(), at_once);
    let mut a = arena.take(at_once * operands.layout.gradient_len());
    let mut b = arena.take(kept * operands.layout.input_len());
    let mut sums = arena.take(operands.sums_len());
    let parts = PhantomData;
    let buffers = (&mut a[..], &mut b[..], &mut sums[..]);
    run_on_tiles(instructions, Part::<PARTS> { operands, rows, at_once, kept, buffers, parts });
    arena.give(a);
    arena.give(b);
    sums
}

/// Some rows: a few are packed, then multiplied.
struct Part<'a, const PARTS: usize> {
    operands: Operands<'a>,
    rows: Range<usize>,
    at_once: usize,
    /// Rows of the input that there is room for.
    kept: usize,
    /// Packed gradients, packed input and sums.
    buffers: (&'a mut [Lane], &'a mut [Lane], &'a mut [Lane]),
    parts: PhantomData<[(); PARTS]>,
}

impl<const PARTS: usize> Kernel for Part<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { operands, rows, at_once, kept, buffers: (a, b, sums), .. } = self;
        let Operands { x, g, layout, .. } = operands;
        let (mut next, first) = (0, rows.start);
        for rows in steps(rows, at_once) {
            let sources = operands.sources(rows.clone());
            // SAFETY: the caller vouches for the features and the tiles.
            unsafe {
                for (row, to) in rows.clone().zip(a.chunks_exact_mut(layout.gradient_len())) {
                    pack_gradients::<S, PARTS>(layout, g, row, to);
                }
                for row in sources.start.max(next)..sources.end {
                    let to = &mut b[row % kept * layout.input_len()..][..layout.input_len()];
                    pack_inputs::<S, PARTS>(layout, x, row, to);
                }
                next = next.max(sources.end);
                let packed = Packed { a, b, first: [rows.start, 0], kept };
                let plan = Plan::new(operands, packed, rows.clone());
                let is_first = rows.start == first;
                packed.multiply::<PARTS>(operands, &plan, 0, is_first, sums);
            }
        }
    }
}

/// The sums over all rows.
fn shared<const PARTS: usize>(
    operands: Operands<'_>,
    instructions: InstructionSet,
    arena: &Arena,
) -> Vec<Lane> {
    let Operands { x, g, layout, .. } = operands;
    let (rows, at_once) = (operands.rows(), operands.rows_of(SHARED_ROWS));
    let kept = operands.most_sources(0..rows, at_once);
    let mut a = arena.take(at_once * layout.gradient_len());
    let mut b = arena.take(kept * layout.input_len());
    let mut sums = arena.take(operands.sums_len());
    let each = (STEPS_AT_ONCE / layout.pairs).max(1);
    let fair = layout.outputs.div_ceil(rayon::current_num_threads()).next_multiple_of(2);
    let together = fair.min(OUTPUTS_TOGETHER);
    for rows in steps(0..rows, at_once) {
        let sources = operands.sources(rows.clone());
        let (gradients, inputs) = (&mut a[..rows.len() * layout.gradient_len()], &mut b[..]);
        for_each_part(gradients, layout.gradient_len(), |index, to| {
            let row = rows.start + index;
            run_on_pairs(
                instructions,
                Pack::<PARTS> { layout, from: g, row, to, is_gradient: true, parts: PhantomData },
            );
        });
        for_each_part(&mut inputs[..sources.len() * layout.input_len()], layout.input_len(), |index, to| {
            let row = sources.start + index;
            run_on_pairs(
                instructions,
                Pack::<PARTS> { layout, from: x, row, to, is_gradient: false, parts: PhantomData },
            );
        });
        let packed = Packed { a: &a, b: &b, first: [rows.start, sources.start], kept };
        for_each_part(&mut sums, together * operands.row_of_sums(), |index, sums| {
            for rows in steps(rows.clone(), each) {
                let (first, is_first, parts) = (index * together, rows.start == 0, PhantomData);
                let sums = &mut *sums;
                run_on_tiles(
                    instructions,
                    Multiply::<PARTS> { operands, packed, rows, first, is_first, sums, parts },
                );
            }
        });
    }
    arena.give(a);
    arena.give(b);
    sums
}

/// Packs a row of either operand.
struct Pack<'a, const PARTS: usize> {
    layout: Layout,
    from: &'a Blocked,
    row: usize,
    to: &'a mut [Lane],
    is_gradient: bool,
    parts: PhantomData<[(); PARTS]>,
}

impl<const PARTS: usize> Kernel for Pack<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { layout, from, row, to, is_gradient, .. } = self;
        // SAFETY: the caller vouches for the features.
        unsafe {
            if is_gradient {
                pack_gradients::<S, PARTS>(layout, from, row, to);
            } else {
                pack_inputs::<S, PARTS>(layout, from, row, to);
            }
        }
    }
}

/// The products of some groups of outputs with all inputs, over some of the packed rows.
struct Multiply<'a, const PARTS: usize> {
    operands: Operands<'a>,
    packed: Packed<'a>,
    rows: Range<usize>,
    /// The first of the groups.
    first: usize,
    is_first: bool,
    sums: &'a mut [Lane],
    parts: PhantomData<[(); PARTS]>,
}

impl<const PARTS: usize> Kernel for Multiply<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { operands, packed, rows, first, is_first, sums, .. } = self;
        let plan = Plan::new(operands, packed, rows);
        // SAFETY: the caller vouches for the tiles.
        unsafe { packed.multiply::<PARTS>(operands, &plan, first, is_first, sums) }
    }
}

/// Packed rows of gradients and of the input.
#[derive(Clone, Copy)]
struct Packed<'a> {
    a: &'a [Lane],
    b: &'a [Lane],
    /// The first row of each, counted through the blocks.
    first: [usize; 2],
    /// Rows of the input that there is room for; one row follows the other in a ring.
    kept: usize,
}

/// The runs of each tap: one for every row of gradients that has pixels under the tap.
struct Plan {
    runs: Vec<Run>,
    /// Where the runs of a tap end.
    ends: Vec<usize>,
}

impl Plan {
    fn new(operands: Operands<'_>, packed: Packed<'_>, rows: Range<usize>) -> Self {
        let Operands { windows, layout, g, .. } = operands;
        let (mut runs, mut ends) = (Vec::new(), Vec::with_capacity(windows.taps()));
        for tap in 0..windows.taps() {
            let (down, across) = (tap / windows.kernel[1], tap % windows.kernel[1]);
            for row in rows.clone() {
                let Some(source) = windows.source(0, row % g.dims.height, down) else { continue };
                let source = row / g.dims.height * windows.from[0] + source;
                let slot = (source - packed.first[1]) % packed.kept;
                let a = (row - packed.first[0]) * layout.gradient_len();
                let b = slot * layout.input_len() + layout.tap(across);
                runs.push(Run { a: a * size_of::<Lane>(), b: [b * size_of::<Lane>(); 2] });
            }
            ends.push(runs.len());
        }
        Self { runs, ends }
    }
}

impl Packed<'_> {
    /// Adds to the sums of some groups of outputs from the `first` on.
    ///
    /// # Safety
    /// Tiles are configured.
    #[inline(always)]
    unsafe fn multiply<const PARTS: usize>(
        self,
        operands: Operands<'_>,
        plan: &Plan,
        first: usize,
        is_first: bool,
        sums: &mut [Lane],
    ) {
        let Operands { windows, layout, .. } = operands;
        let (taps, row) = (windows.taps(), operands.row_of_sums());
        let outputs = sums.len() / row;
        let ends_inside =
            |start: usize, len: usize, of: &[Lane]| start + len * size_of::<Lane>() <= size_of_val(of);
        assert!(
            first + outputs <= layout.outputs
                && plan.runs.iter().all(|run| ends_inside(run.a, layout.gradient_len(), self.a))
                && self.b.len() >= self.kept * layout.input_len()
        );
        let out = sums.as_mut_ptr();
        let both = |group: usize, groups: usize| [group, (group + 1).min(groups - 1)];
        for inputs in (0..layout.inputs).step_by(2).map(|group| both(group, layout.inputs)) {
            for outputs in (0..outputs).step_by(2).map(|group| both(group, outputs)) {
                let mut start = 0;
                for (tap, &end) in plan.ends.iter().enumerate() {
                    // SAFETY: a run of gradients lies inside the packed rows, as asserted above. One of the input begins in a row
                    // that is inside and stays in it: the layout has room for as many pairs from each tap on. Sums of all groups
                    // and taps are there.
                    unsafe {
                        let gradients =
                            |group: usize| self.a.as_ptr().add((first + group) * layout.gradient_group());
                        let pixels = |group: usize| self.b.as_ptr().add(group * layout.input_group());
                        let a = Operand {
                            start: outputs.map(|group| gradients(group).cast()),
                            step: PARTS * tiles::TILE,
                            part: tiles::TILE,
                        };
                        let b = Operand {
                            start: inputs.map(|group| pixels(group).cast()),
                            step: tiles::TILE,
                            part: layout.input_part() * size_of::<Lane>(),
                        };
                        let place =
                            |output: usize, input: usize| out.add(output * row + (input * taps + tap) * TILE);
                        let places = outputs.map(|output| inputs.map(|input| place(output, input)));
                        let sums = Sums { start: places, row: size_of::<Lane>() };
                        multiply::<PARTS>(a, b, &plan.runs[start..end], layout.pairs, sums, is_first);
                    }
                    start = end;
                }
            }
        }
    }
}

/// The filters, (output, input, tap), from the parts' sums.
pub(crate) fn gather(parts: &[&[Lane]], shape: ConvolutionShape) -> Vec<f32> {
    let (taps, depth) = (shape.taps(), shape.depth());
    let tiles = groups(shape.inputs, LANES) * taps;
    let mut gradient = pages::zeros(shape.weights());
    // Sixteen outputs at once: their sums lie side by side.
    for_each_part(&mut gradient, LANES * depth, |group, filters| {
        for tile in 0..tiles {
            let (first, tap) = (tile / taps * LANES * taps, tile % taps);
            let start = (group * tiles + tile) * TILE;
            for (row, filters) in filters.chunks_exact_mut(depth).enumerate() {
                let total = sum_of_parts(parts, start + row);
                let places = filters[first..].iter_mut().skip(tap).step_by(taps);
                places.zip(total).for_each(|(to, value)| *to = value);
            }
        }
    });
    gradient
}
