//! Resizing by area-weighted interpolation: a triangle as wide as two source pixels, or as two target pixels where those are larger. Rows
//! first, then columns, in whole numbers, so that every machine gives the same bytes.

use super::{
    decode::RgbImage,
    framing::{Framing, Rectangle},
};

/// Weights are multiples of 2⁻²², as Pillow's.
const BITS: u32 = 22;

/// The weights of the source pixels of each target pixel, as many for each.
struct Weights {
    taps: usize,
    /// First source pixel of each target pixel.
    starts: Vec<usize>,
    /// `[target][tap]`; zeros where fewer pixels than most have a part.
    weights: Vec<i32>,
}

impl Weights {
    /// Of the target pixels `first..first + count`, where `from` pixels become `to`.
    fn new(from: usize, to: usize, first: usize, count: usize) -> Self {
        let scale = from as f64 / to as f64;
        let reach = scale.max(1.0);
        let centre = |target: usize| (target as f64 + 0.5) * scale;
        let reached = |target: usize| {
            let low = (centre(target) - reach + 0.5).max(0.0) as usize;
            low..((centre(target) + reach + 0.5) as usize).min(from)
        };
        let targets = first..first + count;
        let taps = targets.clone().map(|target| reached(target).len()).max().unwrap_or(0);
        let (mut starts, mut weights) = (Vec::with_capacity(count), vec![0; count * taps]);
        for (target, weights) in targets.zip(weights.chunks_exact_mut(taps.max(1))) {
            let (centre, reached) = (centre(target), reached(target));
            let triangle = |source: usize| (1.0 - ((source as f64 + 0.5 - centre) / reach).abs()).max(0.0);
            let sum: f64 = reached.clone().map(triangle).sum();
            let start = reached.start.min(from - taps);
            for source in reached {
                weights[source - start] = (triangle(source) / sum * f64::from(1 << BITS)).round() as i32;
            }
            starts.push(start);
        }
        Self { taps, starts, weights }
    }

    /// First source pixel and weights of each target pixel.
    fn rows(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.starts.iter().copied().zip(self.weights.chunks_exact(self.taps.max(1)))
    }

    /// The source pixels that have a part in any target pixel.
    fn span(&self) -> (usize, usize) {
        let [low, high] = [self.starts.first(), self.starts.last()].map(|start| start.copied().unwrap_or(0));
        (low, high + self.taps)
    }
}

/// Writes the part of an image that a framing names to `out`, planes (3, side, side) in [0, 1].
pub(super) fn resample(image: &RgbImage, framing: &Framing, side: usize, out: &mut [f32]) {
    let Rectangle { left, top, width, height } = framing.of;
    let rows = Weights::new(height, framing.height, framing.top, side);
    let mut columns = Weights::new(width, framing.width, framing.left, side);
    let (low, high) = columns.span();
    columns.starts.iter_mut().for_each(|start| *start -= low);
    let line = Line { image, left: 3 * (left + low), len: 3 * (high - low), top };
    pulp::Arch::new().dispatch(Resample { line, rows, columns, mirrored: framing.mirrored, side, out });
}

/// Where the source rows lie.
struct Line<'a> {
    image: &'a RgbImage,
    left: usize,
    len: usize,
    top: usize,
}

/// Both passes over an image, vectorised for the machine.
struct Resample<'a> {
    line: Line<'a>,
    rows: Weights,
    columns: Weights,
    mirrored: bool,
    side: usize,
    out: &'a mut [f32],
}

impl pulp::WithSimd for Resample<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { line, rows, columns, mirrored, side, out } = self;
        // One value more than the line has, for `across` reads four at a pixel.
        let mut values = vec![0; line.len + 1];
        let mut pixels = vec![[0; 4]; side];
        let (red, others) = out.split_at_mut(side * side);
        let (green, blue) = others.split_at_mut(side * side);
        for (y, (first, weights)) in rows.rows().enumerate() {
            blend(&line, first, weights, &mut values[..line.len]);
            across(&values, &columns, &mut pixels);
            if mirrored {
                pixels.reverse();
            }
            let line = y * side..(y + 1) * side;
            let colours = red[line.clone()].iter_mut().zip(&mut green[line.clone()]).zip(&mut blue[line]);
            for (((red, green), blue), pixel) in colours.zip(&pixels) {
                [*red, *green, *blue] = [0, 1, 2].map(|plane| pixel[plane] as f32 / 255.0);
            }
        }
    }
}

/// The weighted sum of rows from the `first` on.
#[inline(always)]
fn blend(line: &Line<'_>, first: usize, weights: &[i32], values: &mut [i32]) {
    values.fill(1 << (BITS - 1));
    for (row, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0) {
        let start = (line.top + first + row) * 3 * line.image.width + line.left;
        let source = &line.image.pixels[start..start + line.len];
        for (sum, &byte) in values.iter_mut().zip(source) {
            *sum += i32::from(byte) * weight;
        }
    }
    values.iter_mut().for_each(|sum| *sum = byte(*sum));
}

/// Resizes a row. Each pixel's three colours and the next one's first, which nobody reads, fill a vector.
#[inline(always)]
fn across(values: &[i32], columns: &Weights, pixels: &mut [[i32; 4]]) {
    // Loops of known length, for what photographs usually take.
    match columns.taps {
        2 => across_of::<2>(values, columns, pixels),
        3 => across_of::<3>(values, columns, pixels),
        4 => across_of::<4>(values, columns, pixels),
        5 => across_of::<5>(values, columns, pixels),
        6 => across_of::<6>(values, columns, pixels),
        _ => across_of::<0>(values, columns, pixels),
    }
}

/// [`across`] with so many weights for a pixel; zero stands for any number.
#[inline(always)]
fn across_of<const TAPS: usize>(values: &[i32], columns: &Weights, pixels: &mut [[i32; 4]]) {
    for (pixel, (start, weights)) in pixels.iter_mut().zip(columns.rows()) {
        let taps = if TAPS > 0 { TAPS } else { weights.len() };
        let (sources, weights) = (&values[3 * start..][..3 * taps + 1], &weights[..taps]);
        let mut sums = [1 << (BITS - 1); 4];
        for tap in 0..taps {
            let source = &sources[3 * tap..3 * tap + 4];
            sums.iter_mut().zip(source).for_each(|(sum, &value)| *sum += value * weights[tap]);
        }
        *pixel = sums.map(byte);
    }
}

/// A sum of weighted bytes, rounded to a byte.
#[inline(always)]
fn byte(sum: i32) -> i32 {
    (sum >> BITS).clamp(0, 255)
}
