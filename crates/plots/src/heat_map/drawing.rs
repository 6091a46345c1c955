//! Where the parts of a heat map are, and how they are drawn.

use plotters::prelude::*;

use super::HeatMap;
use crate::{
    axis::{BANDS, index_ticks, index_ticks_to_the_end, is_even},
    canvas::{Anchor, Canvas, Drawn, Ink, Point},
    color_bar::ColorBar,
    header::Header,
    ink::{FAINT, INK},
    palette::viridis,
    save::Figure,
    text::size,
};

/// Of the figure, in logical pixels as all below.
const WIDTH: f64 = 760.0;
/// The cells' left edge.
const LEFT: f64 = 66.0;
/// The colour bar, and the cells' right edge without a column of accuracies.
const BAR: (f64, f64) = (664.0, 680.0);
const RIGHT: f64 = 644.0;
/// What a column of accuracies takes from the cells.
const ACCURACY_COLUMN: f64 = 42.0;
/// Below the cells: ticks, their labels, the axis' label, the legend.
const FOOT: f64 = 58.0;

const TICK: Ink = Ink { size: size::TICK, color: INK };
pub(super) const SIDE_NOTE: Ink = Ink { size: size::TICK, color: FAINT };
const LABEL: Ink = Ink { size: size::LABEL, color: INK };

/// Where things are, in logical pixels.
pub(super) struct Layout {
    header: Header,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) right: f64,
    /// Width and height of a cell.
    cell: (f64, f64),
}

impl Layout {
    /// A point of the cells: (0, 0) is the middle of the first band at the first epoch.
    pub(super) fn at(&self, column: f64, row: f64) -> Point {
        (LEFT + (column + 0.5) * self.cell.0, self.bottom - (row + 0.5) * self.cell.1)
    }

    /// The middle of all cells.
    fn middle(&self) -> Point {
        (0.5 * (LEFT + self.right), 0.5 * (self.top + self.bottom))
    }
}

impl Figure for HeatMap {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (self.layout().bottom + FOOT) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let layout = self.layout();
        canvas.fill(WHITE)?;
        layout.header.draw(canvas, (LEFT, 0.0))?;
        self.draw_cells(canvas, &layout)?;
        self.draw_axes(canvas, &layout)?;
        self.draw_accuracies(canvas, &layout)?;
        self.draw_centres(canvas, &layout)?;
        let bar = ColorBar { sides: BAR, top: layout.top, bottom: layout.bottom, range: (0.0, 1.0) };
        bar.draw(canvas, "mean gradient magnitude, min–max scaled", WIDTH - 22.0)
    }
}

impl HeatMap {
    pub(super) fn layout(&self) -> Layout {
        let header = Header::new(&self.title, &self.subtitle, WIDTH - LEFT - 20.0);
        let top = header.height().ceil() + if self.accuracies.is_empty() { 8.0 } else { 20.0 };
        let height = (80.0 * self.epochs.len() as f64).clamp(300.0, 380.0);
        let right = if self.accuracies.is_empty() { RIGHT } else { RIGHT - ACCURACY_COLUMN };
        let cell = ((right - LEFT) / self.radii.len() as f64, height / self.epochs.len() as f64);
        Layout { header, top, bottom: top + height, right, cell }
    }

