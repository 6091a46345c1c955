//! Samples of curves with their names, in rows above the curves so that they never cover them.

use plotters::prelude::{DrawingBackend, RGBColor};

use crate::{
    canvas::{Anchor, Canvas, Drawn, Ink, Point},
    ink::INK,
    palette::{Look, SHADE},
    text::{shorten, size, width},
};

const NAME: Ink = Ink { size: size::TICK, color: INK };
/// Length of a sample.
const SAMPLE: f64 = 30.0;
/// Between a sample and its name.
const GAP: f64 = 6.0;
/// Between entries of a row.
const BETWEEN: f64 = 20.0;
/// Distance of rows.
const ROW: f64 = 19.0;

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
enum Sample {
    /// A curve: line and mark.
    Curve(Look),
    /// The shaded bands of all curves.
    Shade,
}

/// Names with their places relative to the legend's upper left corner.
#[derive(Debug, Clone)]
pub(crate) struct Legend {
    entries: Vec<(Sample, String, Point)>,
    rows: usize,
}

impl Legend {
    /// One entry a curve, and one for the shaded bands if there are any; rows of at most `most` logical pixels.
    pub(crate) fn new<'a>(curves: impl Iterator<Item = &'a str>, shade: Option<&'a str>, most: f64) -> Self {
        let samples = curves.enumerate().map(|(index, name)| (Sample::Curve(Look::from_index(index)), name));
        let (mut entries, mut x, mut row) = (Vec::new(), 0.0, 0);
        for (sample, name) in samples.chain(shade.map(|name| (Sample::Shade, name))) {
            let name = shorten(name, NAME.size, most - SAMPLE - GAP);
            let needed = SAMPLE + GAP + width(&name, NAME.size);
            if x > 0.0 && x + needed > most {
                (x, row) = (0.0, row + 1);
            }
            entries.push((sample, name, (x, (row as f64 + 0.5) * ROW)));
            x += needed + BETWEEN;
        }
        Self { entries, rows: row + 1 }
    }

    /// Of all rows, in logical pixels.
    pub(crate) fn height(&self) -> f64 {
        self.rows as f64 * ROW
    }

    /// Draws it with its upper left corner at a point.
    pub(crate) fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, at: Point) -> Drawn<B> {
        for (sample, name, (x, y)) in &self.entries {
            let (x, y) = (at.0 + x, at.1 + y);
            sample.draw(canvas, (x, y))?;
            canvas.text(name, (x + SAMPLE + GAP, y), NAME, Anchor::Left)?;
        }
        Ok(())
    }
}

impl Sample {
    fn draw<B: DrawingBackend>(self, canvas: &Canvas<'_, B>, (x, y): Point) -> Drawn<B> {
        match self {
            Self::Curve(look) => {
                look.draw_sample(canvas, (x, x + SAMPLE), y)?;
                look.draw_mark(canvas, (x + 0.5 * SAMPLE, y))
            }
            Self::Shade => {
                let corners = [(x, y - 5.0), (x + SAMPLE, y - 5.0), (x + SAMPLE, y + 5.0), (x, y + 5.0)];
                canvas.polygon(&corners, RGBColor(0, 0, 0), SHADE)
            }
        }
    }
}
