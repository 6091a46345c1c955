//! Title and subtitle, broken into as many lines as they need.
//!
//! A title has two lines at most and a subtitle three; figures grow by what they take. Names of data sets may
//! be paths, and nothing of a figure may be covered or cut off because of them.

use plotters::prelude::DrawingBackend;

use crate::{
    canvas::{Anchor, Canvas, Drawn, Ink, Point},
    ink::{FAINT, INK},
    text::{size, wrap},
};

const TITLE: Ink = Ink { size: size::TITLE, color: INK };
const SUBTITLE: Ink = Ink { size: size::SUBTITLE, color: FAINT };
/// Distance of lines, in em.
const LEADING: f64 = 1.45;
/// Above the title, and below all lines.
const MARGIN: f64 = 16.0;
const FOOT: f64 = 6.0;

/// The top of a figure.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    lines: Vec<(String, Ink)>,
}

impl Header {
    /// For a figure with `width` logical pixels of room.
    pub(crate) fn new(title: &str, subtitle: &str, width: f64) -> Self {
        let wrapped =
            |text, ink: Ink, most| wrap(text, ink.size, width, most).into_iter().map(move |line| (line, ink));
        Self { lines: wrapped(title, TITLE, 2).chain(wrapped(subtitle, SUBTITLE, 3)).collect() }
    }

    /// From the figure's upper edge to a little below the last line.
    pub(crate) fn height(&self) -> f64 {
        MARGIN + self.lines.iter().map(|(_, ink)| ink.size * LEADING).sum::<f64>() + FOOT
    }

    /// Draws it with its upper left corner, margin included, at a point.
    pub(crate) fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, at: Point) -> Drawn<B> {
        let mut top = at.1 + MARGIN;
        for (line, ink) in &self.lines {
            canvas.text(line, (at.0, top + 0.5 * ink.size * LEADING), *ink, Anchor::Left)?;
            top += ink.size * LEADING;
        }
        Ok(())
    }
}
