//! The colour bar beside a map: which value each colour stands for.

use plotters::prelude::DrawingBackend;

use crate::{
    axis::value_ticks,
    canvas::{Anchor, Canvas, Drawn, Ink},
    ink::INK,
    palette::viridis,
    text::size,
};

const TICK: Ink = Ink { size: size::TICK, color: INK };
const LABEL: Ink = Ink { size: size::LABEL, color: INK };

/// Where a bar is, in logical pixels, and what its ends stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColorBar {
    /// Left and right.
    pub(crate) sides: (f64, f64),
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    /// The values of the darkest and the lightest colour.
    pub(crate) range: (f64, f64),
}

impl ColorBar {
    /// Draws it with ticks on its right, and what it shows as a text that reads upwards at `label_at`.
    pub(crate) fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        label: &str,
        label_at: f64,
    ) -> Drawn<B> {
        // Its steps are finer than the eye's, and each reaches under the next ones, or smoothed edges would let the page through.
        let (steps, height, (left, right)) = (190, self.bottom - self.top, self.sides);
        for step in 0..steps {
            let lower = self.bottom - height * f64::from(step) / f64::from(steps);
            let value = (f64::from(step) + 0.5) / f64::from(steps);
            canvas.rectangle((left, self.top), (right, lower), viridis(value))?;
        }
        canvas.frame((left, self.top), (right, self.bottom))?;
        let (low, high) = self.range;
        for (value, label) in value_ticks(self.range, 5) {
            let y = self.bottom - (value - low) / (high - low) * height;
            canvas.rule((right, y), (right + 4.0, y), INK)?;
            canvas.text(label, (right + 8.0, y), TICK, Anchor::Left)?;
        }
        canvas.upward_text(label, (label_at, 0.5 * (self.top + self.bottom)), LABEL)
    }
}
