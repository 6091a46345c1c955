//! Maps with a value for each spatial frequency, zero in the middle, side by side with one scale of colours.
//!
//! ```text
//! title
//! subtitle
//!  epoch 0              epoch 9
//! ┌──────────────────┐ ┌──────────────────┐  ┌─┐ 80
//! │                  │ │                  │  │ │
//! │        ·         │ │        ·         │  │ │ error rate, %
//! │                  │ │                  │  │ │
//! └──────────────────┘ └──────────────────┘  └─┘ 20
//!  −16     0     15     −16     0     15
//!       horizontal frequency, cycles per image
//! ```

use std::path::{Path, PathBuf};

use plotters::prelude::*;

use crate::{
    Error,
    axis::value_ticks,
    canvas::{Anchor, Canvas, Drawn, Ink, Point},
    color_bar::ColorBar,
    header::Header,
    ink::INK,
    palette::viridis,
    save::{self, Figure, save},
    text::{shorten, size},
};

/// A map: a value for each frequency.
#[derive(Debug, Clone, PartialEq)]
pub struct FrequencyMap {
    /// What stands above it.
    pub title: String,
    /// (rows, columns) of the figure, row by row, zero frequency in row ⌊rows/2⌋ and column ⌊columns/2⌋; absent where nothing was
    /// measured, which stays white.
    pub values: Vec<Option<f64>>,
}

/// Maps of one size in one scale of colours, from the least to the largest value of all of them.
///
/// ```
/// use plots::{FrequencyMap, FrequencyMaps};
/// let values = (0..9).map(|at| Some(f64::from(at))).collect();
/// let map = FrequencyMap { title: "epoch 0".into(), values };
/// let maps = FrequencyMaps::new("Errors", "resnet18", "error rate, %", [3, 3], vec![map])?;
/// let folder = tempfile::tempdir()?;
/// let [_, svg] = maps.save(&folder.path().join("maps"))?;
/// assert!(std::fs::read_to_string(svg)?.contains("horizontal frequency"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FrequencyMaps {
    title: String,
    subtitle: String,
    quantity: String,
    sides: [usize; 2],
    maps: Vec<FrequencyMap>,
    range: (f64, f64),
}

/// Of the figure, in logical pixels as all below.
const WIDTH: f64 = 760.0;
/// The maps' edges.
const LEFT: f64 = 72.0;
const RIGHT: f64 = 640.0;
/// The colour bar.
const BAR: (f64, f64) = (662.0, 678.0);
/// Between maps, and above and below each: title, ticks and their labels.
const GAP: f64 = 20.0;
const ABOVE: f64 = 22.0;
const BELOW: f64 = 26.0;
/// Below everything, for the axis' label.
const FOOT: f64 = 30.0;
/// The largest side of a map, and maps in a row.
const MOST: f64 = 440.0;
const COLUMNS: usize = 3;
/// Maps that can be looked at.
const MOST_MAPS: usize = 12;

const TICK: Ink = Ink { size: size::TICK, color: INK };
const LABEL: Ink = Ink { size: size::LABEL, color: INK };

