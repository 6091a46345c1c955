//! Curves with their spread.
//!
//! ```text
//! title
//! subtitle
//! ─●─ images   ─■─ gradients   ▒ ±1 standard deviation     as many rows as it needs
//!     ┌───────────────────────────────────────────┐
//! 1.0 │●──●                               ▒▒▒▒■   │
//! 0.5 │     ──●──                    ▒▒■▒▒        │
//! 0.0 │          ──●──●──                         │
//!     └───────────────────────────────────────────┘
//!      1   2   3   4   what is counted
//! ```

use std::path::{Path, PathBuf};

use plotters::prelude::*;

use crate::{
    Error,
    axis::{BANDS, integer_ticks, value_ticks},
    canvas::{Anchor, Canvas, Drawn, Ink, Point},
    header::Header,
    ink::{GRID, INK},
    legend::Legend,
    palette::{Look, SHADE},
    save::{self, Figure, save},
    text::{size, width},
};

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What the legend calls it.
    pub label: String,
    /// One value a position.
    pub mean: Vec<f64>,
    /// The shaded band around it.
    pub spread: Spread,
}

/// What the shaded band around a curve shows, one value a position.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Spread {
    /// There is none.
    #[default]
    None,
    /// ±1 standard deviation.
    Std(Vec<f64>),
    /// The 95 % interval: its ends.
    Interval(Vec<[f64; 2]>),
}

impl Spread {
    /// What the legend calls it.
    fn name(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Std(_) => Some("±1 standard deviation"),
            Self::Interval(_) => Some("95 % interval"),
        }
    }

    /// How many positions it has, where there is one.
    fn len(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Std(half) => Some(half.len()),
            Self::Interval(ends) => Some(ends.len()),
        }
    }

    /// Its ends at a position, around a value.
    fn edges(&self, index: usize, value: f64) -> (f64, f64) {
        match self {
            Self::None => (value, value),
            Self::Std(half) => (value - half[index].abs(), value + half[index].abs()),
            Self::Interval(ends) => (ends[index][0], ends[index][1]),
        }
    }
}

/// What the axes show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axes {
    /// To the right, such as `epoch`.
    pub right: String,
    /// Upward, such as `accuracy, %`.
    pub up: String,
}

/// Curves over frequency bands, each with a shaded band, on an axis that begins at zero or below.
///
/// Colours are those of Okabe & Ito (2008), which people with any colour vision can tell apart; strokes and marks differ
/// too.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use plots::{BandCurves, Curve, Spread};
/// let curve = Curve { label: "images".into(), mean: vec![1.0, 0.5, 0.0], spread: Spread::Std(vec![0.0, 0.1, 0.0]) };
/// let curves = BandCurves::new("Spectral density", "synthetic", "density", vec![1, 2, 3], vec![curve])?;
/// let folder = tempfile::tempdir()?;
/// assert_eq!(curves.save(&folder.path().join("density"))?.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BandCurves(LineChart);

impl BandCurves {
    /// Curves over the bands of these radii ρ; `quantity` labels the upward axis.
    ///
    /// # Errors
    /// If there is no curve, a curve has another number of values than there are bands, a value is not finite, or the
    /// radii do not increase.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        quantity: impl Into<String>,
        radii: Vec<usize>,
        curves: Vec<Curve>,
    ) -> Result<Self, Error> {
        let axes = Axes { right: BANDS.to_owned(), up: quantity.into() };
        let mut chart = LineChart::new(title, subtitle, axes, radii, curves)?;
        chart.extent = (chart.extent.0.min(0.0), chart.extent.1.max(0.0));
        Ok(Self(chart))
    }

    /// Writes `{stem}.png`, 1520 pixels wide, and `{stem}.svg`, 760 wide, and returns both paths.
    ///
    /// # Errors
    /// If a file cannot be drawn or written; the files that stand are whole.
    pub fn save(&self, stem: &Path) -> Result<[PathBuf; 2], Error> {
        self.0.save(stem)
    }

    /// The bytes of that PNG file.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        self.0.png()
    }
}

/// Curves over anything counted: epochs, cut-off radii. The upward axis spans the data.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use plots::{Axes, Curve, LineChart, Spread};
/// let axes = Axes { right: "epoch".into(), up: "accuracy, %".into() };
/// let curve = Curve { label: "test images".into(), mean: vec![31.0, 47.5, 52.0], spread: Spread::None };
/// let chart = LineChart::new("Accuracy", "resnet18 on synthetic", axes, vec![0, 1, 2], vec![curve])?;
/// let folder = tempfile::tempdir()?;
/// let [_, svg] = chart.save(&folder.path().join("accuracy"))?;
/// assert!(std::fs::read_to_string(svg)?.contains("accuracy, %"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct LineChart {
    title: String,
    subtitle: String,
    axes: Axes,
    positions: Vec<usize>,
    curves: Vec<Curve>,
    /// The lowest and the highest value shown.
    extent: (f64, f64),
}

