//! The few strokes that figures are made of, in logical pixels, on any plotters backend.
//!
//! Backends differ in what a unit of length is, in what a font size means and in where a text's vertical
//! middle lies. A [`Resolution`] says how; figures know nothing of it, and so look the same in every format.

use std::fmt::Display;

use plotters::{
    coord::Shift,
    prelude::*,
    style::{
        FontTransform,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::{
    ink::INK,
    text::{FONT, clean, embed_font},
};

/// A point: right and down, in logical pixels.
pub(crate) type Point = (f64, f64);

/// What a stroke on a backend returns.
pub(crate) type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Where a text sits relative to its point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anchor {
    /// It begins there.
    Left,
    /// Its middle is there.
    Middle,
    /// It ends there.
    Right,
}

/// A type size and a colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ink {
    pub(crate) size: f64,
    pub(crate) color: RGBColor,
}

/// How a backend differs from logical pixels and from ems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolution {
    /// Backend units per logical pixel.
    pub(crate) scale: f64,
    /// The backend's font size for a text of one em.
    pub(crate) em: f64,
    /// How far the backend's vertical middle of a text lies above that of its digits, in em.
    pub(crate) drop: f64,
}

/// A drawing area in logical pixels.
pub(crate) struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    resolution: Resolution,
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    /// A canvas on the whole of an area.
    pub(crate) fn new(area: &'a DrawingArea<B, Shift>, resolution: Resolution) -> Self {
        embed_font();
        Self { area, resolution }
    }

    /// Covers everything.
    pub(crate) fn fill(&self, color: RGBColor) -> Drawn<B> {
        self.area.fill(&color)
    }

    /// A filled rectangle, given by two opposite corners.
    pub(crate) fn rectangle(&self, from: Point, to: Point, color: RGBColor) -> Drawn<B> {
        self.area.draw(&Rectangle::new([self.at(from), self.at(to)], color.filled()))
    }

    /// The outline of a rectangle, one pixel wide around it.
    pub(crate) fn frame(&self, from: Point, to: Point) -> Drawn<B> {
        let (left, top, right, bottom) = (from.0 - 0.5, from.1 - 0.5, to.0 + 0.5, to.1 + 0.5);
        self.rule((left - 0.5, top), (right + 0.5, top), INK)?;
        self.rule((left - 0.5, bottom), (right + 0.5, bottom), INK)?;
        self.rule((left, top), (left, bottom), INK)?;
        self.rule((right, top), (right, bottom), INK)
    }

    /// A line to the right or down, one pixel wide, between whole halves of pixels so that it is sharp.
    pub(crate) fn rule(&self, from: Point, to: Point, color: RGBColor) -> Drawn<B> {
        let sharp = |at: f64| (2.0 * at).round() / 2.0;
        let (from, to) = ((sharp(from.0), sharp(from.1)), (sharp(to.0), sharp(to.1)));
        if from.1 == to.1 {
            self.rectangle((from.0, from.1 - 0.5), (to.0, to.1 + 0.5), color)
        } else {
            self.rectangle((from.0 - 0.5, from.1), (to.0 + 0.5, to.1), color)
        }
    }

    /// A line through points, of a width in logical pixels.
    pub(crate) fn line(&self, points: &[Point], color: RGBColor, width: f64) -> Drawn<B> {
        let points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        let width = (width * self.resolution.scale).round().max(1.0) as u32;
        self.area.draw(&PathElement::new(points, color.stroke_width(width)))
    }

    /// A filled outline; opacity 0 is invisible, 1 covers.
    pub(crate) fn polygon(&self, points: &[Point], color: RGBColor, opacity: f64) -> Drawn<B> {
        let points: Vec<_> = points.iter().map(|&point| self.at(point)).collect();
        self.area.draw(&Polygon::new(points, color.mix(opacity).filled()))
    }

    /// A filled circle.
    pub(crate) fn dot(&self, at: Point, radius: f64, color: RGBColor) -> Drawn<B> {
        let radius = (radius * self.resolution.scale).round() as i32;
        self.area.draw(&Circle::new(self.at(at), radius, color.filled()))
    }

    /// A text whose digits' middle line runs through a point.
    pub(crate) fn text(&self, text: impl Display, at: Point, ink: Ink, anchor: Anchor) -> Drawn<B> {
        let at = (at.0, at.1 + self.resolution.drop * ink.size);
        self.write(&text.to_string(), at, ink, anchor, FontTransform::None)
    }

    /// A text that reads upwards, its middle at a point.
    pub(crate) fn upward_text(&self, text: &str, at: Point, ink: Ink) -> Drawn<B> {
        let at = (at.0 + self.resolution.drop * ink.size, at.1);
        self.write(text, at, ink, Anchor::Middle, FontTransform::Rotate270)
    }

    fn write(&self, text: &str, at: Point, ink: Ink, anchor: Anchor, turn: FontTransform) -> Drawn<B> {
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let size = ink.size * self.resolution.em * self.resolution.scale;
        let font = (FONT, size).into_font().transform(turn);
        let style = TextStyle::from(font).color(&ink.color).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw(&Text::new(clean(text), self.at(at), style))
    }

    /// A point in the backend's units, to the nearest whole one.
    fn at(&self, (x, y): Point) -> (i32, i32) {
        let Resolution { scale, .. } = self.resolution;
        ((x * scale).round() as i32, (y * scale).round() as i32)
    }
}

/// The strokes of a dashed line, as (start, end): `on` drawn, `off` left out, in turn along the whole line.
pub(crate) fn dashes(points: &[Point], (on, off): (f64, f64)) -> Vec<(Point, Point)> {
    let mut strokes = Vec::new();
    let mut travelled = 0.0;
    for pair in points.windows(2) {
        let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        let length = dx.hypot(dy);
        let along = |s: f64| (pair[0].0 + dx * s / length, pair[0].1 + dy * s / length);
        let mut dash = (travelled / (on + off)).floor();
        while dash * (on + off) < travelled + length {
            let start = (dash * (on + off) - travelled).max(0.0);
            let end = (dash * (on + off) + on - travelled).min(length);
            if start < end {
                strokes.push((along(start), along(end)));
            }
            dash += 1.0;
        }
        travelled += length;
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_round_corners() {
        let strokes = dashes(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], (4.0, 2.0));
        let expected = [
            ((0.0, 0.0), (4.0, 0.0)),
            ((6.0, 0.0), (10.0, 0.0)),
            ((10.0, 2.0), (10.0, 6.0)),
            ((10.0, 8.0), (10.0, 10.0)),
        ];
        assert_eq!(strokes, expected);
    }
}
