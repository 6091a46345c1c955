//! The paper's central figure: epochs upward, bands to the right.

use std::path::{Path, PathBuf};

use plotters::{
    prelude::*,
    style::colors::colormaps::{ColorMap, ViridisRGB},
};
use spectral::SpectrumTable;

use crate::{
    Error,
    canvas::{Anchor, Canvas, FAINT, INK, ticks},
    save::{Figure, save},
};

/// The gradient spectrum of a run as a heat map (Lin, Gao & Sang, IJCAI 2022): one row an epoch, one column a band, the
/// mean profiles min–max scaled over the whole table. A white line follows the centre of mass.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use spectral::{SpectrumRow, SpectrumTable};
/// let mut table = SpectrumTable::new("synthetic", "resnet18", 100, vec![1, 2, 3]);
/// table.push(SpectrumRow { epoch: 0, mean: vec![1.0, 0.5, 0.0], std: vec![0.1; 3], nat_prec1: 10.0, skipped: 0 })?;
/// let folder = tempfile::tempdir()?;
/// let [png, svg] = plots::HeatMap::new(&table)?.save(&folder.path().join("spectrum"))?;
/// assert!(png.ends_with("spectrum.png") && svg.ends_with("spectrum.svg"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HeatMap {
    title: String,
    subtitle: String,
    cells: Vec<Vec<f64>>,
    epochs: Vec<usize>,
    radii: Vec<usize>,
    /// Per epoch, in units of radius.
    centres: Vec<f64>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 500.0;
/// The cells' rectangle.
const LEFT: f64 = 74.0;
const TOP: f64 = 66.0;
const RIGHT: f64 = 644.0;
const BOTTOM: f64 = 434.0;
/// The colour bar.
const BAR: (f64, f64) = (664.0, 682.0);

impl HeatMap {
    /// The heat map of a table.
    ///
    /// # Errors
    /// If the table is empty or holds a number that is not finite.
    pub fn new(table: &SpectrumTable) -> Result<Self, Error> {
        if table.rows.is_empty() || table.radii.is_empty() {
            return Err(Error::Empty { expected: "epoch and one band" });
        }
        let all = || table.rows.iter().flat_map(|row| row.mean.iter().map(move |&mean| (row.epoch, mean)));
        if let Some((epoch, value)) = all().find(|(_, mean)| !mean.is_finite()) {
            return Err(Error::NotFinite { what: format!("epoch {epoch}"), value });
        }
        Ok(Self {
            title: "Gradient spectrum by epoch".to_owned(),
            subtitle: format!("{} on {}, {} test images", table.arch, table.dataset, table.n_images),
            cells: table.scaled(),
            epochs: table.rows.iter().map(|row| row.epoch).collect(),
            radii: table.radii.clone(),
            centres: table.rows.iter().map(|row| row.centre_of_mass(&table.radii)).collect(),
        })
    }

    /// Writes `{stem}.png` and `{stem}.svg`.
    ///
    /// # Errors
    /// If a file cannot be drawn or written.
    pub fn save(&self, stem: &Path) -> Result<[PathBuf; 2], Error> {
        save(self, stem)
    }

    fn cell_width(&self) -> f64 {
        (RIGHT - LEFT) / self.radii.len() as f64
    }

    fn cell_height(&self) -> f64 {
        (BOTTOM - TOP) / self.epochs.len() as f64
    }

    /// The middle of a row, counted from the bottom.
    fn row_middle(&self, row: usize) -> f64 {
        BOTTOM - (row as f64 + 0.5) * self.cell_height()
    }

    fn column_middle(&self, column: usize) -> f64 {
        LEFT + (column as f64 + 0.5) * self.cell_width()
    }

    fn draw_cells<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (width, height) = (self.cell_width(), self.cell_height());
        for (row, cells) in self.cells.iter().enumerate() {
            let bottom = BOTTOM - row as f64 * height;
            for (column, &value) in cells.iter().enumerate() {
                let left = LEFT + column as f64 * width;
                canvas.rectangle((left, bottom - height), (left + width, bottom), color(value))?;
            }
        }
        canvas.frame((LEFT, TOP), (RIGHT, BOTTOM))
    }

    fn draw_axes<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        for column in ticks(self.radii.len(), 20) {
            let x = self.column_middle(column);
            canvas.line(&[(x, BOTTOM), (x, BOTTOM + 4.0)], INK, 1.0)?;
            canvas.text(self.radii[column], (x, BOTTOM + 14.0), 12.0, INK, Anchor::Middle)?;
        }
        for row in ticks(self.epochs.len(), 20) {
            let y = self.row_middle(row);
            canvas.line(&[(LEFT - 4.0, y), (LEFT, y)], INK, 1.0)?;
            canvas.text(self.epochs[row], (LEFT - 9.0, y), 12.0, INK, Anchor::Right)?;
        }
        canvas.text(
            "frequency band (radius ρ)",
            ((LEFT + RIGHT) / 2.0, BOTTOM + 40.0),
            14.0,
            INK,
            Anchor::Middle,
        )?;
        canvas.upward_text("epoch", (24.0, (TOP + BOTTOM) / 2.0), 14.0)
    }

    fn draw_bar<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let steps = 184;
        let height = (BOTTOM - TOP) / f64::from(steps);
        for step in 0..steps {
            let bottom = BOTTOM - f64::from(step) * height;
            let value = (f64::from(step) + 0.5) / f64::from(steps);
            canvas.rectangle((BAR.0, bottom - height), (BAR.1, bottom), color(value))?;
        }
        canvas.frame((BAR.0, TOP), (BAR.1, BOTTOM))?;
        for tick in 0..=5 {
            let value = f64::from(tick) / 5.0;
            let y = BOTTOM - value * (BOTTOM - TOP);
            canvas.line(&[(BAR.1, y), (BAR.1 + 4.0, y)], INK, 1.0)?;
            canvas.text(format!("{value:.1}"), (BAR.1 + 8.0, y), 12.0, INK, Anchor::Left)?;
        }
        canvas.upward_text(
            "mean gradient magnitude, min–max scaled",
            (WIDTH - 20.0, (TOP + BOTTOM) / 2.0),
            13.0,
        )
    }

    fn draw_centres<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (first, last) = (self.radii[0] as f64, self.radii[self.radii.len() - 1] as f64);
        let step = if last > first { (last - first) / (self.radii.len() - 1) as f64 } else { 1.0 };
        let x = |centre: f64| LEFT + ((centre - first) / step + 0.5) * self.cell_width();
        let points: Vec<_> =
            self.centres.iter().enumerate().map(|(row, &c)| (x(c), self.row_middle(row))).collect();
        canvas.line(&points, WHITE, 1.5)?;
        if points.len() <= 40 {
            points.iter().try_for_each(|&point| canvas.dot(point, 2.5, WHITE))?;
        }
        let legend = "white line: centre of mass";
        canvas.text(legend, (RIGHT, TOP - 14.0), 12.0, FAINT, Anchor::Right)
    }
}