/// Of the figure, in logical pixels as all below.
const WIDTH: f64 = 760.0;
/// Of the curves' frame.
const HEIGHT: f64 = 320.0;
/// The frame's right edge.
const RIGHT: f64 = 736.0;
/// Below the curves: ticks, their labels, the axis' label.
const FOOT: f64 = 58.0;
/// Between the frame and the first and last positions.
const INSET: f64 = 14.0;
/// Least distances of marks and of labels to the right.
const MARK_PITCH: f64 = 14.0;
const LABEL_PITCH: f64 = 26.0;

const TICK: Ink = Ink { size: size::TICK, color: INK };
const LABEL: Ink = Ink { size: size::LABEL, color: INK };

impl LineChart {
    /// Curves over increasing positions.
    ///
    /// # Errors
    /// If there is no curve, a curve has another number of values than there are positions, a value is not finite, or the
    /// positions do not increase.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        axes: Axes,
        positions: Vec<usize>,
        curves: Vec<Curve>,
    ) -> Result<Self, Error> {
        if positions.is_empty() || curves.is_empty() {
            return Err(Error::Empty { expected: "curve and one position" });
        }
        if let Some(pair) = positions.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(Error::NotIncreasing { before: pair[0], after: pair[1] });
        }
        curves.iter().try_for_each(|curve| check(curve, positions.len()))?;
        let extent = extent(&curves);
        Ok(Self { title: title.into(), subtitle: subtitle.into(), axes, positions, curves, extent })
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
        let range = padded(self.extent);
        let ticks = value_ticks(range, 6);
        let widest = ticks.iter().map(|(_, label)| width(label, TICK.size)).fold(0.0, f64::max);
        let left = (48.0 + widest).ceil();
        let shade = self.curves.iter().find_map(|curve| curve.spread.name());
        let names = self.curves.iter().map(|curve| curve.label.as_str());
        let legend = Legend::new(names, shade, RIGHT - left);
        let header = Header::new(&self.title, &self.subtitle, RIGHT - left);
        let top = (header.height() + 4.0 + legend.height() + 8.0).ceil();
        let (first, last) = (self.positions[0], self.positions[self.positions.len() - 1]);
        Layout { header, legend, ticks, left, top, range, first, last }
    }
}

/// Where things are, in logical pixels.
struct Layout {
    header: Header,
    legend: Legend,
    ticks: Vec<(f64, String)>,
    left: f64,
    top: f64,
    range: (f64, f64),
    first: usize,
    last: usize,
}

impl Layout {
    /// The frame's lower edge.
    fn bottom(&self) -> f64 {
        self.top + HEIGHT
    }

    /// The place of a value; positions are to scale.
    fn at(&self, position: usize, value: f64) -> Point {
        let span = (self.last - self.first) as f64;
        let along = if span > 0.0 { (position - self.first) as f64 / span } else { 0.5 };
        let up = (value - self.range.0) / (self.range.1 - self.range.0);
        (self.left + INSET + along * (RIGHT - self.left - 2.0 * INSET), self.bottom() - up * HEIGHT)
    }

    /// All positions if their labels fit, or else round ones.
    fn labelled(&self, positions: &[usize]) -> Vec<usize> {
        let x = |position| self.at(position, 0.0).0;
        if positions.windows(2).all(|pair| x(pair[1]) - x(pair[0]) >= LABEL_PITCH) {
            return positions.to_vec();
        }
        integer_ticks(self.first, self.last, 22)
    }
}

impl Figure for LineChart {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, (self.layout().bottom() + FOOT) as u32)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let layout = self.layout();
        canvas.fill(WHITE)?;
        layout.header.draw(canvas, (layout.left, 0.0))?;
        layout.legend.draw(canvas, (layout.left, layout.header.height() + 4.0))?;
        draw_grid(canvas, &layout)?;
        (0..self.curves.len()).try_for_each(|index| self.draw_shade(canvas, &layout, index))?;
        (0..self.curves.len()).try_for_each(|index| self.draw_curve(canvas, &layout, index))?;
        self.draw_axes(canvas, &layout)
    }
}

