//! Convolution of any kernel size, stride and padding: patches of sixteen images at a time are packed into rows and
//! multiplied with the weights. For strides, 1×1 and large kernels, and for few channels, where Winograd is no help.
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::{
    ConvolutionShape,
    gemm::{self, Panel, Rows, RowsMut, Turned},
    simd::{Kernel, LANES, Lane, Path, Simd, run},
    tensor::{Arena, Blocked, Dims},
};

/// Bytes of packed patches at once: they should stay in the second-level cache. A weight gradient sums over the pixels at
/// once and pays for every sum, so it takes more of them.
const SCRATCH: usize = 384 << 10;
const GRADIENT_SCRATCH: usize = 4 << 20;

/// Partial sums of a weight gradient, however many threads there are: the bits must not depend on them.
const PARTIAL_SUMS: usize = 4;

fn pixels_at_once(rows: usize, pixels: usize, scratch: usize) -> usize {
    let fit = scratch / (rows.max(1) * size_of::<Lane>());
    (fit / 3 * 3).clamp(3, 96).min(pixels.max(1))
}

/// (N, inputs, H, W) → (N, outputs, H', W').
pub(crate) fn convolve(
    x: &Blocked,
    panel: &Panel,
    shape: ConvolutionShape,
    path: Path,
    arena: &Arena,
) -> Blocked {
    let dims = shape.output_dims(x.dims);
    let mut y = arena.blocked(dims);
    let at_once = pixels_at_once(panel.depth, dims.pixels(), SCRATCH);
    y.data.par_chunks_mut(dims.block_len()).enumerate().for_each(|(block, out)| {
        let mut patches = arena.take(panel.depth * at_once);
        for start in (0..dims.pixels()).step_by(at_once) {
            let count = at_once.min(dims.pixels() - start);
            pack(x.block(block), x.dims, shape, dims, start, count, &mut patches);
            let b = Rows { data: &patches, stride: count };
            let out = RowsMut { data: &mut *out, offset: start, stride: dims.pixels() };
            run(path, Outer { panel, b, out, pixels: count });
        }
        arena.give(patches);
    });
    y
}

/// The gradient of the input of a convolution with a stride: products scattered to the pixels they came from.
/// `panel` holds the weights as (input · tap, output).
pub(crate) fn input_gradient(
    g: &Blocked,
    panel: &Panel,
    shape: ConvolutionShape,
    dims: Dims,
    path: Path,
    arena: &Arena,
) -> Blocked {
    let mut gradient = arena.blocked(dims);
    let at_once = pixels_at_once(panel.rows, g.dims.pixels(), SCRATCH);
    gradient.data.par_chunks_mut(dims.block_len()).enumerate().for_each(|(block, to)| {
        to.fill(Lane::ZERO);
        let mut products = arena.take(panel.rows * at_once);
        for start in (0..g.dims.pixels()).step_by(at_once) {
            let count = at_once.min(g.dims.pixels() - start);
            let b = Rows { data: &g.block(block)[start..], stride: g.dims.pixels() };
            let out = RowsMut { data: &mut products, offset: 0, stride: count };
            run(path, Outer { panel, b, out, pixels: count });
            run(path, Scatter { products: &products, shape, from: g.dims, start, count, dims, to: &mut *to });
        }
        arena.give(products);
    });
    gradient
}

/// The gradient of the weights, (outputs, inputs, k, k).
pub(crate) fn weight_gradient(
    x: &Blocked,
    g: &Blocked,
    shape: ConvolutionShape,
    path: Path,
    arena: &Arena,
) -> Vec<f32> {
    let (rows, columns) = (shape.outputs.div_ceil(LANES), shape.depth().div_ceil(LANES));
    let blocks = x.dims.blocks();
    let at_once = pixels_at_once((rows + columns) * LANES, g.dims.pixels(), GRADIENT_SCRATCH);
    let parts = PARTIAL_SUMS.min(blocks);
    let partial = |part: usize| {
        let mut sums = arena.take(shape.outputs * columns);
        sums.fill(Lane::ZERO);
        let mut patches = arena.take(columns * at_once * LANES);
        let mut turned = arena.take(rows * at_once * LANES);
        for block in part * blocks / parts..(part + 1) * blocks / parts {
            for start in (0..g.dims.pixels()).step_by(at_once) {
                let count = at_once.min(g.dims.pixels() - start);
                let range = Range { start, count };
                run(
                    path,
                    TurnPatches {
                        x: x.block(block),
                        from: x.dims,
                        shape,
                        to: g.dims,
                        range,
                        patches: &mut patches,
                    },
                );
                run(path, TurnPlanes { g, block, range, turned: &mut turned });
                let samples = count * LANES;
                let (a, b) =
                    (Turned { data: &turned, stride: samples }, Turned { data: &patches, stride: samples });
                let (rows, columns) = (shape.outputs, shape.depth());
                run(path, Inner { a, rows, b, columns, samples, out: &mut sums });
            }
        }
        arena.give(patches);
        arena.give(turned);
        sums
    };
    let partials: Vec<Vec<Lane>> = (0..parts).into_par_iter().map(partial).collect();
    let total = sum_rows(&partials, shape, columns);
    partials.into_iter().for_each(|sums| arena.give(sums));
    total
}

/// The partial sums' total, without the columns that only fill vectors.
fn sum_rows(partials: &[Vec<Lane>], shape: ConvolutionShape, columns: usize) -> Vec<f32> {
    let mut total = vec![0.0; shape.outputs * shape.depth()];
    total.par_chunks_mut(shape.depth()).enumerate().for_each(|(output, total)| {
        for (vector, total) in total.chunks_mut(LANES).enumerate() {
            for partial in partials {
                let lane = &partial[output * columns + vector].0;
                total.iter_mut().zip(lane).for_each(|(total, value)| *total += value);
            }
        }
    });
    total
}

