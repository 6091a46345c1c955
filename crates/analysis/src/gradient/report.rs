//! The files of a gradient spectrum: numbers, heat map, density curves, events.

use std::path::{Path, PathBuf};

use datasets::ImageSet;
use plots::{BandCurves, Curve, HeatMap, Spread};
use spectral::{Convention, Profiler, Recipe, RunningBands, SpectrumRow, SpectrumTable};

use pipeline::test_batches;
use runs::{StoredCheckpoint, results};

use super::{events, figures};
use crate::Error;

/// A finished measurement.
#[derive(Debug)]
pub struct SpectrumReport<'a> {
    /// A row each checkpoint.
    pub table: &'a SpectrumTable,
    /// The files that were measured, in the order of the rows.
    pub checkpoints: &'a [StoredCheckpoint],
    /// The density of the images that were measured on: see [`image_density`].
    pub images: &'a RunningBands,
}

impl SpectrumReport<'_> {
    /// Writes all files. They take the places of earlier ones together, once all are written: a full disk leaves what was there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, output: &Path) -> Result<Vec<PathBuf>, Error> {
        results::replace(output, results::spectrum_figures(), |aside| {
            let (figures, files) = self.save_in(aside)?;
            events::save(aside, self.table, &figures)?;
            Ok(files)
        })
    }

    /// Writes numbers and figures; which figures there are, without extension, and all files.
    fn save_in(&self, folder: &Path) -> Result<(Vec<&'static str>, Vec<PathBuf>), Error> {
        let stem = folder.join(results::SPECTRUM);
        let (json, npz) = (stem.with_extension("json"), stem.with_extension("npz"));
        self.table.save_json(&json)?;
        self.table.save_npz(&npz)?;
        let mut files = vec![json, npz];
        files.extend(HeatMap::new(self.table)?.save(&stem)?);
        files.extend(density_curves(self.table, self.images)?.save(&folder.join(results::DENSITY))?);
        let (more, of_details) = figures::save(self.table, folder)?;
        files.extend(of_details);
        Ok(([results::SPECTRUM, results::DENSITY].into_iter().chain(more).collect(), files))
    }

    /// What was found of each epoch, for programs: the numbers of a table without its bands.
    pub fn summary(&self, files: &[PathBuf]) -> serde_json::Value {
        let (table, images) = (self.table, self.images);
        let epoch = |(row, checkpoint): (&SpectrumRow, &StoredCheckpoint)| {
            let mut epoch = serde_json::json!({
                "epoch": row.epoch,
                "checkpoint": checkpoint.path,
                "nat_prec1": row.nat_prec1,
                "centre_of_mass": row.centre_of_mass(&table.radii),
                "peak": row.peak(&table.radii),
                "skipped": row.skipped,
                "energy_centre": table.energy_centre(row),
            });
            if let Some((from, of)) = table.difference.zip(row.details.outcomes.as_ref()) {
                epoch["correct_images"] = of.correct.images.into();
                epoch["wrong_images"] = of.wrong.images.into();
                epoch["bands_that_differ"] = of.bands_that_differ(from).into();
            }
            epoch
        };
        serde_json::json!({
            "dataset": table.dataset,
            "arch": table.arch,
            "network": table.network,
            "n_images": table.n_images,
            "epochs": table.rows.iter().zip(self.checkpoints).map(epoch).collect::<Vec<_>>(),
            "image_density": { "radii": table.radii, "mean": images.mean(), "std": images.std() },
            "files": files,
        })
    }
}

/// The difference of images that are classified rightly and wrongly, an epoch a line; none where it was not asked for.
pub fn difference_words(table: &SpectrumTable) -> Vec<String> {
    let Some(from) = table.difference else { return Vec::new() };
    let line = |row: &SpectrumRow| {
        let of = row.details.outcomes.as_ref()?;
        let (epoch, correct, wrong) = (row.epoch, of.correct.images, of.wrong.images);
        let bands = table.radii.len();
        let found = of.bands_that_differ(from).map_or_else(
            || "too few of one kind for a difference".to_owned(),
            |beyond| {
                format!("{} is beyond its 95 % interval in {beyond} of {bands} bands", from.difference())
            },
        );
        Some(format!("epoch {epoch}: {correct} images correct, {wrong} wrong; {found}"))
    };
    table.rows.iter().filter_map(line).collect()
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
pub fn image_density(test: &ImageSet) -> Result<RunningBands, Error> {
    let shape = test.shape();
    let profiler =
        Profiler::new(Recipe::Density, shape.channels, shape.height, shape.width, Convention::Reference)?;
    let mut bands = RunningBands::new(profiler.radii().len());
    for batch in test_batches(test, 256, 1) {
        profiler.profiles(&batch?.images)?.rows().for_each(|row| bands.push(row));
    }
    if bands.count() == 0 {
        return Err(Error::NoDensity { images: test.len() });
    }
    Ok(bands)
}

/// The paper's comparison: what the images hold, and what the network looks at after the first and the last epoch.
fn density_curves(table: &SpectrumTable, images: &RunningBands) -> Result<BandCurves, plots::Error> {
    let of_epoch = |row: &SpectrumRow| Curve {
        label: format!("gradients, epoch {}", row.epoch),
        mean: row.mean.clone(),
        spread: Spread::Std(row.std.clone()),
    };
    let mut curves =
        vec![Curve { label: "images".to_owned(), mean: images.mean(), spread: Spread::Std(images.std()) }];
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