impl FrequencyMaps {
    /// Maps of (rows, columns) frequencies; `quantity` labels the colour bar.
    ///
    /// # Errors
    /// If there is no map or more than 12, a map has another number of values than frequencies or none at all, or a value is not finite.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        quantity: impl Into<String>,
        sides: [usize; 2],
        maps: Vec<FrequencyMap>,
    ) -> Result<Self, Error> {
        if maps.len() > MOST_MAPS {
            return Err(Error::TooManyPanels { found: maps.len(), most: MOST_MAPS });
        }
        maps.iter().try_for_each(|map| check(map, sides))?;
        let values = || maps.iter().flat_map(|map| map.values.iter().copied().flatten());
        let range = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        if !range.0.is_finite() {
            return Err(Error::Empty { expected: "map and one frequency" });
        }
        // Equal values have the darkest colour of a range around them that has ticks.
        let span = range.1 - range.0;
        let least = (1e-6 * range.0.abs().max(range.1.abs())).max(1e-12);
        let range = if span > least { range } else { (range.0, range.0 + range.0.abs().max(1.0)) };
        Ok(Self {
            title: title.into(),
            subtitle: subtitle.into(),
            quantity: quantity.into(),
            sides,
            maps,
            range,
        })
    }

    /// Writes `{stem}.png`, 1520 pixels wide, and `{stem}.svg`, 760 wide, and returns both paths.
    ///
    /// # Errors
    /// If a file cannot be drawn or written; the files that stand are whole.
    pub fn save(&self, stem: &Path) -> Result<[PathBuf; 2], Error> {
        save(self, stem)
    }

    /// The bytes of that PNG file.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        save::png(self)
    }

    fn layout(&self) -> Layout {
        let header = Header::new(&self.title, &self.subtitle, WIDTH - LEFT - 20.0);
        let columns = self.maps.len().min(COLUMNS);
        let room = (RIGHT - LEFT - GAP * (columns as f64 - 1.0)) / columns as f64;
        let [rows, across] = self.sides.map(|side| side as f64);
        // Frequencies are square: cycles per image, upward as across.
        let cell = (room / across).min(MOST / rows).min(MOST / across);
        let top = header.height().ceil();
        Layout { header, columns, cell, map: (cell * across, cell * rows), top, count: self.maps.len() }
    }
}

/// Where things are, in logical pixels.
struct Layout {
    header: Header,
    columns: usize,
    /// Side of a cell.
    cell: f64,
    /// Width and height of a map.
    map: (f64, f64),
    top: f64,
    count: usize,
}

impl Layout {
    /// The upper left corner of a map.
    fn corner(&self, index: usize) -> Point {
        let (row, column) = ((index / self.columns) as f64, (index % self.columns) as f64);
        let down = self.top + row * (ABOVE + self.map.1 + BELOW) + ABOVE;
        (LEFT + column * (self.map.0 + GAP), down)
    }

    fn bottom(&self) -> f64 {
        self.corner(self.count - 1).1 + self.map.1
    }

    fn right(&self) -> f64 {
        self.corner(self.columns - 1).0 + self.map.0
    }
}

impl Figure for FrequencyMaps {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (self.layout().bottom() + BELOW + FOOT).ceil() as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let layout = self.layout();
        canvas.fill(WHITE)?;
        layout.header.draw(canvas, (LEFT, 0.0))?;
        for (index, map) in self.maps.iter().enumerate() {
            self.draw_cells(canvas, &layout, index)?;
            let (left, top) = layout.corner(index);
            let title = shorten(&map.title, TICK.size, layout.map.0 + GAP);
            canvas.text(title, (left, top - 11.0), TICK, Anchor::Left)?;
            self.draw_ticks(canvas, &layout, index)?;
            canvas.frame((left, top), (left + layout.map.0, top + layout.map.1))?;
        }
        let (top, bottom) = (layout.corner(0).1, layout.bottom());
        let across = 0.5 * (LEFT + layout.right());
        let below = (across, bottom + BELOW + 8.0);
        canvas.text("horizontal frequency, cycles per image", below, LABEL, Anchor::Middle)?;
        canvas.upward_text("vertical frequency, cycles per image", (20.0, 0.5 * (top + bottom)), LABEL)?;
        let shift = layout.right() - RIGHT;
        let sides = (BAR.0 + shift, BAR.1 + shift);
        let bar = ColorBar { sides, top, bottom, range: self.range };
        bar.draw(canvas, &self.quantity, WIDTH - 22.0 + shift)
    }
}