impl Figure for HeatMap {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, HEIGHT as u32)
    }

    fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        canvas.fill(WHITE)?;
        canvas.text(&self.title, (LEFT, 24.0), 18.0, INK, Anchor::Left)?;
        canvas.text(&self.subtitle, (LEFT, TOP - 14.0), 13.0, FAINT, Anchor::Left)?;
        self.draw_cells(canvas)?;
        self.draw_axes(canvas)?;
        self.draw_bar(canvas)?;
        self.draw_centres(canvas)
    }
}

/// Viridis, from dark (0) to bright (1).
fn color(value: f64) -> RGBColor {
    ViridisRGB.get_color(value.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use spectral::SpectrumRow;

    use super::*;

    fn table(epochs: usize, bands: usize) -> Result<SpectrumTable, spectral::Error> {
        let mut table = SpectrumTable::new("synthetic", "resnet18", 100, (1..=bands).collect());
        for epoch in 0..epochs {
            let centre = 2.0 + epoch as f64 * bands as f64 / epochs as f64 * 0.6;
            let mean = (0..bands)
                .map(|band| (-((band as f64 - centre) / (bands as f64 * 0.2)).powi(2)).exp())
                .collect();
            table.push(SpectrumRow { epoch, mean, std: vec![0.1; bands], nat_prec1: 10.0, skipped: 0 })?;
        }
        Ok(table)
    }

    fn pixel(path: &Path, (x, y): (f64, f64)) -> Result<[u8; 3], Box<dyn std::error::Error>> {
        let mut reader =
            png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path)?)).read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut bytes)?;
        assert_eq!((f64::from(info.width), f64::from(info.height)), (2.0 * WIDTH, 2.0 * HEIGHT));
        let at = ((2.0 * y) as usize * info.width as usize + (2.0 * x) as usize) * 3;
        Ok([bytes[at], bytes[at + 1], bytes[at + 2]])
    }

    #[test]
    fn epochs_go_up_and_bands_to_the_right() -> Result<(), Box<dyn std::error::Error>> {
        let mut table = SpectrumTable::new("d", "a", 1, vec![1, 2]);
        for (epoch, mean) in [(0, vec![0.0, 1.0]), (1, vec![0.5, 0.25])] {
            table.push(SpectrumRow { epoch, mean, std: vec![0.0; 2], nat_prec1: 0.0, skipped: 0 })?;
        }
        let folder = tempfile::tempdir()?;
        let map = HeatMap::new(&table)?;
        let [png, _] = map.save(&folder.path().join("map"))?;
        for (row, column, value) in [(0, 0, 0.0), (0, 1, 1.0), (1, 0, 0.5), (1, 1, 0.25)] {
            // A quarter of a cell off the middle, where the line of centres cannot be.
            let at = (map.column_middle(column) - 60.0 + 120.0 * column as f64, map.row_middle(row) + 60.0);
            let RGBColor(r, g, b) = color(value);
            assert_eq!(pixel(&png, at)?, [r, g, b], "epoch {row}, band {column}");
        }
        Ok(())
    }

    #[test]
    fn the_svg_holds_its_labels() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (epochs, bands) in [(1, 20), (10, 20), (200, 156)] {
            let [_, svg] = HeatMap::new(&table(epochs, bands)?)?.save(&folder.path().join("map"))?;
            let text = std::fs::read_to_string(svg)?;
            assert!(text.trim_end().ends_with("</svg>"));
            for label in
                ["frequency band (radius ρ)", "epoch", "resnet18 on synthetic, 100 test images", "sans-serif"]
            {
                assert!(text.contains(label), "{label}");
            }
        }
        Ok(())
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        assert!(HeatMap::new(&table(0, 3)?).is_err());
        let mut table = table(1, 3)?;
        table.rows[0].mean[1] = f64::NAN;
        let error = HeatMap::new(&table).expect_err("a cell without a value");
        assert!(error.to_string().contains("epoch 0"));
        Ok(())
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() -> Result<(), Box<dyn std::error::Error>> {
        let error =
            HeatMap::new(&table(2, 3)?)?.save(Path::new("/nowhere/at/all/map")).expect_err("no such folder");
        assert!(error.to_string().contains("/nowhere/at/all/map.png"), "{error}");
        Ok(())
    }
}
