//! The paper's central figure: epochs upward, bands to the right.
//!
//! ```text
//! title
//! subtitle
//!                                     accuracy
//! e │ ┌───────────────────────────┐              ┌─┐ 1.0
//! p │ │ last epoch           ○    │   84.1       │ │
//! o │ │                  ○        │   71.9       │ │  scaled magnitude
//! c │ │ first epoch   ○           │   36.0       │ │
//! h │ └───────────────────────────┘              └─┘ 0.0
//!       1   2   3   4   radius ρ   ─○─ centre of mass
//! ```

mod drawing;

use std::path::{Path, PathBuf};

use spectral::SpectrumTable;

use crate::{
    Error,
    save::{self, save},
};

/// The gradient spectrum of a run as a heat map (Lin, Gao & Sang, IJCAI 2022): one row an epoch, the first at the bottom;
/// one column a band; the mean profiles min–max scaled over the whole table, in viridis.
///
/// A white line follows the centre of mass Σ ρ·mean / Σ mean of each epoch, and the accuracy on the same images stands
/// beside the rows. Both say at a glance where the network looks, and how well it does.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use spectral::{SpectrumRow, SpectrumTable};
/// let mut table = SpectrumTable::new("synthetic", "resnet18", 100, vec![1, 2, 3]);
/// table.push(SpectrumRow { epoch: 0, mean: vec![1.0, 0.5, 0.0], std: vec![0.1; 3], nat_prec1: 10.0, ..SpectrumRow::default() })?;
/// let folder = tempfile::tempdir()?;
/// let [png, svg] = plots::HeatMap::new(&table)?.save(&folder.path().join("spectrum"))?;
/// assert!(png.ends_with("spectrum.png") && svg.ends_with("spectrum.svg"));
/// assert!(std::fs::read_to_string(svg)?.contains("resnet18 on synthetic, 100 test images"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HeatMap {
    title: String,
    subtitle: String,
    /// In [0, 1], by row and column.
    cells: Vec<Vec<f64>>,
    epochs: Vec<usize>,
    radii: Vec<usize>,
    /// Per epoch, in columns (0 is the middle of the first); none where there is no mass, or it lies beside the bands.
    centres: Vec<Option<f64>>,
    /// Per epoch, in percent; empty if unknown.
    accuracies: Vec<f64>,
}

impl HeatMap {
    /// The heat map of a table, with centres of mass and accuracies. A table all of whose means are equal is drawn as
    /// zeros; accuracies that are not finite are left out.
    ///
    /// # Errors
    /// If the table has no epoch or no band, an epoch has another number of bands, or a mean is not finite.
    pub fn new(table: &SpectrumTable) -> Result<Self, Error> {
        check(table)?;
        let accuracies: Vec<f64> = table.rows.iter().map(|row| row.nat_prec1).collect();
        let known = accuracies.iter().all(|accuracy| accuracy.is_finite());
        let centre = |row: &spectral::SpectrumRow| column_of(row.centre_of_mass(&table.radii), &table.radii);
        Ok(Self {
            title: "Gradient spectrum by epoch".to_owned(),
            subtitle: format!("{} on {}, {} test images", table.arch, table.dataset, table.n_images),
            cells: table.scaled(),
            epochs: table.rows.iter().map(|row| row.epoch).collect(),
            radii: table.radii.clone(),
            centres: table.rows.iter().map(centre).collect(),
            accuracies: if known { accuracies } else { Vec::new() },
        })
    }

    /// The same with another title.
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// The same with another line below the title.
    pub fn with_subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// The cells alone, without the line of centres.
    pub fn without_centres(self) -> Self {
        Self { centres: Vec::new(), ..self }
    }

    /// The same without the column of accuracies; the cells take its room.
    pub fn without_accuracies(self) -> Self {
        Self { accuracies: Vec::new(), ..self }
    }

    /// Writes `{stem}.png`, 1520 pixels wide, and `{stem}.svg`, 760 wide, and returns both paths. The height grows with
    /// long titles and shrinks for fewer than five epochs.
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
}

/// Whether every cell can be drawn.
fn check(table: &SpectrumTable) -> Result<(), Error> {
    let bands = table.radii.len();
    if table.rows.is_empty() || bands == 0 {
        return Err(Error::Empty { expected: "epoch and one band" });
    }
    for row in &table.rows {
        let what = || format!("epoch {}", row.epoch);
        if row.mean.len() != bands {
            return Err(Error::Length { what: what(), found: row.mean.len(), length: bands });
        }
        // Half of the largest number: then differences are finite too.
        if let Some(&value) = row.mean.iter().find(|mean| !mean.is_finite() || mean.abs() > 0.5 * f64::MAX) {
            return Err(Error::NotFinite { what: what(), value });
        }
    }
    Ok(())
}

