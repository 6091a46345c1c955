//! Many small panels of curves, side by side.
//!
//! ```text
//! title
//! subtitle
//! ─●─ cat   ─■─ dog                                 as many rows as it needs
//!  low, d < 8           middle, 8 ≤ d < 12     high, d ≥ 12
//! ┌──────────────────┐ ┌──────────────────┐ ┌──────────────────┐
//! │    ●     ■       │ │     ●  ■         │ │        ■●        │
//! └──────────────────┘ └──────────────────┘ └──────────────────┘
//!  −2    0    2         −1    0    1          −1    0    1
//!                     what is measured
//! ```

use std::path::{Path, PathBuf};

use plotters::prelude::*;

use crate::{
    Error,
    axis::value_ticks,
    canvas::{Anchor, Canvas, Drawn, Ink, Point},
    header::Header,
    ink::{GRID, INK},
    legend::Legend,
    line_chart::Axes,
    palette::Look,
    save::{Figure, save},
    text::{size, wrap},
};

/// A panel: curves over a range of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What stands above it.
    pub title: String,
    /// The range to the right that all its curves span.
    pub range: (f64, f64),
    /// A curve each name of the figure: values at even distances from one end of the range to the other, two or more; empty
    /// where the panel lacks the curve.
    pub curves: Vec<Vec<f64>>,
}

/// Panels with the same curves, each with axes of its own: the upward ones begin at zero and end above the highest curve.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use plots::{Axes, Panel, SmallMultiples};
/// let panel = |title: &str| Panel { title: title.into(), range: (-1.0, 1.0), curves: vec![vec![0.0, 1.0, 0.0]] };
/// let axes = Axes { right: "feature".into(), up: "density".into() };
/// let panels = vec![panel("low"), panel("high")];
/// let figure = SmallMultiples::new("Features", "resnet18", axes, vec!["cat".into()], panels, 2)?;
/// let folder = tempfile::tempdir()?;
/// let [_, svg] = figure.save(&folder.path().join("features"))?;
/// assert!(std::fs::read_to_string(svg)?.contains("high"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SmallMultiples {
    title: String,
    subtitle: String,
    axes: Axes,
    names: Vec<String>,
    panels: Vec<Panel>,
    columns: usize,
}

/// Of the figure, in logical pixels as all below.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 736.0;
/// Of a panel's frame.
const HEIGHT: f64 = 150.0;
/// Above a frame, beside the lines of its title, and below it, for ticks and their labels.
const ABOVE: f64 = 10.0;
/// A line of a panel's title, and how many it may have.
const LINE: f64 = 14.0;
const MOST_LINES: usize = 4;
const BELOW: f64 = 24.0;
/// Between frames of a row.
const GAP: f64 = 18.0;
/// Below everything, for the axis' label.
const FOOT: f64 = 34.0;
/// What panels of a figure may be.
const MOST_PANELS: usize = 400;

const TICK: Ink = Ink { size: size::TICK, color: INK };
const LABEL: Ink = Ink { size: size::LABEL, color: INK };

impl SmallMultiples {
    /// Panels in rows of `columns`, from left to right and from top to bottom; `names` are those of the curves.
    ///
    /// # Errors
    /// If there is no panel, name or column, there are more than 400 panels, a panel has another number of curves than there are
    /// names, a curve has a single value or values that are negative or not finite, or a range is none.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        axes: Axes,
        names: Vec<String>,
        panels: Vec<Panel>,
        columns: usize,
    ) -> Result<Self, Error> {
        if panels.is_empty() || names.is_empty() || columns == 0 {
            return Err(Error::Empty { expected: "panel, curve and column" });
        }
        if panels.len() > MOST_PANELS {
            return Err(Error::TooManyPanels { found: panels.len(), most: MOST_PANELS });
        }
        panels.iter().try_for_each(|panel| check(panel, names.len()))?;
        let columns = columns.min(panels.len());
        Ok(Self { title: title.into(), subtitle: subtitle.into(), axes, names, panels, columns })
    }

    /// Writes `{stem}.png`, 1520 pixels wide, and `{stem}.svg`, 760 wide, and returns both paths.
    ///
    /// # Errors
    /// If a file cannot be drawn or written; the files that stand are whole.
    pub fn save(&self, stem: &Path) -> Result<[PathBuf; 2], Error> {
        save(self, stem)
    }

    fn layout(&self) -> Layout {
        let header = Header::new(&self.title, &self.subtitle, RIGHT - LEFT);
        let legend = Legend::new(self.names.iter().map(String::as_str), None, RIGHT - LEFT);
        let top = (header.height() + 4.0 + legend.height() + 4.0).ceil();
        let columns = self.columns as f64;
        let width = ((RIGHT - LEFT - GAP * (columns - 1.0)) / columns).max(20.0);
        let lines = |panel: &Panel| title_lines(&panel.title, width).len();
        let above = ABOVE + LINE * self.panels.iter().map(lines).max().unwrap_or(1) as f64;
        Layout { header, legend, top, width, above, rows: self.panels.len().div_ceil(self.columns) }
    }
}

