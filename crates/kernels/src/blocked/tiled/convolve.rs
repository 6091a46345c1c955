//! The forward pass and the input gradient: every two pixels of results are sums over the pixels in their windows.
#![allow(unsafe_code)]

use std::ops::Range;

use super::{
    super::{
        epilogue::{self, GradientEpilogue, Then},
        simd::{
            InstructionSet, Kernel, Lane, Simd, run_on_tiles,
            tiles::{self, Operand, Run, Sums, multiply},
        },
        tensor::{Arena, Blocked, Dims, Mask},
    },
    parts::{GROUP, TILE, groups, steps},
    pixels::Ring,
    weights::Panels,
    windows::Windows,
};
use crate::parallel::collect;

/// Bytes of packed pixels that stay in a core's own cache beside what else is there: few if the weights are too, more if these
/// are streamed through it for every step.
const OWN_CACHE: Range<usize> = 512 << 10..1 << 20;

/// What is computed from what.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) x: &'a Blocked,
    pub(super) weights: &'a Panels,
    pub(super) windows: Windows,
    pub(super) to: Dims,
    pub(super) then: Then<'a>,
}

impl Layer<'_> {
    /// Whether nothing is done to results.
    fn leaves_results(&self) -> bool {
        matches!(self.then, Then::GradientEpilogue(GradientEpilogue { others: None, gate: None }))
    }

    /// Where results of a group of channels go, from a row on that is counted through the blocks.
    fn places(&self, row: usize, group: usize, out: &Out) -> Places {
        let Dims { channels, height, width, .. } = self.to;
        let (plane, block) = (height * width, self.to.block_len());
        let start = row / height * block + group * GROUP * plane;
        assert!((group + 1) * GROUP <= channels, "results for all rows of the tiles");
        let start = out.y.wrapping_add(start);
        Places { start, channel: plane, plane, block, before: row % height * width }
    }

    /// From what goes in to planes of size `to`.
    pub(super) fn convolve<const PARTS: usize>(
        self,
        instructions: InstructionSet,
        arena: &Arena,
    ) -> (Blocked, Option<Mask>) {
        let Self { x, weights, windows, to, then } = self;
        let mut y = arena.blocked(to);
        let mut mask = then.has_relu().then(|| arena.take_mask(to.len()));
        let rows = to.blocks() * to.height;
        let bytes = (weights.bytes() / 4).clamp(OWN_CACHE.start, OWN_CACHE.end);
        let row = x.dims.width * Ring::<PARTS>::pixel(x) * size_of::<Lane>();
        let step = windows.results(bytes / row).clamp(1, rows);
        let out = Out { y: y.data.as_mut_ptr(), mask: mask.as_mut().map(|mask| mask.0.as_mut_ptr()) };
        let share = share(rows, to.height, step);
        collect(rows.div_ceil(share), 1, |index| {
            let rows = index * share..rows.min((index + 1) * share);
            let kept = steps(rows.clone(), step).map(|rows| windows.sources(rows, to.height).len());
            let kept = kept.max().unwrap_or(0).max(1);
            let mut pixels = arena.take(Ring::<PARTS>::len(x, kept));
            let mut sums = arena.take(GROUP * (step * to.width + 1));
            let ring = Ring::<PARTS>::new(x, kept, &mut pixels);
            run_on_tiles(instructions, Share { layer: self, rows, step, ring, sums: &mut sums, out: &out });
            arena.give(pixels);
            arena.give(sums);
        });
        (y, mask)
    }
}

/// Rows that a thread takes at once: whole blocks, whose edges need nothing from others, if there are enough of them.
fn share(rows: usize, height: usize, step: usize) -> usize {
    let threads = rayon::current_num_threads();
    let fair = rows.div_ceil(2 * threads);
    if fair >= height {
        (fair / height * height).min(step.next_multiple_of(height)).max(height)
    } else {
        fair.max(1)
    }
}

