//! Convolution of any kernel size, stride and padding: patches of sixteen images at a time are packed into rows and
//! multiplied with the weights. For strides, 1×1 and large kernels, and for few channels, where Winograd is no help.
#![allow(unsafe_code)]

use super::{
    ConvolutionShape,
    epilogue::Then,
    factors::{FULL, PAIRS, run_with},
    gemm::{Finish, Out, Outer, Panel, Rows},
    patches::{Pack, PackPairs, PairRows, Patch, pixels_at_once},
    simd::{InstructionSet, Kernel, Lane, Simd, run},
    tensor::{Arena, Blocked, Dims, Mask},
};
use crate::{parallel::for_each_part, strips::Strip};

/// Bytes of packed patches at once: they should stay in the second-level cache.
const SCRATCH: usize = 384 << 10;

/// Pieces that work is cut into at least, if it can be: enough for many threads, and however many there are.
const PIECES: usize = 32;

/// Channels that make whole groups of a panel's rows, whatever the kernel and the instruction set.
const WHOLE_GROUPS: usize = 8;

/// (N, inputs, H, W) → (N, outputs, H', W'), with a panel for each group; then what follows, while the results are in registers. The
/// mask is there if that has ReLU.
pub(crate) fn convolve(
    x: &Blocked,
    panels: &[Panel],
    shape: ConvolutionShape,
    then: Then<'_>,
    instructions: InstructionSet,
    arena: &Arena,
) -> (Blocked, Option<Mask>) {
    let (dims, groups, part) = (shape.output_dims(x.dims), shape.groups, shape.part());
    let from = Dims { channels: part.inputs, ..x.dims };
    let mut y = arena.blocked(dims);
    let mut mask = then.has_relu().then(|| arena.take_mask(dims.len()));
    let length = dims.block_len() / groups;
    let summands = panels[0].summands();
    let at_once = pixels_at_once(summands, dims.pixels(), SCRATCH);
    let mut pieces = cut(&mut y, &mut mask, groups, at_once);
    for_each_part(&mut pieces, 1, |_, pieces| {
        let Piece { index, out } = &mut pieces[0];
        let (x, panel) = (x.part(*index, groups), &panels[*index % groups]);
        let finish = then.of_part(*index, groups, [part.outputs, length]);
        let mut patches = arena.take(summands * at_once);
        for start in (0..out.values.width()).step_by(at_once) {
            let count = at_once.min(out.values.width() - start);
            let patch = Patch { from, shape: part, to: dims, start: out.values.place(0) + start, count };
            if panel.factors == PAIRS {
                run_with::<PAIRS, _>(instructions, PackPairs { x, patch, panels: &mut patches });
            } else {
                run(instructions, Pack { x, patch, panels: &mut patches });
            }
            let b = Rows::Panels { data: &patches };
            outer(instructions, panel, 0, b, out.part(start, count), finish);
        }
        arena.give(patches);
    });
    drop(pieces);
    (y, mask)
}

/// Some pixels of one part of the channels of a block; parts are counted through all blocks.
struct Piece<'a> {
    index: usize,
    out: Out<'a>,
}

/// All parts of the channels of all blocks, cut into pieces of so many pixels, or a multiple of that.
fn cut<'a>(y: &'a mut Blocked, mask: &'a mut Option<Mask>, groups: usize, at_once: usize) -> Vec<Piece<'a>> {
    let (pixels, parts) = (y.dims.pixels(), y.dims.blocks() * groups);
    let length = y.dims.block_len() / groups;
    let each = pixels.div_ceil(PIECES.div_ceil(parts)).next_multiple_of(at_once);
    let masks = Mask::chunks(mask, length, parts);
    let mut pieces = Vec::new();
    for (index, (values, mask)) in y.data.chunks_mut(length).zip(masks).enumerate() {
        let mut masks = mask.map(|mask| Strip::whole(mask, pixels).cut(each).into_iter());
        let strips = Strip::whole(values, pixels).cut(each).into_iter();
        pieces.extend(strips.map(|values| {
            let mask = masks.as_mut().and_then(Iterator::next);
            Piece { index, out: Out { values, mask } }
        }));
    }
    pieces
}