/// Where things are, in logical pixels.
struct Layout {
    header: Header,
    legend: Legend,
    top: f64,
    /// Of a frame.
    width: f64,
    /// Above a frame: room for the longest title.
    above: f64,
    rows: usize,
}

impl Layout {
    /// The upper left corner of the frame in a row and a column.
    fn corner(&self, row: usize, column: usize) -> Point {
        let down = self.top + row as f64 * (self.above + HEIGHT + BELOW) + self.above;
        (LEFT + column as f64 * (self.width + GAP), down)
    }

    /// Below the last row.
    fn bottom(&self) -> f64 {
        self.top + self.rows as f64 * (self.above + HEIGHT + BELOW)
    }
}

impl Figure for SmallMultiples {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (self.layout().bottom() + FOOT) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let layout = self.layout();
        canvas.fill(WHITE)?;
        layout.header.draw(canvas, (LEFT, 0.0))?;
        layout.legend.draw(canvas, (LEFT, layout.header.height() + 4.0))?;
        for (index, panel) in self.panels.iter().enumerate() {
            let place = Place::new(panel, &layout, (index / self.columns, index % self.columns));
            place.draw(canvas, panel)?;
        }
        let (left, right) = (LEFT, LEFT + self.columns as f64 * (layout.width + GAP) - GAP);
        canvas.text(
            &self.axes.right,
            (0.5 * (left + right), layout.bottom() + 12.0),
            LABEL,
            Anchor::Middle,
        )?;
        canvas.upward_text(
            &self.axes.up,
            (20.0, 0.5 * (layout.top + layout.above + layout.bottom() - BELOW)),
            LABEL,
        )
    }
}

/// A panel's title, broken so that it fits above its frame.
fn title_lines(title: &str, width: f64) -> Vec<String> {
    wrap(title, TICK.size, width, MOST_LINES)
}

/// A panel's frame and scales.
struct Place {
    corner: Point,
    width: f64,
    range: (f64, f64),
    /// The value at the frame's upper edge.
    highest: f64,
}

impl Place {
    fn new(panel: &Panel, layout: &Layout, (row, column): (usize, usize)) -> Self {
        let most = panel.curves.iter().flatten().fold(0.0, |most: f64, &value| most.max(value));
        let highest = if most > 0.0 { 1.1 * most } else { 1.0 };
        Self { corner: layout.corner(row, column), width: layout.width, range: panel.range, highest }
    }

    /// The place of a value; `along` is from 0 to 1, from one end of the range to the other.
    fn at(&self, along: f64, value: f64) -> Point {
        (self.corner.0 + along * self.width, self.corner.1 + HEIGHT * (1.0 - value / self.highest))
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, panel: &Panel) -> Drawn<B> {
        let (left, top) = self.corner;
        let bottom = top + HEIGHT;
        for (above, line) in title_lines(&panel.title, self.width).iter().rev().enumerate() {
            canvas.text(line, (left, top - 11.0 - LINE * above as f64), TICK, Anchor::Left)?;
        }
        let (low, high) = self.range;
        for (value, label) in value_ticks(self.range, 4) {
            let x = self.at((value - low) / (high - low), 0.0).0;
            canvas.rule((x, top), (x, bottom), GRID)?;
            canvas.rule((x, bottom), (x, bottom + 4.0), INK)?;
            canvas.text(label, (x, bottom + 13.0), TICK, Anchor::Middle)?;
        }
        for (index, curve) in panel.curves.iter().enumerate() {
            self.draw_curve(canvas, curve, Look::from_index(index))?;
        }
        canvas.frame((left, top), (left + self.width, bottom))
    }

    /// The line, and a mark at its highest point: there panels differ.
    fn draw_curve<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, curve: &[f64], look: Look) -> Drawn<B> {
        let point = |at: usize| self.at(at as f64 / (curve.len() - 1) as f64, curve[at]);
        let points: Vec<Point> = (0..curve.len()).map(point).collect();
        let Some(peak) = (0..curve.len()).max_by(|&a, &b| curve[a].total_cmp(&curve[b])) else {
            return Ok(());
        };
        look.draw_line(canvas, &points)?;
        look.draw_mark(canvas, points[peak])
    }
}