/// Where results go. Threads write rows of their own.
struct Out {
    y: *mut Lane,
    mask: Option<*mut u16>,
}

// SAFETY: whoever writes vouches for writing alone.
unsafe impl Sync for Out {}

/// Some rows of results, counted through the blocks.
struct Share<'a, const PARTS: usize> {
    layer: Layer<'a>,
    rows: Range<usize>,
    /// Rows that are computed together.
    step: usize,
    ring: Ring<'a, PARTS>,
    /// Results of 32 channels, `[channel][pixel of the step]`.
    sums: &'a mut [Lane],
    out: &'a Out,
}

impl<const PARTS: usize> Kernel for Share<'_, PARTS> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { layer, rows, step, mut ring, sums, out } = self;
        let mut plan = Plan::default();
        for rows in steps(rows, step) {
            // SAFETY: the caller vouches for the features and the tiles, and rows are of this thread alone.
            unsafe {
                ring.pack::<S>(layer.windows.sources(rows.clone(), layer.to.height));
                plan.fill(layer, &ring, rows.clone());
                for group in 0..groups(layer.to.channels, GROUP) {
                    // What nothing is done to goes where it belongs at once, if there are results for all rows of the tiles.
                    if layer.leaves_results() && (group + 1) * GROUP <= layer.to.channels {
                        plan.multiply(layer, &ring, group, layer.places(rows.start, group, out));
                    } else {
                        plan.multiply(layer, &ring, group, Places::side_by_side(sums, plan.pixels.len()));
                        channel_affine::<S>(layer, &rows, group, sums, out);
                    }
                }
            }
        }
    }
}

/// Where the sums of 32 channels go.
#[derive(Clone, Copy)]
struct Places {
    start: *mut Lane,
    /// Vectors from a channel to the next.
    channel: usize,
    /// Pixels of a plane, vectors from a block to the next, and how many pixels of the first block come before the first.
    plane: usize,
    block: usize,
    before: usize,
}

impl Places {
    /// `[channel][pixel of the step]`.
    fn side_by_side(sums: &mut [Lane], pixels: usize) -> Self {
        let channel = sums.len() / GROUP;
        assert!(pixels <= channel, "room for a step's pixels");
        Self { start: sums.as_mut_ptr(), channel, plane: channel, block: 0, before: 0 }
    }

    /// Where a pixel of the step goes.
    fn of(self, half: usize, pixel: usize) -> *mut Lane {
        let pixel = self.before + pixel;
        let place = pixel / self.plane * self.block + half * TILE * self.channel + pixel % self.plane;
        self.start.wrapping_add(place)
    }
}

/// What is multiplied for every two pixels of a step.
#[derive(Default)]
struct Plan {
    runs: Vec<Run>,
    pixels: Vec<usize>,
    /// Two pixels, counted through the step, and the end of their runs.
    tasks: Vec<([usize; 2], usize)>,
}

impl Plan {
    #[inline(always)]
    fn fill<const PARTS: usize>(&mut self, layer: Layer<'_>, ring: &Ring<'_, PARTS>, rows: Range<usize>) {
        let (windows, width, height) = (layer.windows, layer.to.width, layer.to.height);
        let tap_bytes = groups(ring.from.dims.channels, GROUP) * 2 * PARTS * tiles::TILE;
        self.runs.clear();
        self.tasks.clear();
        self.pixels.clear();
        for row in 0..rows.len() {
            self.pixels.extend(windows.columns(width).map(|column| row * width + column));
        }
        for pair in self.pixels.chunks(2) {
            let both = [pair[0], pair[pair.len() - 1]];
            let places = both.map(|pixel| (rows.start + pixel / width, pixel % width));
            for down in 0..windows.kernel[0] {
                let lines = places.map(|(row, _)| {
                    let source = windows.source(0, row % height, down)?;
                    Some(row / height * windows.from[0] + source)
                });
                if lines == [None; 2] {
                    continue;
                }
                for across in 0..windows.kernel[1] {
                    let source = |i: usize| {
                        Some(
                            ring.place(lines[i]?, windows.source(1, places[i].1, across)?)
                                * size_of::<Lane>(),
                        )
                    };
                    let sources = [source(0), source(1)];
                    if sources != [None; 2] {
                        let tap = down * windows.kernel[1] + across;
                        self.runs.push(Run { a: tap * tap_bytes, b: sources.map(Option::unwrap_or_default) });
                    }
                }
            }
            self.tasks.push((both, self.runs.len()));
        }
    }