impl LineChart {
    fn draw_axes<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, layout: &Layout) -> Drawn<B> {
        let bottom = layout.bottom();
        for (value, label) in &layout.ticks {
            let y = layout.at(layout.first, *value).1;
            canvas.rule((layout.left - 4.0, y), (layout.left, y), INK)?;
            canvas.text(label, (layout.left - 8.0, y), TICK, Anchor::Right)?;
        }
        for position in layout.labelled(&self.positions) {
            let x = layout.at(position, 0.0).0;
            canvas.rule((x, bottom), (x, bottom + 4.0), INK)?;
            canvas.text(position, (x, bottom + 13.0), TICK, Anchor::Middle)?;
        }
        let middle = (0.5 * (layout.left + RIGHT), 0.5 * (layout.top + bottom));
        canvas.text(&self.axes.right, (middle.0, bottom + 37.0), LABEL, Anchor::Middle)?;
        canvas.upward_text(&self.axes.up, (20.0, middle.1), LABEL)?;
        canvas.frame((layout.left, layout.top), (RIGHT, bottom))
    }

    fn draw_shade<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        layout: &Layout,
        index: usize,
    ) -> Drawn<B> {
        let curve = &self.curves[index];
        if curve.spread == Spread::None {
            return Ok(());
        }
        let edge = |of: fn((f64, f64)) -> f64| {
            self.positions.iter().zip(edges(curve)).map(move |(&at, edges)| layout.at(at, of(edges)))
        };
        let lower = widened(edge(|(low, _)| low).collect());
        let upper = widened(edge(|(_, high)| high).collect());
        let outline: Vec<Point> = upper.into_iter().chain(lower.into_iter().rev()).collect();
        canvas.polygon(&outline, Look::from_index(index).color, SHADE)
    }

    fn draw_curve<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        layout: &Layout,
        index: usize,
    ) -> Drawn<B> {
        let (curve, look) = (&self.curves[index], Look::from_index(index));
        let point = |(&position, &mean): (&usize, &f64)| layout.at(position, mean);
        let points: Vec<Point> = self.positions.iter().zip(&curve.mean).map(point).collect();
        if points.len() > 1 {
            look.draw_line(canvas, &points)?;
        }
        // Where marks are thinned, each curve has its own positions.
        let every = (MARK_PITCH * points.len() as f64 / (RIGHT - layout.left)).ceil().max(1.0) as usize;
        let first = (index * every / self.curves.len()).min(points.len() - 1);
        points[first..].iter().step_by(every).try_for_each(|&point| look.draw_mark(canvas, point))
    }
}

/// Light lines at the ticks of values; the other axis needs none.
fn draw_grid<B: DrawingBackend>(canvas: &Canvas<'_, B>, layout: &Layout) -> Drawn<B> {
    let mut heights = layout.ticks.iter().map(|(value, _)| layout.at(layout.first, *value).1);
    heights.try_for_each(|y| canvas.rule((layout.left, y), (RIGHT, y), GRID))
}

/// An edge of a shaded band; where there is one position only, a little to both sides of it, or the band would
/// have no area.
fn widened(edge: Vec<Point>) -> Vec<Point> {
    match edge[..] {
        [(x, y)] => vec![(x - 6.0, y), (x + 6.0, y)],
        _ => edge,
    }
}

/// By position: the lower and the upper edge of the shaded band.
fn edges(curve: &Curve) -> impl Iterator<Item = (f64, f64)> {
    curve.mean.iter().enumerate().map(|(index, &mean)| curve.spread.edges(index, mean))
}

/// The lowest and the highest edge of all curves.
fn extent(curves: &[Curve]) -> (f64, f64) {
    let around = |(low, high): (f64, f64), edges: (f64, f64)| (low.min(edges.0), high.max(edges.1));
    curves.iter().flat_map(edges).fold((f64::INFINITY, f64::NEG_INFINITY), around)
}

/// A little more than the extent; something around it if it is a point.
fn padded((low, high): (f64, f64)) -> (f64, f64) {
    let least = 1e-6 * low.abs().max(high.abs());
    let span = if high - low > least { high - low } else { (2.0 * high.abs()).max(1e-9) };
    (low - 0.05 * span, high + 0.05 * span)
}