impl FrequencyMaps {
    fn draw_cells<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        layout: &Layout,
        index: usize,
    ) -> Drawn<B> {
        let ((left, top), [_, across]) = (layout.corner(index), self.sides);
        let (right, bottom) = (left + layout.map.0, top + layout.map.1);
        for (at, value) in self.maps[index].values.iter().enumerate() {
            let Some(value) = value else { continue };
            let corner = |row: usize, column: usize| {
                (left + column as f64 * layout.cell, top + row as f64 * layout.cell)
            };
            let (row, column) = (at / across, at % across);
            let (from, to) = (corner(row, column), corner(row + 1, column + 1));
            // Each cell reaches under the next ones, or their smoothed edges would let the white page through.
            let is_next = |at: usize| self.maps[index].values.get(at).is_some_and(Option::is_some);
            let wider = f64::from(column + 1 < across && is_next(at + 1));
            let lower = f64::from(is_next(at + across));
            let to = ((to.0 + wider).min(right), (to.1 + lower).min(bottom));
            canvas.rectangle(from, to, viridis((value - self.range.0) / (self.range.1 - self.range.0)))?;
        }
        Ok(())
    }

    /// Below each map, and on the left of the first in each row.
    fn draw_ticks<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        layout: &Layout,
        index: usize,
    ) -> Drawn<B> {
        let ((left, top), [rows, across]) = (layout.corner(index), self.sides);
        let bottom = top + layout.map.1;
        let most = if layout.columns == 1 { 8 } else { 4 };
        for (frequency, label) in frequencies(across, most) {
            let x = left + (frequency + (across / 2) as f64 + 0.5) * layout.cell;
            canvas.rule((x, bottom), (x, bottom + 4.0), INK)?;
            canvas.text(label, (x, bottom + 13.0), TICK, Anchor::Middle)?;
        }
        if !index.is_multiple_of(layout.columns) {
            return Ok(());
        }
        for (frequency, label) in frequencies(rows, most) {
            let y = top + (frequency + (rows / 2) as f64 + 0.5) * layout.cell;
            canvas.rule((left - 4.0, y), (left, y), INK)?;
            canvas.text(label, (left - 8.0, y), TICK, Anchor::Right)?;
        }
        Ok(())
    }
}

/// Round frequencies of a side of so many.
fn frequencies(side: usize, most: usize) -> Vec<(f64, String)> {
    let range = (-((side / 2) as f64), ((side - 1) / 2) as f64);
    if side == 1 {
        return vec![(0.0, "0".to_owned())];
    }
    let is_whole = |(value, _): &(f64, String)| (value - value.round()).abs() < 1e-9;
    value_ticks(range, most).into_iter().filter(is_whole).map(|(value, _)| (value, whole(value))).collect()
}

fn whole(value: f64) -> String {
    format!("{:.0}", value + 0.0).replace('-', "−")
}