/// Output pixels that are treated together.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: usize,
    count: usize,
}

/// Patches under a range of output pixels, turned: (input · tap, sample).
struct TurnPatches<'a> {
    x: &'a [Lane],
    from: Dims,
    shape: ConvolutionShape,
    to: Dims,
    range: Range,
    patches: &'a mut [Lane],
}

impl Kernel for TurnPatches<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, from, shape, to, range, patches } = self;
        let (depth, taps) = (shape.depth(), shape.kernel * shape.kernel);
        for (group, patches) in
            patches.chunks_mut(range.count * LANES).take(depth.div_ceil(LANES)).enumerate()
        {
            let here = LANES.min(depth - group * LANES);
            // Plane, row and column of each tap of the group.
            let places: [(usize, usize, usize); LANES] = std::array::from_fn(|i| {
                let row = group * LANES + i.min(here - 1);
                (row / taps * from.pixels(), row % taps / shape.kernel, row % shape.kernel)
            });
            for (index, patch) in patches.chunks_exact_mut(LANES).enumerate() {
                let pixel = range.start + index;
                let (top, left) = (pixel / to.width * shape.stride, pixel % to.width * shape.stride);
                // SAFETY: the caller vouches for the features.
                unsafe {
                    let mut rows = [S::splat(0.0); LANES];
                    for (row, (plane, down, across)) in rows.iter_mut().zip(places).take(here) {
                        let y = (top + down).wrapping_sub(shape.padding);
                        let column = (left + across).wrapping_sub(shape.padding);
                        if y < from.height && column < from.width {
                            *row = S::load(&x[plane + y * from.width + column]);
                        }
                    }
                    gemm::turn::<S>(rows, patch);
                }
            }
        }
    }
}

/// A range of pixels of a block's planes, turned: (channel, sample).
struct TurnPlanes<'a> {
    g: &'a Blocked,
    block: usize,
    range: Range,
    turned: &'a mut [Lane],
}

impl Kernel for TurnPlanes<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { g, block, range, turned } = self;
        let channels = g.dims.channels;
        for (group, turned) in
            turned.chunks_mut(range.count * LANES).take(channels.div_ceil(LANES)).enumerate()
        {
            let first = group * LANES;
            for (index, to) in turned.chunks_exact_mut(LANES).enumerate() {
                // SAFETY: the caller vouches for the features.
                unsafe {
                    let mut rows = [S::splat(0.0); LANES];
                    for (i, row) in rows.iter_mut().enumerate().take(channels - first) {
                        *row = S::load(&g.plane(block, first + i)[range.start + index]);
                    }
                    gemm::turn::<S>(rows, to);
                }
            }
        }
    }
}

/// Patches under `count` output pixels from `start` on, as rows (input · tap) of `count` vectors.
#[allow(clippy::too_many_arguments, reason = "two sizes and a range of pixels have no common name")]
fn pack(
    x: &[Lane],
    from: Dims,
    shape: ConvolutionShape,
    to: Dims,
    start: usize,
    count: usize,
    patches: &mut [Lane],
) {
    let taps = shape.kernel * shape.kernel;
    for (row, patch) in patches.chunks_exact_mut(count).take(from.channels * taps).enumerate() {
        let plane = &x[row / taps * from.pixels()..][..from.pixels()];
        let (down, across) = (row % taps / shape.kernel, row % shape.kernel);
        for (index, value) in patch.iter_mut().enumerate() {
            let pixel = start + index;
            let y = (pixel / to.width * shape.stride + down).wrapping_sub(shape.padding);
            let x = (pixel % to.width * shape.stride + across).wrapping_sub(shape.padding);
            *value = if y < from.height && x < from.width { plane[y * from.width + x] } else { Lane::ZERO };
        }
    }
}

/// [`gemm::inner`] as a kernel of its own.
struct Inner<'a> {
    a: Turned<'a>,
    rows: usize,
    b: Turned<'a>,
    columns: usize,
    samples: usize,
    out: &'a mut [Lane],
}

impl Kernel for Inner<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller vouches for the features.
        unsafe { gemm::inner::<S>(self.a, self.rows, self.b, self.columns, self.samples, false, self.out) }
    }
}

struct Outer<'a> {
    panel: &'a Panel,
    b: Rows<'a>,
    out: RowsMut<'a>,
    pixels: usize,
}

impl Kernel for Outer<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let Panel { data, rows, depth } = self.panel;
        // SAFETY: the caller vouches for the features.
        unsafe { gemm::outer::<S>(data, *rows, *depth, self.b, &mut self.out, self.pixels) }
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
        let taps = shape.kernel * shape.kernel;
        for (row, products) in products.chunks_exact(count).take(dims.channels * taps).enumerate() {
            let plane = &mut to[row / taps * dims.pixels()..][..dims.pixels()];
            let (down, across) = (row % taps / shape.kernel, row % shape.kernel);
            for (index, product) in products.iter().enumerate() {
                let pixel = start + index;
                let y = (pixel / from.width * shape.stride + down).wrapping_sub(shape.padding);
                let x = (pixel % from.width * shape.stride + across).wrapping_sub(shape.padding);
                if y < dims.height && x < dims.width {
                    let pixel = &mut plane[y * dims.width + x];
                    // SAFETY: the caller vouches for the features.
                    unsafe { S::store(pixel, S::add(S::load(pixel), S::load(product))) };
                }
            }
        }
    }
}