/// The gradient of the input of a convolution that changes the size: products scattered to the pixels they came from.
/// `panels` hold the weights of each group as (input · tap, output).
pub(crate) fn scatter(
    g: &Blocked,
    panels: &[Panel],
    shape: ConvolutionShape,
    dims: Dims,
    instructions: InstructionSet,
    arena: &Arena,
) -> Blocked {
    let (groups, part) = (shape.groups, shape.part());
    let mut gradient = arena.blocked(dims);
    let parts = dims.blocks() * groups;
    let channels = part.inputs.div_ceil(PIECES.div_ceil(parts)).next_multiple_of(WHOLE_GROUPS);
    let most = channels.min(part.inputs) * part.taps();
    let at_once = pixels_at_once(most, g.dims.pixels(), SCRATCH);
    let of_parts = gradient.data.chunks_mut(dims.block_len() / groups).enumerate();
    let mut pieces: Vec<(usize, usize, &mut [Lane])> = of_parts
        .flat_map(|(index, planes)| {
            let pieces = planes.chunks_mut(channels * dims.pixels()).enumerate();
            pieces.map(move |(piece, planes)| (index, piece * channels, planes))
        })
        .collect();
    for_each_part(&mut pieces, 1, |_, pieces| {
        let (index, first, to) = &mut pieces[0];
        let (from, panel, first) = (g.part(*index, groups), &panels[*index % groups], *first * part.taps());
        let to_dims = Dims { channels: to.len() / dims.pixels(), ..dims };
        let rows = to_dims.channels * part.taps();
        to.fill(Lane::ZERO);
        let mut products = arena.take(rows * at_once);
        let mut pairs = arena.take(if panel.factors == PAIRS { panel.summands() * at_once } else { 0 });
        for start in (0..g.dims.pixels()).step_by(at_once) {
            let count = at_once.min(g.dims.pixels() - start);
            let data = &from[start..];
            let mut b = Rows::Apart { data, stride: g.dims.pixels() };
            if panel.factors == PAIRS {
                let (depth, stride) = (panel.depth, g.dims.pixels());
                let rows = PairRows { data, stride, depth, count, pairs: &mut pairs };
                run_with::<PAIRS, _>(instructions, rows);
                b = Rows::Apart { data: &pairs, stride: count };
            }
            let values = Strip::whole(&mut products[..rows * count], count);
            outer(instructions, panel, first, b, Out { values, mask: None }, Finish::default());
            let (products, from) = (&products[..], g.dims);
            let scatter = Scatter { products, shape: part, from, start, count, dims: to_dims, to };
            run(instructions, scatter);
        }
        arena.give(products);
        arena.give(pairs);
    });
    drop(pieces);
    gradient
}

/// [`Outer`] of a panel's kind.
fn outer(
    instructions: InstructionSet,
    panel: &Panel,
    first: usize,
    b: Rows<'_>,
    out: Out<'_>,
    finish: Finish<'_>,
) {
    if panel.factors == PAIRS {
        run_with::<PAIRS, _>(instructions, Outer::<PAIRS> { panel, first, b, out, finish });
    } else {
        run(instructions, Outer::<FULL> { panel, first, b, out, finish });
    }
}

struct Scatter<'a> {
    products: &'a [Lane],
    shape: ConvolutionShape,
    from: Dims,
    start: usize,
    count: usize,
    dims: Dims,
    to: &'a mut [Lane],
}

impl Kernel for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { products, shape, from, start, count, dims, to } = self;
        let (taps, columns, [above, before]) = (shape.taps(), shape.kernel[1], shape.padding);
        for (row, products) in products.chunks_exact(count).take(dims.channels * taps).enumerate() {
            let plane = &mut to[row / taps * dims.pixels()..][..dims.pixels()];
            let (down, across) = (row % taps / columns, row % columns);
            for (index, product) in products.iter().enumerate() {
                let pixel = start + index;
                let y = (pixel / from.width * shape.stride + down).wrapping_sub(above);
                let x = (pixel % from.width * shape.stride + across).wrapping_sub(before);
                if y < dims.height && x < dims.width {
                    let pixel = &mut plane[y * dims.width + x];
                    // SAFETY: the caller vouches for the features.
                    unsafe { S::store(pixel, S::add(S::load(pixel), S::load(product))) };
                }
            }
        }
    }
}
