//! Curves over bands, with their spread.

use std::path::{Path, PathBuf};

use plotters::prelude::*;

use crate::{
    Error,
    canvas::{Anchor, Canvas, FAINT, GRID, INK, ticks},
    save::{Figure, save},
};

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What the legend calls it.
    pub label: String,
    /// One value a band.
    pub mean: Vec<f64>,
    /// The half width of the shaded band around it, one value a band; empty for none.
    pub std: Vec<f64>,
}

/// Curves over frequency bands, each with a band of ±1 standard deviation. Colours are those of Okabe & Ito (2008), which
/// people with any colour vision can tell apart; strokes differ too.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use plots::{BandCurves, Curve};
/// let curve = Curve { label: "images".into(), mean: vec![1.0, 0.5, 0.0], std: vec![0.0, 0.1, 0.0] };
/// let curves = BandCurves::new("Spectral density", "synthetic", "density", vec![1, 2, 3], vec![curve])?;
/// let folder = tempfile::tempdir()?;
/// assert_eq!(curves.save(&folder.path().join("density"))?.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BandCurves {
    title: String,
    subtitle: String,
    quantity: String,
    radii: Vec<usize>,
    curves: Vec<Curve>,
    range: (f64, f64),
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 74.0;
const TOP: f64 = 92.0;
const RIGHT: f64 = 736.0;
const BOTTOM: f64 = 396.0;

const COLORS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(90, 90, 90),
];
/// Stroke and gap of each curve in turn; a gap of zero is a full line.
const STROKES: [(f64, f64); 5] = [(1.0, 0.0), (8.0, 4.0), (2.0, 3.0), (12.0, 3.0), (5.0, 5.0)];

impl BandCurves {
    /// Curves over the bands of these radii; `quantity` labels the upward axis.
    ///
    /// # Errors
    /// If there is no curve, a curve has another number of values than there are bands, or a value is not finite.
    pub fn new(
        title: impl Into<String>,
        subtitle: impl Into<String>,
        quantity: impl Into<String>,
        radii: Vec<usize>,
        curves: Vec<Curve>,
    ) -> Result<Self, Error> {
        if radii.is_empty() || curves.is_empty() {
            return Err(Error::Empty { expected: "curve and one band" });
        }
        curves.iter().try_for_each(|curve| check(curve, radii.len()))?;
        let edges = || curves.iter().flat_map(|curve| edges(curve).map(|(_, low, high)| (low, high)));
        let low = edges().map(|(low, _)| low).fold(f64::INFINITY, f64::min).min(0.0);
        let high = edges().map(|(_, high)| high).fold(f64::NEG_INFINITY, f64::max).max(low + 1e-9);
        let margin = 0.04 * (high - low);
        let range = (if low < 0.0 { low - margin } else { 0.0 }, high + margin);
        Ok(Self {
            title: title.into(),
            subtitle: subtitle.into(),
            quantity: quantity.into(),
            radii,
            curves,
            range,
        })
    }

    /// Writes `{stem}.png` and `{stem}.svg`.
    ///
    /// # Errors
    /// If a file cannot be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<[PathBuf; 2], Error> {
        save(self, stem)
    }

    fn point(&self, band: usize, value: f64) -> (f64, f64) {
        let along = if self.radii.len() > 1 { band as f64 / (self.radii.len() - 1) as f64 } else { 0.5 };
        let up = (value - self.range.0) / (self.range.1 - self.range.0);
        (LEFT + 12.0 + along * (RIGHT - LEFT - 24.0), BOTTOM - up * (BOTTOM - TOP))
    }

    fn draw_axes<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let step = nice_step((self.range.1 - self.range.0) / 6.0);
        let first = (self.range.0 / step).ceil() as i64;
        for tick in (first..).take_while(|&tick| tick as f64 * step <= self.range.1) {
            let (value, decimals) = (tick as f64 * step, (-step.log10()).ceil().max(0.0) as usize);
            let y = self.point(0, value).1;
            canvas.line(&[(LEFT, y), (RIGHT, y)], GRID, 1.0)?;
            canvas.text(format!("{value:.decimals$}"), (LEFT - 8.0, y), 12.0, INK, Anchor::Right)?;
        }
        for band in ticks(self.radii.len(), 22) {
            let x = self.point(band, self.range.0).0;
            canvas.line(&[(x, BOTTOM), (x, BOTTOM + 4.0)], INK, 1.0)?;
            canvas.text(self.radii[band], (x, BOTTOM + 14.0), 12.0, INK, Anchor::Middle)?;
        }
        canvas.text(
            "frequency band (radius ρ)",
            ((LEFT + RIGHT) / 2.0, BOTTOM + 40.0),
            14.0,
            INK,
            Anchor::Middle,
        )?;
        canvas.upward_text(&self.quantity, (22.0, (TOP + BOTTOM) / 2.0), 14.0)?;
        canvas.frame((LEFT, TOP), (RIGHT, BOTTOM))
    }

    fn draw_curve<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        index: usize,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (curve, color) = (&self.curves[index], COLORS[index % COLORS.len()]);
        if !curve.std.is_empty() {
            let upper = edges(curve).map(|(band, _, high)| self.point(band, high));
            let lower: Vec<_> = edges(curve).map(|(band, low, _)| self.point(band, low)).collect();
            let outline: Vec<_> = upper.chain(lower.into_iter().rev()).collect();
            canvas.polygon(&outline, color, 0.16)?;
        }
        let points: Vec<_> =
            curve.mean.iter().enumerate().map(|(band, &mean)| self.point(band, mean)).collect();
        stroke(canvas, &points, index)?;
        if points.len() <= 60 {
            points.iter().try_for_each(|&point| canvas.dot(point, 2.5, color))?;
        }
        Ok(())
    }

    /// One line above the curves, so that it never covers them.
    fn draw_legend<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let mut x = LEFT;
        for (index, curve) in self.curves.iter().enumerate() {
            stroke(canvas, &[(x, TOP - 14.0), (x + 30.0, TOP - 14.0)], index)?;
            canvas.text(&curve.label, (x + 37.0, TOP - 14.0), 12.0, INK, Anchor::Left)?;
            x += 37.0 + 7.4 * curve.label.chars().count() as f64 + 22.0;
        }
        Ok(())
    }
}