/// Whether a panel can be drawn.
fn check(panel: &Panel, curves: usize) -> Result<(), Error> {
    let what = || format!("panel `{}`", panel.title);
    if panel.curves.len() != curves {
        return Err(Error::Length { what: what(), found: panel.curves.len(), length: curves });
    }
    if let Some(lone) = panel.curves.iter().find(|curve| curve.len() == 1) {
        return Err(Error::Length { what: what(), found: lone.len(), length: 2 });
    }
    let (low, high) = panel.range;
    // A thousandth of the largest number: then differences and margins are finite too.
    let unfit = |value: &f64| !value.is_finite() || value.abs() > 1e-3 * f64::MAX;
    let ends = [low, high];
    let bad = ends.iter().chain(panel.curves.iter().flatten()).find(|value| unfit(value));
    if let Some(&value) = bad {
        return Err(Error::NotFinite { what: what(), value });
    }
    let below = panel.curves.iter().flatten().find(|value| **value < 0.0);
    match below {
        Some(&value) => Err(Error::Negative { what: what(), value }),
        // A range within rounding has no ticks.
        None if high - low <= 1e-9 * low.abs().max(high.abs()) => {
            Err(Error::NoRange { what: what(), low, high })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Picture, svg_texts};

    fn panel(title: &str, curves: Vec<Vec<f64>>) -> Panel {
        Panel { title: title.to_owned(), range: (-2.0, 3.0), curves }
    }

    fn figure(names: usize, panels: Vec<Panel>, columns: usize) -> Result<SmallMultiples, Error> {
        let names = (0..names).map(|at| format!("class {at}")).collect();
        let axes = Axes { right: "feature".into(), up: "density".into() };
        SmallMultiples::new("Features", "resnet18 on synthetic", axes, names, panels, columns)
    }

    #[test]
    fn marks_stand_at_the_peaks() -> Result<(), Box<dyn std::error::Error>> {
        let curves = vec![vec![0.0, 1.0, 0.0, 0.0, 0.0], vec![0.0, 0.0, 0.0, 2.0, 0.0]];
        let figure =
            figure(2, vec![panel("a", curves.clone()), panel("b", vec![vec![], curves[1].clone()])], 2)?;
        let folder = tempfile::tempdir()?;
        let picture = Picture::read(&figure.save(&folder.path().join("features"))?[0])?;
        let layout = figure.layout();
        for (column, index, along, value) in [(0, 0, 0.25, 1.0), (0, 1, 0.75, 2.0), (1, 1, 0.75, 2.0)] {
            let place = Place::new(&figure.panels[column], &layout, (0, column));
            let RGBColor(r, g, b) = Look::from_index(index).color;
            assert_eq!(picture.at(place.at(along, value)), [r, g, b], "panel {column}, curve {index}");
        }
        Ok(())
    }

    #[test]
    fn panels_fill_rows_inside_the_figure() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (count, columns) in [(1, 3), (7, 3), (12, 4)] {
            let panels = (0..count).map(|at| panel(&format!("panel {at}"), vec![vec![0.5; 9]])).collect();
            let figure = figure(1, panels, columns)?;
            let (layout, size) = (figure.layout(), figure.size());
            let last = layout.corner(layout.rows - 1, figure.columns - 1);
            assert!(
                last.0 + layout.width <= RIGHT + 1e-9
                    && last.1 + HEIGHT + BELOW + FOOT <= f64::from(size.1) + 1.0
            );
            let [_, svg] = figure.save(&folder.path().join("features"))?;
            let texts = svg_texts(&std::fs::read_to_string(svg)?)?;
            let wanted =
                [format!("panel {}", count - 1), "class 0".into(), "feature".into(), "density".into()];
            assert!(wanted.iter().all(|text| texts.contains(text)), "{texts:?}");
        }
        Ok(())
    }

    #[test]
    fn long_titles_are_broken_and_not_cut() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let title = "resnet18_baseline/9_checkpoint, middle, 8 ≤ d < 12: 43.2 % right";
        let panels = (0..3).map(|_| panel(title, vec![vec![0.5; 9]])).collect();
        let figure = figure(1, panels, 3)?;
        let [_, svg] = figure.save(&folder.path().join("features"))?;
        let texts = svg_texts(&std::fs::read_to_string(svg)?)?;
        assert!(texts.iter().all(|text| !text.contains('…')), "{texts:?}");
        let lines = title_lines(title, figure.layout().width);
        assert!(lines.len() > 1 && lines.join(" ") == title);
        assert!(lines.iter().all(|line| texts.iter().filter(|text| *text == line).count() == 3), "{texts:?}");
        assert!(figure.layout().above >= ABOVE + LINE * lines.len() as f64);
        Ok(())
    }

    #[test]
    fn panels_that_cannot_be_drawn_are_refused() {
        let with = |curve: Vec<f64>| figure(1, vec![panel("p", vec![curve])], 1);
        assert!(with(vec![0.0, 1.0]).is_ok() && with(vec![]).is_ok());
        assert!(matches!(with(vec![1.0]), Err(Error::Length { found: 1, length: 2, .. })));
        assert!(matches!(with(vec![0.0, f64::NAN]), Err(Error::NotFinite { .. })));
        assert!(matches!(with(vec![0.0, -1.0]), Err(Error::Negative { .. })));
        assert!(matches!(figure(2, vec![panel("p", vec![vec![]])], 1), Err(Error::Length { length: 2, .. })));
        assert!(matches!(figure(1, vec![], 1), Err(Error::Empty { .. })));
        let many = vec![panel("p", vec![vec![]]); 401];
        assert!(matches!(figure(1, many, 3), Err(Error::TooManyPanels { found: 401, .. })));
        let flat = Panel { range: (1.0, 1.0), ..panel("p", vec![vec![]]) };
        assert!(matches!(figure(1, vec![flat], 1), Err(Error::NoRange { .. })));
    }
}
