//! Colours and the marks that tell curves apart.
//!
//! Nothing is said by hue alone: the colour map's lightness rises with the value, so it survives a
//! black-and-white printer, and curves differ in stroke and mark as well as in colour.

use plotters::{
    prelude::{DrawingBackend, RGBColor},
    style::colors::colormaps::{ColorMap, ViridisRGB},
};

use crate::canvas::{Canvas, Drawn, Point, dashes};

/// Opacity of the shaded band around a curve.
pub(crate) const SHADE: f64 = 0.16;

/// Viridis (van der Walt & Smith, 2015), whose lightness rises evenly from dark violet (0) to yellow (1).
pub(crate) fn viridis(value: f64) -> RGBColor {
    ViridisRGB.get_color(value.clamp(0.0, 1.0))
}

/// Red, green and blue of a value in [0, 1] in the colour map of all figures: viridis (van der Walt & Smith, 2015).
///
/// ```
/// assert_eq!(plots::color_map(0.0), [68, 1, 84]);
/// ```
pub fn color_map(value: f64) -> [u8; 3] {
    let RGBColor(red, green, blue) = viridis(value);
    [red, green, blue]
}

/// Okabe & Ito (2008): people with any colour vision can tell them apart. Their yellow is left out: it is too light for a
/// line on white.
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(70, 70, 78),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// Stroke and gap of each curve in turn; none is a full line.
const STROKES: [Option<(f64, f64)>; 5] =
    [None, Some((8.0, 3.5)), Some((2.5, 2.5)), Some((12.0, 4.0)), Some((5.0, 2.0))];

/// The corners of each curve's marks in turn, in units of their radius; none is a circle.
const MARKS: [&[Point]; 5] = [
    &[],
    &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
    &[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)],
    &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
    &[(0.0, 1.2), (1.15, -0.85), (-1.15, -0.85)],
];

/// How the n-th curve looks. Colour, stroke and mark repeat after 7, 5 and 5 curves: 35 in all differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    pub(crate) color: RGBColor,
    stroke: Option<(f64, f64)>,
    mark: &'static [Point],
}

impl Look {
    /// The look of the curve with this index, from 0.
    pub(crate) fn from_index(index: usize) -> Self {
        Self {
            color: COLORS[index % COLORS.len()],
            stroke: STROKES[index % STROKES.len()],
            mark: MARKS[index % MARKS.len()],
        }
    }

    /// The curve's line through points.
    pub(crate) fn draw_line<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, points: &[Point]) -> Drawn<B> {
        match self.stroke {
            None => canvas.line(points, self.color, 1.75),
            Some(stroke) => {
                let mut strokes = dashes(points, stroke).into_iter();
                strokes.try_for_each(|(from, to)| canvas.line(&[from, to], self.color, 1.75))
            }
        }
    }

    /// A piece of the curve's line for a legend: one of its strokes lies around the middle, where the mark is, so that the gaps
    /// show.
    pub(crate) fn draw_sample<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        (left, right): (f64, f64),
        y: f64,
    ) -> Drawn<B> {
        let Some(stroke) = self.stroke else { return self.draw_line(canvas, &[(left, y), (right, y)]) };
        let mut strokes = sample((left, right), stroke).into_iter();
        strokes.try_for_each(|(from, to)| canvas.line(&[(from, y), (to, y)], self.color, 1.75))
    }

    /// The curve's mark around a point.
    pub(crate) fn draw_mark<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, at: Point) -> Drawn<B> {
        const RADIUS: f64 = 3.0;
        if self.mark.is_empty() {
            return canvas.dot(at, RADIUS, self.color);
        }
        let corners: Vec<Point> =
            self.mark.iter().map(|(x, y)| (at.0 + RADIUS * x, at.1 + RADIUS * y)).collect();
        canvas.polygon(&corners, self.color, 1.0)
    }
}

/// Strokes from left to right, one of them around the middle; the outer ones are cut.
fn sample((left, right): (f64, f64), (on, off): (f64, f64)) -> Vec<(f64, f64)> {
    let first = 0.5 * (left + right - on);
    let before = ((first - left) / (on + off)).ceil();
    let start = first - before * (on + off);
    let strokes = dashes(&[(start, 0.0), (right, 0.0)], (on, off)).into_iter();
    strokes.filter(|(_, to)| to.0 > left).map(|(from, to)| (from.0.max(left), to.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_show_strokes_and_gaps_as_the_curves_have_them() {
        for (on, off) in STROKES.into_iter().flatten() {
            let strokes = sample((100.0, 130.0), (on, off));
            assert!(strokes[0].0 >= 100.0 && strokes.last().is_some_and(|last| last.1 <= 130.0));
            let middle = strokes.iter().find(|(from, to)| (from + to - 230.0).abs() < 1e-9);
            assert!(
                middle.is_some_and(|(from, to)| (to - from - on).abs() < 1e-9),
                "{on} {off}: {strokes:?}"
            );
            assert!(strokes.windows(2).all(|pair| (pair[1].0 - pair[0].1 - off).abs() < 1e-9));
            // A mark, up to 3.9 to either side, leaves of the gaps beside it what tells them.
            let gap = |pair: &[(f64, f64)]| (pair[1].0 - 118.9).min(off).max(0.0);
            assert!(strokes.windows(2).map(gap).fold(0.0, f64::max) > 0.5, "{on} {off}");
        }
    }

    #[test]
    fn curves_differ_in_more_than_colour() {
        for (first, second) in (0..35).flat_map(|i| (0..i).map(move |j| (i, j))) {
            assert_ne!(Look::from_index(first), Look::from_index(second), "{first} {second}");
        }
        assert!((1..5).all(|i| Look::from_index(i).stroke != Look::from_index(0).stroke
            && Look::from_index(i).mark != Look::from_index(0).mark));
    }

    #[test]
    fn lightness_rises_along_the_colour_map() {
        let lightness = |value: f64| {
            let RGBColor(r, g, b) = viridis(value);
            0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
        };
        assert!((0..100).all(|i| lightness(f64::from(i) / 100.0) < lightness(f64::from(i + 1) / 100.0)));
        assert_eq!(viridis(0.0), RGBColor(68, 1, 84));
    }
}
