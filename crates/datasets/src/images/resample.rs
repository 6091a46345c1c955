//! Resizing by area-weighted interpolation: a triangle as wide as two source pixels, or as two target pixels where those are larger. Rows
//! first, then columns, in whole numbers, so that every machine gives the same bytes.

use super::{
    decode::RgbImage,
    framing::{Framing, Rectangle},
};

/// Weights are multiples of 2⁻²², as Pillow's.
const BITS: u32 = 22;

/// The weights of the source pixels of each target pixel.
struct Weights {
    /// First source pixel, and where its weights start.
    starts: Vec<(usize, usize)>,
    weights: Vec<i32>,
}

impl Weights {
    /// Of the target pixels `first..first + count`, where `from` pixels become `to`.
    fn new(from: usize, to: usize, first: usize, count: usize) -> Self {
        let scale = from as f64 / to as f64;
        let reach = scale.max(1.0);
        let (mut starts, mut weights) = (Vec::with_capacity(count), Vec::new());
        for target in first..first + count {
            let centre = (target as f64 + 0.5) * scale;
            let low = (centre - reach + 0.5).max(0.0) as usize;
            let high = ((centre + reach + 0.5) as usize).min(from);
            let triangle = |source: usize| (1.0 - ((source as f64 + 0.5 - centre) / reach).abs()).max(0.0);
            let sum: f64 = (low..high).map(triangle).sum();
            starts.push((low, weights.len()));
            let whole = |weight: f64| (weight / sum * f64::from(1 << BITS)).round() as i32;
            weights.extend((low..high).map(|source| whole(triangle(source))));
        }
        Self { starts, weights }
    }

    /// First source pixel and weights of each target pixel.
    fn rows(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let ends = self.starts.iter().skip(1).map(|start| start.1).chain([self.weights.len()]);
        self.starts.iter().zip(ends).map(|(&(low, start), end)| (low, &self.weights[start..end]))
    }

    /// The source pixels that have a part in any target pixel.
    fn span(&self) -> (usize, usize) {
        let low = self.starts.first().map_or(0, |start| start.0);
        (low, self.rows().map(|(low, weights)| low + weights.len()).max().unwrap_or(low))
    }
}

/// Writes the part of an image that a framing names to `out`, planes (3, side, side) in [0, 1].
pub(super) fn resample(image: &RgbImage, framing: &Framing, side: usize, out: &mut [f32]) {
    let Rectangle { left, top, width, height } = framing.of;
    let rows = Weights::new(height, framing.height, framing.top, side);
    let mut columns = Weights::new(width, framing.width, framing.left, side);
    let (low, high) = columns.span();
    columns.starts.iter_mut().for_each(|start| start.0 -= low);
    let line = Line { image, left: 3 * (left + low), len: 3 * (high - low), top };
    let mut sums = vec![0; line.len];
    let mut bytes = vec![0; line.len];
    for (y, (first, weights)) in rows.rows().enumerate() {
        pulp::Arch::new().dispatch(Blend { line: &line, first, weights, sums: &mut sums, bytes: &mut bytes });
        across(&bytes, &columns, framing.mirrored, &mut |x, plane, value| {
            out[(plane * side + y) * side + x] = f32::from(value) / 255.0;
        });
    }
}

/// Where the source rows lie.
struct Line<'a> {
    image: &'a RgbImage,
    left: usize,
    len: usize,
    top: usize,
}

/// A weighted sum of rows, vectorised for the machine.
struct Blend<'a> {
    line: &'a Line<'a>,
    first: usize,
    weights: &'a [i32],
    sums: &'a mut [i32],
    bytes: &'a mut [u8],
}

impl pulp::WithSimd for Blend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { line, first, weights, sums, bytes } = self;
        sums.fill(1 << (BITS - 1));
        for (row, &weight) in weights.iter().enumerate() {
            let start = (line.top + first + row) * 3 * line.image.width + line.left;
            let source = &line.image.pixels[start..start + line.len];
            for (sum, &byte) in sums.iter_mut().zip(source) {
                *sum += i32::from(byte) * weight;
            }
        }
        for (byte, &sum) in bytes.iter_mut().zip(sums.iter()) {
            *byte = (sum >> BITS).clamp(0, 255) as u8;
        }
    }
}

/// Resizes a row; `put` takes column, plane and value.
#[inline(always)]
fn across(bytes: &[u8], columns: &Weights, mirrored: bool, put: &mut impl FnMut(usize, usize, u8)) {
    let last = columns.starts.len().saturating_sub(1);
    for (x, (low, weights)) in columns.rows().enumerate() {
        let mut sums = [1 << (BITS - 1); 3];
        for (pixel, &weight) in bytes[3 * low..].chunks_exact(3).zip(weights) {
            sums.iter_mut().zip(pixel).for_each(|(sum, &byte)| *sum += i32::from(byte) * weight);
        }
        let x = if mirrored { last - x } else { x };
        sums.iter().enumerate().for_each(|(plane, sum)| put(x, plane, (sum >> BITS).clamp(0, 255) as u8));
    }
}