impl Figure for BandCurves {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, HEIGHT as u32)
    }

    fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        canvas.fill(WHITE)?;
        canvas.text(&self.title, (LEFT, 24.0), 18.0, INK, Anchor::Left)?;
        canvas.text(&self.subtitle, (LEFT, 50.0), 13.0, FAINT, Anchor::Left)?;
        self.draw_axes(canvas)?;
        (0..self.curves.len()).try_for_each(|index| self.draw_curve(canvas, index))?;
        self.draw_legend(canvas)
    }
}

fn stroke<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    points: &[(f64, f64)],
    index: usize,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let (color, (on, off)) = (COLORS[index % COLORS.len()], STROKES[index % STROKES.len()]);
    if off == 0.0 { canvas.line(points, color, 2.0) } else { canvas.dashed(points, color, 2.0, (on, off)) }
}

/// By band: the lower and the upper edge of the shaded band.
fn edges(curve: &Curve) -> impl Iterator<Item = (usize, f64, f64)> {
    curve.mean.iter().enumerate().map(|(band, mean)| {
        let std = curve.std.get(band).copied().unwrap_or(0.0);
        (band, mean - std, mean + std)
    })
}

fn check(curve: &Curve, length: usize) -> Result<(), Error> {
    let what = || format!("curve `{}`", curve.label);
    let lengths = [curve.mean.len(), if curve.std.is_empty() { length } else { curve.std.len() }];
    if let Some(found) = lengths.into_iter().find(|&found| found != length) {
        return Err(Error::Length { what: what(), found, length });
    }
    match curve.mean.iter().chain(&curve.std).find(|value| !value.is_finite()) {
        Some(&value) => Err(Error::NotFinite { what: what(), value }),
        None => Ok(()),
    }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn nice_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|&step| step >= least)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert!((nice_step(0.17) - 0.2).abs() < 1e-12);
        assert!((nice_step(3.1) - 5.0).abs() < 1e-12);
        assert!((nice_step(0.0072) - 0.01).abs() < 1e-12);
    }

    #[test]
    fn curves_that_do_not_fit_are_refused() {
        let new = |mean: Vec<f64>| {
            BandCurves::new("t", "s", "q", vec![1, 2], vec![Curve { label: "c".into(), mean, std: vec![] }])
        };
        assert!(new(vec![0.0, 1.0]).is_ok());
        assert!(matches!(new(vec![0.0]), Err(Error::Length { found: 1, length: 2, .. })));
        assert!(matches!(new(vec![0.0, f64::INFINITY]), Err(Error::NotFinite { .. })));
        assert!(BandCurves::new("t", "s", "q", vec![1], vec![]).is_err());
    }

    #[test]
    fn the_svg_holds_its_labels() -> Result<(), Box<dyn std::error::Error>> {
        let curve = |label: &str, phase: f64| {
            let mean: Vec<f64> =
                (0..20).map(|band| 0.5 + 0.4 * (f64::from(band) * 0.2 + phase).cos()).collect();
            Curve { label: label.into(), mean, std: vec![0.08; 20] }
        };
        let curves = vec![curve("image density", 0.0), curve("gradient density, epoch 9", 0.7)];
        let figure = BandCurves::new(
            "Densities",
            "resnet18 on synthetic",
            "min–max scaled",
            (1..=20).collect(),
            curves,
        )?;
        let folder = tempfile::tempdir()?;
        let [png, svg] = figure.save(&folder.path().join("density"))?;
        let text = std::fs::read_to_string(svg)?;
        assert!(
            ["image density", "gradient density, epoch 9", "min–max scaled"]
                .iter()
                .all(|label| text.contains(label))
        );
        assert!(std::fs::metadata(png)?.len() > 1000);
        Ok(())
    }
}
