//! Resizing as Pillow does it: each row first, then each column, as weighted sums of bytes in whole numbers, rounded to bytes in between. So
//! every machine gives the same bytes, and they are Pillow's.

mod across;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod weights;

use jpeg::Part;

use self::{
    across::{AT_ONCE, Across},
    weights::{BITS, Weights, rounded},
};
use super::{
    framing::{Framing, Rectangle},
    interpolation::Interpolation,
};

/// How the part of an image that a framing names becomes one of so many rows and columns.
pub(super) struct Plan {
    part: Part,
    rows: Weights,
    columns: Weights,
    mirrored: bool,
    side: usize,
}

impl Plan {
    pub(super) fn new(framing: &Framing, filter: Interpolation, side: usize) -> Self {
        let Rectangle { left, top, width, height } = framing.of;
        let mut columns = Weights::new(filter, width, framing.width, framing.left, side);
        let mut rows = Weights::new(filter, height, framing.height, framing.top, side);
        let [across, down] = [&mut columns, &mut rows].map(|weights| {
            let (low, high) = weights.span();
            weights.starts.iter_mut().for_each(|start| *start -= low);
            (low, high - low)
        });
        let part = Part { left: left + across.0, top: top + down.0, width: across.1, height: down.1 };
        Self { part, rows, columns, mirrored: framing.mirrored, side }
    }

    /// The pixels that have a part in the result.
    pub(super) fn part(&self) -> Part {
        self.part
    }
}

/// The rows of an image, made as wide as the result one after another.
pub(super) struct Narrow<'a> {
    plan: &'a Plan,
    /// Rows that wait for company.
    waiting: Vec<[u8; 4]>,
    /// The pixels of such rows side by side.
    beside: Vec<[[u8; 4]; AT_ONCE]>,
    /// Rows of `side` pixels.
    rows: Vec<[u8; 4]>,
}

impl<'a> Narrow<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        let Part { width, height, .. } = plan.part;
        Self {
            plan,
            waiting: Vec::with_capacity(AT_ONCE * width),
            beside: vec![[[0; 4]; AT_ONCE]; width],
            rows: Vec::with_capacity(height.next_multiple_of(AT_ONCE) * plan.side),
        }
    }

    /// Takes the next row of the plan's part.
    pub(super) fn take(&mut self, row: &[[u8; 4]]) {
        self.waiting.extend_from_slice(row);
        if self.waiting.len() == AT_ONCE * self.plan.part.width {
            self.across();
        }
    }

    fn across(&mut self) {
        let Self { plan, waiting, beside, rows } = self;
        waiting.resize(AT_ONCE * plan.part.width, [0; 4]);
        let (one, rest) = waiting.split_at(beside.len());
        let (two, rest) = rest.split_at(beside.len());
        let (three, four) = rest.split_at(beside.len());
        for ((((beside, one), two), three), four) in beside.iter_mut().zip(one).zip(two).zip(three).zip(four)
        {
            *beside = [*one, *two, *three, *four];
        }
        let start = rows.len();
        rows.resize(start + AT_ONCE * plan.side, [0; 4]);
        let Plan { ref columns, mirrored, side, .. } = **plan;
        across(Across { columns, mirrored, beside, side, out: &mut rows[start..] });
        waiting.clear();
    }

    /// Writes the result to `out`, planes (3, side, side) in [0, 1], once all rows are there.
    pub(super) fn finish(mut self, out: &mut [f32]) {
        if !self.waiting.is_empty() {
            self.across();
        }
        pulp::Arch::new().dispatch(Down { plan: self.plan, narrow: &self.rows, out });
    }
}

/// The pass over rows, by what the machine can do.
fn across(pass: Across<'_>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(vectors) = pulp::x86::V3::try_new() {
        return vectors.vectorize(avx2::Vectors(pass, vectors));
    }
    pass.with(|sources, weights| {
        let mut sums = [[1 << (BITS - 1); 4]; AT_ONCE];
        for (source, &weight) in sources.iter().zip(weights) {
            for (sum, &byte) in sums.as_flattened_mut().iter_mut().zip(source.as_flattened()) {
                *sum += i32::from(byte) * weight;
            }
        }
        sums.map(|pixel| pixel.map(|sum| rounded(sum) as u8))
    });
}

/// The pass over columns, vectorised for the machine.
struct Down<'a> {
    plan: &'a Plan,
    narrow: &'a [[u8; 4]],
    out: &'a mut [f32],
}

impl pulp::WithSimd for Down<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { plan: &Plan { ref rows, side, .. }, narrow, out } = self;
        let mut line = vec![0; 4 * side];
        let (red, others) = out.split_at_mut(side * side);
        let (green, blue) = others.split_at_mut(side * side);
        for (y, (first, weights)) in rows.targets().enumerate() {
            blend(narrow[first * side..].as_flattened(), weights, &mut line);
            let of = y * side..(y + 1) * side;
            let colours = red[of.clone()].iter_mut().zip(&mut green[of.clone()]).zip(&mut blue[of]);
            for (((red, green), blue), pixel) in colours.zip(line.as_chunks::<4>().0) {
                [*red, *green, *blue] = [0, 1, 2].map(|plane| unit(pixel[plane]));
            }
        }
    }
}

/// The weighted sum of rows as long as the result, rounded to bytes.
#[inline(always)]
fn blend(rows: &[u8], weights: &[i32], line: &mut [i32]) {
    line.fill(1 << (BITS - 1));
    let rows = rows.chunks_exact(line.len());
    for (row, &weight) in rows.zip(weights).filter(|(_, weight)| **weight != 0) {
        line.iter_mut().zip(row).for_each(|(sum, &byte)| *sum += i32::from(byte) * weight);
    }
    line.iter_mut().for_each(|sum| *sum = rounded(*sum));
}

/// A byte as a number in [0, 1], as division by 255 gives it.
#[inline(always)]
fn unit(byte: i32) -> f32 {
    // Vectors multiply faster than they divide, and in double precision the product rounds to the same.
    (f64::from(byte) * (1.0 / 255.0)) as f32
}

#[cfg(test)]
mod tests {
    use super::unit;

    #[test]
    fn bytes_become_the_numbers_that_division_gives() {
        (0..=255).for_each(|byte: u8| assert_eq!(unit(byte.into()), f32::from(byte) / 255.0, "{byte}"));
    }
}