    /// The sums of a group of channels.
    ///
    /// # Safety
    /// Tiles are configured, the places of all pixels can be written, and nobody else does.
    #[inline(always)]
    unsafe fn multiply<const PARTS: usize>(
        &self,
        layer: Layer<'_>,
        ring: &Ring<'_, PARTS>,
        group: usize,
        sums: Places,
    ) {
        let weights = layer.weights.group(group);
        let across = groups(ring.from.dims.channels, GROUP);
        assert!(
            weights.len() == layer.windows.taps() * across * 2 * PARTS * TILE
                && ring.data.len() >= Ring::<PARTS>::len(ring.from, ring.rows)
        );
        let (weights, pixels) = (weights.as_ptr().cast::<u8>(), ring.data.as_ptr().cast::<u8>());
        let part = PARTS * tiles::TILE;
        let mut start = 0;
        for &(both, end) in &self.tasks {
            let places = [0, 1].map(|half| both.map(|pixel| sums.of(half, pixel)));
            // SAFETY: weights and packed pixels are as long as asserted above, and runs lie inside them. The caller vouches for the
            // tiles and for where sums go.
            unsafe {
                let a = Operand { start: [weights, weights.add(part)], step: 2 * part, part: tiles::TILE };
                let b = Operand { start: [pixels; 2], step: part, part: tiles::TILE };
                let sums = Sums { start: places, row: sums.channel * size_of::<Lane>() };
                multiply::<PARTS>(a, b, &self.runs[start..end], across, sums, true);
            }
            start = end;
        }
    }
}

/// Writes the sums of a group of channels where they belong, and does what is to be done to them.
///
/// # Safety
/// The processor has the features of `S`, and nobody else uses these rows of the results.
#[inline(always)]
unsafe fn channel_affine<S: Simd>(
    layer: Layer<'_>,
    rows: &Range<usize>,
    group: usize,
    sums: &[Lane],
    out: &Out,
) {
    let (to, stride) = (layer.to, sums.len() / GROUP);
    for channel in group * GROUP..to.channels.min((group + 1) * GROUP) {
        let mut row = rows.start;
        while row < rows.end {
            let (block, first) = (row / to.height, row % to.height);
            let end = rows.end.min((block + 1) * to.height);
            let from = channel % GROUP * stride + (row - rows.start) * to.width;
            let from = &sums[from..][..(end - row) * to.width];
            let place = (block * to.channels + channel) * to.pixels() + first * to.width;
            let values = place..place + from.len();
            // SAFETY: rows of a plane, of this thread alone as the caller vouches.
            unsafe {
                let y = std::slice::from_raw_parts_mut(out.y.add(place), from.len());
                match layer.then {
                    Then::GradientEpilogue(epilogue) => epilogue.values::<S>(y, Some(from), values),
                    Then::Epilogue(epilogue) => {
                        let mask =
                            out.mask.map(|mask| std::slice::from_raw_parts_mut(mask.add(place), from.len()));
                        let residual = epilogue.residual.map(|residual| &residual.data[values]);
                        y.iter_mut().zip(from).for_each(|(y, from)| S::store(y, S::load(from)));
                        epilogue::epilogue_values::<S>(y, residual, epilogue.shift[channel], mask);
                    }
                }
            }
            row = end;
        }
    }
}