    fn draw_cells<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, layout: &Layout) -> Drawn<B> {
        for (row, cells) in self.cells.iter().enumerate() {
            for (column, &value) in cells.iter().enumerate() {
                let (left, lower) = layout.at(column as f64 - 0.5, row as f64 - 0.5);
                let (right, upper) = layout.at(column as f64 + 0.5, row as f64 + 0.5);
                // Each cell reaches under the next ones, or their smoothed edges would let the white page through.
                let (right, upper) = ((right + 1.0).min(layout.right), (upper - 1.0).max(layout.top));
                canvas.rectangle((left, upper), (right, lower), viridis(value))?;
            }
        }
        canvas.frame((LEFT, layout.top), (layout.right, layout.bottom))
    }

    fn draw_axes<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, layout: &Layout) -> Drawn<B> {
        let bottom = layout.bottom;
        for column in index_ticks(&self.radii, 22) {
            let x = layout.at(column as f64, 0.0).0;
            canvas.rule((x, bottom), (x, bottom + 4.0), INK)?;
            canvas.text(self.radii[column], (x, bottom + 13.0), TICK, Anchor::Middle)?;
        }
        for row in index_ticks_to_the_end(&self.epochs, 20) {
            let y = layout.at(0.0, row as f64).1;
            canvas.rule((LEFT - 4.0, y), (LEFT, y), INK)?;
            canvas.text(self.epochs[row], (LEFT - 8.0, y), TICK, Anchor::Right)?;
        }
        canvas.text(BANDS, (layout.middle().0, bottom + 37.0), LABEL, Anchor::Middle)?;
        // Rows have one height each, however far epochs are apart.
        let title = if is_even(&self.epochs) { "epoch" } else { "epoch (not evenly spaced)" };
        canvas.upward_text(title, (20.0, layout.middle().1), LABEL)
    }

    /// Percentages to the right of those rows whose epochs have a label.
    fn draw_accuracies<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, layout: &Layout) -> Drawn<B> {
        if self.accuracies.is_empty() {
            return Ok(());
        }
        let right = layout.right + 38.0;
        canvas.text("accuracy, %", (right, layout.top - 10.0), SIDE_NOTE, Anchor::Right)?;
        for row in index_ticks_to_the_end(&self.epochs, 20) {
            let y = layout.at(0.0, row as f64).1;
            canvas.text(format!("{:.1}", self.accuracies[row]), (right, y), SIDE_NOTE, Anchor::Right)?;
        }
        Ok(())
    }

    /// A line through the centres, interrupted where there is none.
    fn draw_centres<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, layout: &Layout) -> Drawn<B> {
        let (mut drawn, mut dotted, few) = (false, false, self.epochs.len() <= 40);
        let place = |(row, centre): (usize, &Option<f64>)| centre.map(|column| layout.at(column, row as f64));
        let places: Vec<Option<Point>> = self.centres.iter().enumerate().map(place).collect();
        for run in places.split(Option::is_none).filter(|run| !run.is_empty()) {
            let points: Vec<Point> = run.iter().copied().flatten().collect();
            draw_centre_line(canvas, &points, few)?;
            (drawn, dotted) = (true, dotted || few || points.len() == 1);
        }
        if drawn { draw_centre_legend(canvas, layout, dotted) } else { Ok(()) }
    }
}

/// White with a dark rim, so that it shows on any colour.
fn draw_centre_line<B: DrawingBackend>(canvas: &Canvas<'_, B>, points: &[Point], dots: bool) -> Drawn<B> {
    let dotted = if dots || points.len() == 1 { points } else { &[] };
    for (color, width, radius) in [(INK, 3.0, 3.75), (WHITE, 1.5, 2.75)] {
        if points.len() > 1 {
            canvas.line(points, color, width)?;
        }
        dotted.iter().try_for_each(|&point| canvas.dot(point, radius, color))?;
    }
    Ok(())
}

/// Below the cells on the right, where nothing else is; with a dot where the line has any.
fn draw_centre_legend<B: DrawingBackend>(canvas: &Canvas<'_, B>, layout: &Layout, dotted: bool) -> Drawn<B> {
    let (name, y) = ("centre of mass", layout.bottom + 37.0);
    let x = layout.right - crate::text::width(name, SIDE_NOTE.size);
    draw_centre_line(canvas, &[(x - 34.0, y), (x - 20.0, y), (x - 6.0, y)], false)?;
    if dotted {
        draw_centre_line(canvas, &[(x - 20.0, y)], true)?;
    }
    canvas.text(name, (x, y), SIDE_NOTE, Anchor::Left)
}