/// Whether a map can be drawn.
fn check(map: &FrequencyMap, [rows, across]: [usize; 2]) -> Result<(), Error> {
    let what = || format!("map `{}`", map.title);
    let length = rows * across;
    if map.values.len() != length {
        return Err(Error::Length { what: what(), found: map.values.len(), length });
    }
    // Half of the largest number: then differences are finite too.
    let unfit = |value: &f64| !value.is_finite() || value.abs() > 0.5 * f64::MAX;
    match map.values.iter().copied().flatten().find(unfit) {
        Some(value) => Err(Error::NotFinite { what: what(), value }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Picture, svg_texts};

    fn map(title: &str, [rows, across]: [usize; 2]) -> FrequencyMap {
        let values = (0..rows * across).map(|at| Some((at * 31 % 97) as f64)).collect();
        FrequencyMap { title: title.to_owned(), values }
    }

    fn figure(count: usize, sides: [usize; 2]) -> Result<FrequencyMaps, Error> {
        let maps = (0..count).map(|at| map(&format!("epoch {at}"), sides)).collect();
        FrequencyMaps::new("Errors", "resnet18 on synthetic", "error rate, %", sides, maps)
    }

    #[test]
    fn rows_go_down_and_columns_to_the_right() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (count, sides) in [(1, [32, 32]), (2, [33, 33]), (7, [8, 12])] {
            let figure = figure(count, sides)?;
            let picture = Picture::read(&figure.save(&folder.path().join("maps"))?[0])?;
            let layout = figure.layout();
            for (index, at) in
                (0..count).flat_map(|index| (0..sides[0] * sides[1]).map(move |at| (index, at)))
            {
                let (left, top) = layout.corner(index);
                let middle = |place: usize| (place as f64 + 0.5) * layout.cell;
                let point = (left + middle(at % sides[1]), top + middle(at / sides[1]));
                let RGBColor(r, g, b) = viridis((at * 31 % 97) as f64 / figure.range.1);
                assert_eq!(picture.at(point), [r, g, b], "map {index}, frequency {at}");
            }
        }
        Ok(())
    }

    #[test]
    fn everything_is_inside_and_labelled() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (count, sides) in [(1, [32, 32]), (3, [63, 63]), (12, [16, 40]), (2, [40, 16])] {
            let figure = figure(count, sides)?;
            let (layout, (width, height)) = (figure.layout(), figure.size());
            assert!(layout.right() <= RIGHT + 1e-9 && f64::from(width) == WIDTH);
            assert!(layout.bottom() + BELOW + FOOT <= f64::from(height));
            let [_, svg] = figure.save(&folder.path().join("maps"))?;
            let texts = svg_texts(&std::fs::read_to_string(svg)?)?;
            let last = format!("epoch {}", count - 1);
            for text in ["Errors", "error rate, %", "horizontal frequency, cycles per image", "0", &last] {
                assert!(texts.iter().any(|found| found == text), "{text}: {texts:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn ticks_are_whole_frequencies() {
        let labels =
            |side, most| frequencies(side, most).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(32, 8), ["−15", "−10", "−5", "0", "5", "10", "15"]);
        assert_eq!(labels(3, 8), ["−1", "0", "1"]);
        assert_eq!(labels(1, 8), ["0"]);
    }

    #[test]
    fn what_was_not_measured_stays_white() -> Result<(), Box<dyn std::error::Error>> {
        let mut with_holes = map("a", [8, 8]);
        with_holes.values[27] = None;
        let figure = FrequencyMaps::new("t", "s", "q", [8, 8], vec![with_holes])?;
        let folder = tempfile::tempdir()?;
        let picture = Picture::read(&figure.save(&folder.path().join("maps"))?[0])?;
        let (layout, (left, top)) = (figure.layout(), figure.layout().corner(0));
        let edge = |place: f64| place * layout.cell;
        for (row, column) in [(3.5, 3.5), (3.05, 3.05), (3.95, 3.95)] {
            assert_eq!(picture.at((left + edge(column), top + edge(row))), [255; 3], "{row} {column}");
        }
        Ok(())
    }

    #[test]
    fn equal_values_are_drawn_and_others_refused() -> Result<(), Box<dyn std::error::Error>> {
        let of = |value: Option<f64>| {
            let map = FrequencyMap { title: String::new(), values: vec![value; 4] };
            FrequencyMaps::new("t", "s", "q", [2, 2], vec![map])
        };
        let folder = tempfile::tempdir()?;
        [0.0, -3.0, 1e9]
            .into_iter()
            .try_for_each(|value| of(Some(value))?.save(&folder.path().join("maps")).map(|_| ()))?;
        assert!(matches!(of(None), Err(Error::Empty { .. })));
        assert!(matches!(of(Some(f64::NAN)), Err(Error::NotFinite { .. })));
        assert!(matches!(figure(13, [2, 2]), Err(Error::TooManyPanels { .. })));
        assert!(matches!(figure(0, [2, 2]), Err(Error::Empty { .. })));
        let short = FrequencyMaps::new("t", "s", "q", [2, 3], vec![map("m", [2, 2])]);
        assert!(matches!(short, Err(Error::Length { found: 4, length: 6, .. })));
        Ok(())
    }
}
