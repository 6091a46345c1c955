//! What `grad` leaves: numbers, heat map, density curves, and a table on stdout.

use std::path::{Path, PathBuf};

use datasets::ImageSet;
use plots::{BandCurves, Curve, HeatMap};
use spectral::{Convention, Profiler, Recipe, RunningBands, SpectrumRow, SpectrumTable};

use crate::{checkpoints::StoredCheckpoint, data, flags::Format, measured, spectrum_events, terminal};

/// A finished measurement.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    /// A row each checkpoint.
    pub table: &'a SpectrumTable,
    /// The files that were measured, in the order of the rows.
    pub checkpoints: &'a [StoredCheckpoint],
    /// The density of the images that were measured on: see [`image_density`].
    pub images: &'a RunningBands,
}

/// What was written.
#[derive(Debug)]
pub(crate) struct Results {
    files: Vec<PathBuf>,
}

impl Report<'_> {
    /// Writes all files. They take the places of earlier ones together, once all are written: a full disk leaves what was there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn save(&self, output: &Path) -> anyhow::Result<Results> {
        let mut files = measured::replace(output, |aside| self.save_in(aside))?;
        files.push(spectrum_events::save(output, self.table, &[measured::SPECTRUM, measured::DENSITY])?);
        Ok(Results { files })
    }

    fn save_in(&self, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let stem = folder.join(measured::SPECTRUM);
        let (json, npz) = (stem.with_extension("json"), stem.with_extension("npz"));
        self.table.save_json(&json)?;
        self.table.save_npz(&npz)?;
        let mut files = vec![json, npz];
        files.extend(HeatMap::new(self.table)?.save(&stem)?);
        files.extend(density_curves(self.table, self.images)?.save(&folder.join(measured::DENSITY))?);
        Ok(files)
    }

    /// Prints the result.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub(super) fn print(&self, results: &Results, format: Format) -> anyhow::Result<()> {
        match format {
            Format::Text => self.print_text(&results.files),
            Format::Json => terminal::result(&serde_json::to_string(&self.summary(results))?),
        }
    }

    fn print_text(&self, files: &[PathBuf]) -> anyhow::Result<()> {
        let radii = &self.table.radii;
        terminal::result("epoch  accuracy %  centre of mass ρ  peak ρ  checkpoint")?;
        for (row, checkpoint) in self.table.rows.iter().zip(self.checkpoints) {
            let (centre, peak) = (row.centre_of_mass(radii), row.peak(radii));
            let SpectrumRow { epoch, nat_prec1, .. } = row;
            let file = checkpoint.path.file_name().unwrap_or_default().to_string_lossy();
            terminal::result(&format!("{epoch:5}  {nat_prec1:10.2}  {centre:16.2}  {peak:6}  {file}"))?;
        }
        for row in self.table.rows.iter().filter(|row| row.skipped > 0) {
            let (SpectrumRow { epoch, skipped, .. }, images) = (row, self.table.n_images);
            terminal::result(&format!(
                "epoch {epoch}: {skipped} of {images} images have a gradient without a profile (zero, constant or not \
                 finite) and are left out"
            ))?;
        }
        files.iter().try_for_each(|file| terminal::result(&format!("wrote {}", file.display())))
    }

    fn summary(&self, results: &Results) -> serde_json::Value {
        let (table, images, files) = (self.table, self.images, &results.files);
        let epoch = |(row, checkpoint): (&SpectrumRow, &StoredCheckpoint)| {
            serde_json::json!({
                "epoch": row.epoch,
                "checkpoint": checkpoint.path,
                "nat_prec1": row.nat_prec1,
                "centre_of_mass": row.centre_of_mass(&table.radii),
                "peak": row.peak(&table.radii),
                "skipped": row.skipped,
            })
        };
        serde_json::json!({
            "dataset": table.dataset,
            "arch": table.arch,
            "n_images": table.n_images,
            "epochs": table.rows.iter().zip(self.checkpoints).map(epoch).collect::<Vec<_>>(),
            "image_density": { "radii": table.radii, "mean": images.mean(), "std": images.std() },
            "files": files,
        })
    }
}

/// One epoch in words.
pub(crate) fn line(row: &SpectrumRow, radii: &[usize]) -> String {
    let SpectrumRow { epoch, nat_prec1, .. } = row;
    let (centre, peak) = (row.centre_of_mass(radii), row.peak(radii));
    format!(
        "epoch {epoch:3}  accuracy {nat_prec1:5.2} %  centre of mass ρ = {centre:5.2}  peak at ρ = {peak}"
    )
}

/// The mean spectral density of the test images: a pass over all of them.
///
/// # Errors
/// If an image cannot be read, or none has a density.
pub(crate) fn image_density(test: &ImageSet) -> anyhow::Result<RunningBands> {
    let shape = test.shape();
    let profiler =
        Profiler::new(Recipe::Density, shape.channels, shape.height, shape.width, Convention::Reference)?;
    let mut bands = RunningBands::new(profiler.radii().len());
    for batch in data::test_batches(test, 256, 1) {
        profiler.profiles(&batch?.images)?.rows().for_each(|row| bands.push(row));
    }
    anyhow::ensure!(
        bands.count() > 0,
        "none of the {} test images has a spectral density, for each is of a single colour; expected photographs: look at them with \
         inspect --dataset",
        test.len()
    );
    Ok(bands)
}

/// The paper's comparison: what the images hold, and what the network looks at after the first and the last epoch.
fn density_curves(table: &SpectrumTable, images: &RunningBands) -> Result<BandCurves, plots::Error> {
    let of_epoch = |row: &SpectrumRow| Curve {
        label: format!("gradients, epoch {}", row.epoch),
        mean: row.mean.clone(),
        std: row.std.clone(),
    };
    let mut curves = vec![Curve { label: "images".to_owned(), mean: images.mean(), std: images.std() }];
    curves.extend(table.rows.first().filter(|_| table.rows.len() > 1).map(of_epoch));
    curves.extend(table.rows.last().map(of_epoch));
    let subtitle = format!(
        "{} on {}, {} test images, mean ± standard deviation",
        table.arch, table.dataset, table.n_images
    );
    let quantity = "scaled to [0, 1] per image";
    BandCurves::new(
        "Spectral density of images and of input gradients",
        subtitle,
        quantity,
        table.radii.clone(),
        curves,
    )
}
