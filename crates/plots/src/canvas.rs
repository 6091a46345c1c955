//! The few strokes that figures are made of, in logical pixels, on any plotters backend.

use std::{fmt::Display, sync::OnceLock};

use plotters::{
    coord::Shift,
    prelude::*,
    style::{
        FontTransform, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// The embedded face, and what a viewer of an SVG without it falls back to.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// Colour of axes and text.
pub(crate) const INK: RGBColor = RGBColor(38, 38, 46);
/// Colour of secondary text.
pub(crate) const FAINT: RGBColor = RGBColor(110, 110, 122);
/// Colour of grid lines.
pub(crate) const GRID: RGBColor = RGBColor(226, 226, 232);

/// Registers the embedded font; text needs nothing from the system then.
fn embed_font() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let bytes = include_bytes!("../fonts/DejaVuSans.ttf");
        assert!(register_font(FONT, FontStyle::Normal, bytes).is_ok(), "the embedded font is a font");
    });
}

/// Where a text sits relative to its point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    Left,
    Middle,
    Right,
}

/// A drawing area with a scale: one logical pixel is `scale` of the backend's.
pub(crate) struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
}

type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    pub(crate) fn new(area: &'a DrawingArea<B, Shift>, scale: f64) -> Self {
        embed_font();
        Self { area, scale }
    }

    fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    pub(crate) fn fill(&self, color: RGBColor) -> Drawn<B> {
        self.area.fill(&color)
    }

    pub(crate) fn rectangle(&self, from: (f64, f64), to: (f64, f64), color: RGBColor) -> Drawn<B> {
        self.area.draw(&Rectangle::new([self.at(from), self.at(to)], color.filled()))
    }

    pub(crate) fn frame(&self, from: (f64, f64), to: (f64, f64)) -> Drawn<B> {
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        self.line(&corners, INK, 1.0)
    }

    pub(crate) fn line(&self, points: &[(f64, f64)], color: RGBColor, width: f64) -> Drawn<B> {
        let points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        let width = (width * self.scale).round().max(1.0) as u32;
        self.area.draw(&PathElement::new(points, color.stroke_width(width)))
    }

    /// A line of strokes and gaps, both in logical pixels.
    pub(crate) fn dashed(
        &self,
        points: &[(f64, f64)],
        color: RGBColor,
        width: f64,
        (on, off): (f64, f64),
    ) -> Drawn<B> {
        let mut travelled = 0.0;
        for pair in points.windows(2) {
            let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            let length = dx.hypot(dy);
            let along = |s: f64| (pair[0].0 + dx * s / length, pair[0].1 + dy * s / length);
            let mut start = 0.0;
            while start < length {
                let phase = (travelled + start) % (on + off);
                let end = (start + if phase < on { on - phase } else { on + off - phase }).min(length);
                if phase < on {
                    self.line(&[along(start), along(end)], color, width)?;
                }
                start = end.max(start + 1e-3);
            }
            travelled += length;
        }
        Ok(())
    }

    pub(crate) fn polygon(&self, points: &[(f64, f64)], color: RGBColor, opacity: f64) -> Drawn<B> {
        let points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        self.area.draw(&Polygon::new(points, color.mix(opacity).filled()))
    }

    pub(crate) fn dot(&self, at: (f64, f64), radius: f64, color: RGBColor) -> Drawn<B> {
        self.area.draw(&Circle::new(self.at(at), (radius * self.scale).round() as i32, color.filled()))
    }

    /// A text whose middle line runs through a point.
    pub(crate) fn text(
        &self,
        text: impl Display,
        at: (f64, f64),
        size: f64,
        color: RGBColor,
        anchor: Anchor,
    ) -> Drawn<B> {
        self.write(&text.to_string(), at, size, color, anchor, FontTransform::None)
    }

    /// A text that reads upwards, its middle at a point.
    pub(crate) fn upward_text(&self, text: &str, at: (f64, f64), size: f64) -> Drawn<B> {
        self.write(text, at, size, INK, Anchor::Middle, FontTransform::Rotate270)
    }

    fn write(
        &self,
        text: &str,
        at: (f64, f64),
        size: f64,
        color: RGBColor,
        anchor: Anchor,
        turn: FontTransform,
    ) -> Drawn<B> {
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let font = (FONT, size * self.scale).into_font().transform(turn);
        let style = TextStyle::from(font).color(&color).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), self.at(at), style))
    }
}

/// Up to `most` evenly spaced indices of `count` things, the first among them, steps of 1, 2, 5, 10, …
pub(crate) fn ticks(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    let step = steps.into_iter().find(|step| count.div_ceil(*step) <= most.max(1)).unwrap_or(count);
    (0..count).step_by(step)
}