/// A radius in columns, between those of its neighbours.
fn column_of(radius: f64, radii: &[usize]) -> Option<f64> {
    if radii.len() == 1 && radius == radii[0] as f64 {
        return Some(0.0);
    }
    let pairs = radii.windows(2).map(|pair| (pair[0] as f64, pair[1] as f64)).enumerate();
    let mut around = pairs.filter(|(_, (low, high))| low < high && (*low..=*high).contains(&radius));
    around.next().map(|(column, (low, high))| column as f64 + (radius - low) / (high - low))
}

#[cfg(test)]
mod tests {
    use plotters::prelude::RGBColor;
    use spectral::SpectrumRow;

    use super::{drawing::SIDE_NOTE, *};
    use crate::{
        axis::BANDS,
        palette::viridis,
        save::Figure,
        testing::{Picture, svg_texts},
    };

    fn table(epochs: usize, bands: usize) -> Result<SpectrumTable, spectral::Error> {
        let mut table = SpectrumTable::new("synthetic", "resnet18", 100, (1..=bands).collect());
        for epoch in 0..epochs {
            let mean = (0..bands).map(|band| ((band * 31 + epoch * 17) % 97) as f64).collect();
            table.push(SpectrumRow {
                epoch,
                mean,
                std: vec![0.1; bands],
                nat_prec1: 12.5,
                ..SpectrumRow::default()
            })?;
        }
        Ok(table)
    }