/// Whether a curve has a drawable value at each position.
fn check(curve: &Curve, length: usize) -> Result<(), Error> {
    let what = || format!("curve `{}`", curve.label);
    let lengths = [curve.mean.len(), curve.spread.len().unwrap_or(length)];
    if let Some(found) = lengths.into_iter().find(|&found| found != length) {
        return Err(Error::Length { what: what(), found, length });
    }
    // A thousandth of the largest number: then sums, differences and margins are finite too.
    let unfit = |value: &f64| !value.is_finite() || value.abs() > 1e-3 * f64::MAX;
    let ends = edges(curve).flat_map(|(low, high)| [low, high]);
    match curve.mean.iter().copied().chain(ends).find(unfit) {
        Some(value) => Err(Error::NotFinite { what: what(), value }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Picture, svg_texts};

    fn curve(label: &str, mean: Vec<f64>, std: Vec<f64>) -> Curve {
        let spread = if std.is_empty() { Spread::None } else { Spread::Std(std) };
        Curve { label: label.to_owned(), mean, spread }
    }

    fn bands(curves: Vec<Curve>, radii: Vec<usize>) -> Result<BandCurves, Error> {
        BandCurves::new("Densities", "resnet18 on synthetic", "min–max scaled", radii, curves)
    }

    #[test]
    fn curves_that_do_not_fit_are_refused() {
        let new = |mean: Vec<f64>, std: Vec<f64>| bands(vec![curve("c", mean, std)], vec![1, 2]);
        assert!(new(vec![0.0, 1.0], vec![]).is_ok());
        assert!(matches!(new(vec![0.0], vec![]), Err(Error::Length { found: 1, length: 2, .. })));
        assert!(matches!(new(vec![0.0, 1.0], vec![1.0]), Err(Error::Length { found: 1, length: 2, .. })));
        assert!(matches!(new(vec![0.0, f64::INFINITY], vec![]), Err(Error::NotFinite { .. })));
        assert!(matches!(new(vec![0.0, 1.0], vec![f64::NAN, 0.0]), Err(Error::NotFinite { .. })));
        assert!(matches!(bands(vec![], vec![1]), Err(Error::Empty { .. })));
        let twice = bands(vec![curve("c", vec![0.0, 1.0], vec![])], vec![2, 2]);
        assert!(matches!(twice, Err(Error::NotIncreasing { before: 2, after: 2 })));
    }

    #[test]
    fn marks_stand_where_the_values_are() -> Result<(), Box<dyn std::error::Error>> {
        let curves = vec![curve("a", vec![0.0, 2.0, 1.0], vec![]), curve("b", vec![1.0, 0.5, 3.0], vec![])];
        let figure = bands(curves.clone(), vec![1, 2, 7])?;
        let folder = tempfile::tempdir()?;
        let picture = Picture::read(&figure.save(&folder.path().join("curves"))?[0])?;
        let (layout, size) = (figure.0.layout(), figure.0.size());
        assert_eq!((picture.width, picture.height), (2 * size.0 as usize, 2 * size.1 as usize));
        for (index, curve) in curves.iter().enumerate() {
            let RGBColor(r, g, b) = Look::from_index(index).color;
            for (&position, &mean) in [1, 2, 7].iter().zip(&curve.mean) {
                assert_eq!(picture.at(layout.at(position, mean)), [r, g, b], "{} at {position}", curve.label);
            }
        }
        Ok(())
    }

    #[test]
    fn everything_stays_inside_the_frame() -> Result<(), Box<dyn std::error::Error>> {
        for (low, high) in
            [(0.0, 0.0), (0.2, 0.7), (-3.0, -1.0), (1e12, 1e12), (0.0, 1e-300), (-1e300, 1e300)]
        {
            let curves = vec![curve("c", vec![low, high], vec![0.1 * high.abs(); 2])];
            let axes = Axes { right: "epoch".into(), up: "value".into() };
            let chart = LineChart::new("t", "s", axes, vec![0, 1], curves)?;
            for chart in [chart.clone(), bands(chart.curves, vec![1, 2])?.0] {
                let layout = chart.layout();
                let heights = edges(&chart.curves[0])
                    .flat_map(|(low, high)| [low, high])
                    .map(|v| layout.at(layout.first, v).1);
                assert!(heights.into_iter().all(|y| y > layout.top && y < layout.bottom()), "{low} {high}");
                assert!(layout.left < 250.0, "{low} {high}: {:?}", layout.ticks);
            }
        }
        Ok(())
    }

    #[test]
    fn the_svg_is_well_formed_and_labelled() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let names = ["image density", "gradient density, epoch 9", &"a long name ".repeat(30)];
        for count in [1, 20, 156] {
            let curves = names.map(|name| curve(name, vec![0.5; count], vec![0.08; count])).to_vec();
            let [_, svg] = bands(curves, (1..=count).collect())?.save(&folder.path().join("density"))?;
            let texts = svg_texts(&std::fs::read_to_string(svg)?)?;
            for label in [
                "image density",
                "gradient density, epoch 9",
                "min–max scaled",
                BANDS,
                "±1 standard deviation",
            ] {
                assert!(texts.iter().any(|text| text == label), "{label}: {texts:?}");
            }
            assert!(texts.iter().any(|text| text.starts_with("a long name") && text.ends_with('…')));
        }
        Ok(())
    }
}
