//! The low-pass of two planes at a time, as the parts of a complex one.
//!
//! Every mask is real and symmetric under frequency negation, and the cosine transform is real: real and imaginary parts
//! stay apart.

use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex64};

use crate::{DctCorner, Error, Shape};

/// A plan for complex planes (H, W).
pub(crate) enum LowPass {
    Fourier(Box<Fourier>),
    Cosine(DctCorner),
}

pub(crate) struct Fourier {
    height: usize,
    width: usize,
    rows: Both,
    columns: Both,
    /// The columns v of the spectrum that hold low frequencies.
    low_columns: Vec<usize>,
    /// m / (H·W) of these columns, (columns, H).
    weights: Vec<f64>,
}

/// Transforms of a length, there and back.
struct Both {
    forward: Arc<dyn Fft<f64>>,
    back: Arc<dyn Fft<f64>>,
}

/// Working memory of a thread.
#[derive(Default)]
pub(crate) struct Spare {
    /// Columns of a transform, (columns, H).
    lines: Vec<Complex64>,
    inner: Vec<Complex64>,
    plane: Vec<f64>,
}

impl LowPass {
    pub(crate) fn new(shape: Shape, height: usize, width: usize, radius: usize) -> Result<Self, Error> {
        if shape == Shape::Dct {
            return Ok(Self::Cosine(DctCorner::new(height, width, radius)?));
        }
        if height < 2 || width < 2 {
            return Err(Error::PlaneTooSmall { height, width });
        }
        Ok(Self::Fourier(Box::new(Fourier::new(&shape.low(height, width, radius), height, width))))
    }

    pub(crate) fn spare(&self) -> Spare {
        match self {
            Self::Cosine(_) => Spare::default(),
            Self::Fourier(fourier) => fourier.spare(),
        }
    }

    /// In place.
    pub(crate) fn keep_low(&self, field: &mut [Complex64], spare: &mut Spare) {
        match self {
            Self::Fourier(fourier) => fourier.keep_low(field, spare),
            Self::Cosine(corner) => keep_corner(corner, field, &mut spare.plane),
        }
    }
}

fn keep_corner(corner: &DctCorner, field: &mut [Complex64], plane: &mut Vec<f64>) {
    let parts: [fn(&mut Complex64) -> &mut f64; 2] = [|value| &mut value.re, |value| &mut value.im];
    for part in parts {
        plane.clear();
        plane.extend(field.iter_mut().map(|value| *part(value)));
        corner.keep_low(plane);
        field.iter_mut().zip(&*plane).for_each(|(value, low)| *part(value) = *low);
    }
}

impl Fourier {
    /// From what is low in the shifted spectrum.
    fn new(low: &[bool], height: usize, width: usize) -> Self {
        let is_low = |u: usize, v: usize| low[(u + height / 2) % height * width + (v + width / 2) % width];
        let low_columns: Vec<usize> = (0..width).filter(|&v| (0..height).any(|u| is_low(u, v))).collect();
        let scale = 1.0 / (height * width) as f64;
        let weights = low_columns.iter().flat_map(|&v| (0..height).map(move |u| (u, v)));
        let weights = weights.map(|(u, v)| if is_low(u, v) { scale } else { 0.0 }).collect();
        Self { height, width, rows: Both::new(width), columns: Both::new(height), low_columns, weights }
    }

    fn spare(&self) -> Spare {
        Spare {
            lines: vec![Complex64::default(); self.weights.len()],
            inner: vec![Complex64::default(); self.rows.scratch().max(self.columns.scratch())],
            plane: Vec::new(),
        }
    }

    fn keep_low(&self, field: &mut [Complex64], spare: &mut Spare) {
        let Spare { lines, inner, .. } = spare;
        if self.low_columns.is_empty() {
            return field.fill(Complex64::default());
        }
        self.rows.forward.process_with_scratch(field, inner);
        for (line, &v) in lines.chunks_exact_mut(self.height).zip(&self.low_columns) {
            line.iter_mut().zip(field[v..].iter().step_by(self.width)).for_each(|(to, from)| *to = *from);
        }
        self.columns.forward.process_with_scratch(lines, inner);
        lines.iter_mut().zip(&self.weights).for_each(|(value, weight)| *value *= weight);
        self.columns.back.process_with_scratch(lines, inner);
        field.fill(Complex64::default());
        for (line, &v) in lines.chunks_exact(self.height).zip(&self.low_columns) {
            field[v..].iter_mut().step_by(self.width).zip(line).for_each(|(to, from)| *to = *from);
        }
        self.rows.back.process_with_scratch(field, inner);
    }
}

impl Both {
    fn new(length: usize) -> Self {
        let mut planner = FftPlanner::new();
        Self { forward: planner.plan_fft_forward(length), back: planner.plan_fft_inverse(length) }
    }

    fn scratch(&self) -> usize {
        self.forward.get_inplace_scratch_len().max(self.back.get_inplace_scratch_len())
    }
}