    #[test]
    fn epochs_go_up_and_bands_to_the_right() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (epochs, bands) in [(1, 1), (2, 3), (10, 20), (10, 43), (200, 156)] {
            let table = table(epochs, bands)?;
            let map = HeatMap::new(&table)?.without_centres();
            let (layout, scaled) = (map.layout(), table.scaled());
            let [png, _] = map.save(&folder.path().join("map"))?;
            let picture = Picture::read(&png)?;
            for (row, column) in (0..epochs).flat_map(|row| (0..bands).map(move |column| (row, column))) {
                let RGBColor(r, g, b) = viridis(scaled[row][column]);
                let at = layout.at(column as f64, row as f64);
                assert_eq!(picture.at(at), [r, g, b], "epoch {row} of {epochs}, band {column} of {bands}");
            }
            let RGBColor(r, g, b) = viridis(scaled[0][bands - 1]);
            assert_eq!(
                picture.at((layout.right - 0.5, layout.bottom - 0.5)),
                [r, g, b],
                "the cells reach their frame"
            );
        }
        Ok(())
    }

    #[test]
    fn the_first_epoch_is_at_the_bottom_left_of_the_picture() -> Result<(), Box<dyn std::error::Error>> {
        let mut table = SpectrumTable::new("d", "a", 1, vec![1, 2]);
        for (epoch, mean) in [(0, vec![0.0, 1.0]), (1, vec![0.5, 0.25])] {
            table.push(SpectrumRow {
                epoch,
                mean,
                std: vec![0.0; 2],
                nat_prec1: 0.0,
                ..SpectrumRow::default()
            })?;
        }
        let folder = tempfile::tempdir()?;
        let [png, _] = HeatMap::new(&table)?.without_centres().save(&folder.path().join("map"))?;
        let picture = Picture::read(&png)?;
        let (low, high) = (picture.height - 200, 250);
        for ((x, y), value) in
            [((200, low), 0.0), ((1000, low), 1.0), ((200, high), 0.5), ((1000, high), 0.25)]
        {
            let RGBColor(r, g, b) = viridis(value);
            assert_eq!(picture.pixel(x, y), [r, g, b], "{x} {y}");
        }
        Ok(())
    }

    #[test]
    fn the_picture_has_the_stated_size() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let sizes = [(10, ""), (1, ""), (10, "a long subtitle that goes on ")].map(|(epochs, subtitle)| {
            let map = HeatMap::new(&table(epochs, 20)?)?.with_subtitle(subtitle.repeat(20));
            let [png, svg] = map.save(&folder.path().join("map"))?;
            let (picture, (width, height)) = (Picture::read(&png)?, map.size());
            assert_eq!((picture.width, picture.height), (2 * width as usize, 2 * height as usize));
            let start = format!(
                r#"<svg width="{width}" height="{height}" viewBox="0 0 {} {}""#,
                4 * width,
                4 * height
            );
            assert!(std::fs::read_to_string(svg)?.starts_with(&start));
            Ok::<_, Box<dyn std::error::Error>>((picture.width, picture.height))
        });
        let [usual, flat, tall] = sizes.map(Result::unwrap);
        assert!(usual.0 == 1520 && flat.0 == 1520 && flat.1 < usual.1 && usual.1 < tall.1);
        Ok(())
    }

    #[test]
    fn the_svg_is_well_formed_and_labelled() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (epochs, bands) in [(1, 20), (10, 20), (200, 156)] {
            let map = HeatMap::new(&table(epochs, bands)?)?.with_title("<A & \u{1}\"B\">");
            let [_, svg] = map.save(&folder.path().join("map"))?;
            let text = std::fs::read_to_string(svg)?;
            let labels = svg_texts(&text)?;
            let last = (epochs - 1).to_string();
            for label in
                [BANDS, "epoch", "resnet18 on synthetic, 100 test images", "<A &  \"B\">", "12.5", &last]
            {
                assert!(labels.iter().any(|found| found == label), "{label}: {labels:?}");
            }
            assert!(
                ["centre of mass", "0.0", "1.0", "accuracy, %"].iter().all(|l| labels.iter().any(|x| x == l))
            );
            assert!(text.contains(r#"font-family="DejaVu Sans, Verdana, sans-serif""#));
        }
        Ok(())
    }

    #[test]
    fn no_gap_shows_between_the_cells_of_an_svg() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (epochs, bands, start, length) in [(1, 156, "x", "width"), (200, 1, "y", "height")] {
            let [_, svg] = HeatMap::new(&table(epochs, bands)?)?.save(&folder.path().join("map"))?;
            let text = std::fs::read_to_string(svg)?;
            let number = |line: &str, name: &str| -> Option<i64> {
                line.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok()
            };
            // The first rectangle is the page.
            let cells = text.lines().filter(|line| line.starts_with("<rect")).skip(1).take(epochs.max(bands));
            let mut spans: Vec<_> =
                cells.filter_map(|line| Some((number(line, start)?, number(line, length)?))).collect();
            assert_eq!(spans.len(), epochs.max(bands));
            spans.sort_unstable();
            assert!(spans.windows(2).all(|pair| pair[0].0 + pair[0].1 > pair[1].0), "{start}: {spans:?}");
        }
        Ok(())
    }

    #[test]
    fn the_line_runs_through_the_centres_of_mass() -> Result<(), Box<dyn std::error::Error>> {
        let mut table = SpectrumTable::new("d", "a", 1, vec![2, 4, 6, 8]);
        for (epoch, mean) in
            [vec![1.0, 1.0, 0.0, 0.0], vec![0.0, 0.0, 1.0, 3.0], vec![0.0; 4]].into_iter().enumerate()
        {
            table.push(SpectrumRow {
                epoch,
                mean,
                std: vec![0.0; 4],
                nat_prec1: f64::NAN,
                ..SpectrumRow::default()
            })?;
        }
        let map = HeatMap::new(&table)?;
        assert_eq!(map.centres, [Some(0.5), Some(2.75), None]);
        assert!(map.accuracies.is_empty());
        let folder = tempfile::tempdir()?;
        let picture = Picture::read(&map.save(&folder.path().join("map"))?[0])?;
        let layout = map.layout();
        for (column, row) in [(0.5, 0.0), (2.75, 1.0), (1.625, 0.5)] {
            assert_eq!(picture.at(layout.at(column, row)), [255; 3], "{column} {row}");
        }
        let labels = svg_texts(&std::fs::read_to_string(folder.path().join("map.svg"))?)?;
        assert!(!labels.iter().any(|label| label == "accuracy, %"));
        Ok(())
    }

    #[test]
    fn gaps_between_epochs_are_told() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let told = |epochs: &[usize]| -> Result<bool, Box<dyn std::error::Error>> {
            let mut table = table(epochs.len(), 3)?;
            table.rows.iter_mut().zip(epochs).for_each(|(row, epoch)| row.epoch = *epoch);
            let [_, svg] = HeatMap::new(&table)?.save(&folder.path().join("map"))?;
            Ok(svg_texts(&std::fs::read_to_string(svg)?)?.iter().any(|text| text.contains("not evenly")))
        };
        assert!(told(&[0, 1, 2, 9])? && !told(&[0, 1, 2])? && !told(&[0, 5, 10])?);
        Ok(())
    }

    /// On a line without dots the legend has none: its middle is as white as the rest of it.
    #[test]
    fn the_legend_has_a_dot_where_the_line_has_dots() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (epochs, dotted) in [(40, true), (41, false)] {
            let map = HeatMap::new(&table(epochs, 20)?)?;
            let picture = Picture::read(&map.save(&folder.path().join("map"))?[0])?;
            let layout = map.layout();
            let x = layout.right - crate::text::width("centre of mass", SIDE_NOTE.size) - 20.0;
            // The dot's rim, above the line's.
            let rim = picture.at((x, layout.bottom + 37.0 - 3.25));
            assert_eq!(rim != [255; 3], dotted, "{epochs} epochs: {rim:?}");
        }
        Ok(())
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        assert!(matches!(HeatMap::new(&table(0, 3)?), Err(Error::Empty { .. })));
        assert!(matches!(HeatMap::new(&table(3, 0)?), Err(Error::Empty { .. })));
        for value in [f64::NAN, f64::INFINITY, -f64::MAX] {
            let mut table = table(2, 3)?;
            table.rows[1].mean[1] = value;
            let error = HeatMap::new(&table).expect_err("a cell without a value");
            assert!(error.to_string().contains("epoch 1"), "{error}");
        }
        let mut table = table(2, 3)?;
        table.rows[1].mean.pop();
        assert!(matches!(HeatMap::new(&table), Err(Error::Length { found: 2, length: 3, .. })));
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
