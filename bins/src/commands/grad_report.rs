//! What `grad` leaves: numbers, heat map, density curves, and a table on stdout.

use std::path::{Path, PathBuf};

use datasets::ImageSet;
use plots::{BandCurves, Curve, HeatMap};
use spectral::{Convention, Profiler, Recipe, RunningBands, SpectrumRow, SpectrumTable};

use crate::{
    data,
    flags::Format,
    terminal::{self, Terminal},
};

/// Writes all files and prints the result.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn write(
    table: &SpectrumTable,
    test: &ImageSet,
    output: &Path,
    terminal: Terminal,
    format: Format,
) -> anyhow::Result<()> {
    let (json, npz) = (output.join("gradient_spectrum.json"), output.join("gradient_spectrum.npz"));
    table.save_json(&json)?;
    table.save_npz(&npz)?;
    let mut files = vec![json, npz];
    files.extend(HeatMap::new(table)?.save(&output.join("gradient_spectrum"))?);
    let images = image_density(test)?;
    files.extend(density_curves(table, &images)?.save(&output.join("density"))?);
    report_skipped(table, terminal);
    match format {
        Format::Text => print_text(table, &files),
        Format::Json => terminal::result(&serde_json::to_string(&summary(table, &images, &files))?),
    }
    Ok(())
}

/// One epoch in words.
pub(super) fn line(row: &SpectrumRow, radii: &[usize]) -> String {
    let SpectrumRow { epoch, nat_prec1, .. } = row;
    let (centre, peak) = (row.centre_of_mass(radii), row.peak(radii));
    format!(
        "epoch {epoch:3}  accuracy {nat_prec1:5.2} %  centre of mass ρ = {centre:5.2}  peak at ρ = {peak}"
    )
}

/// The mean spectral density of the test images.
fn image_density(test: &ImageSet) -> anyhow::Result<RunningBands> {
    let shape = test.shape();
    let profiler =
        Profiler::new(Recipe::Density, shape.channels, shape.height, shape.width, Convention::Reference)?;
    let mut bands = RunningBands::new(profiler.radii().len());
    for batch in data::test_batches(test, 256, 1) {
        profiler.profiles(&batch.images)?.rows().for_each(|row| bands.push(row));
    }
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
    curves.extend(table.rows.last().map(of_epoch));
    curves.extend(table.rows.first().filter(|_| table.rows.len() > 1).map(of_epoch));
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

fn report_skipped(table: &SpectrumTable, terminal: Terminal) {
    for row in table.rows.iter().filter(|row| row.skipped > 0) {
        let SpectrumRow { epoch, skipped, .. } = row;
        terminal.note(&format!("note: epoch {epoch}: {skipped} of {} images have a gradient without a profile (zero, constant or not finite) and are left out", table.n_images));
    }
}

fn print_text(table: &SpectrumTable, files: &[PathBuf]) {
    terminal::result("epoch  accuracy %  centre of mass ρ  peak ρ");
    for row in &table.rows {
        let (centre, peak) = (row.centre_of_mass(&table.radii), row.peak(&table.radii));
        terminal::result(&format!("{:5}  {:10.2}  {centre:16.2}  {peak:6}", row.epoch, row.nat_prec1));
    }
    files.iter().for_each(|file| terminal::result(&format!("wrote {}", file.display())));
}

fn summary(table: &SpectrumTable, images: &RunningBands, files: &[PathBuf]) -> serde_json::Value {
    let epoch = |row: &SpectrumRow| {
        serde_json::json!({
            "epoch": row.epoch,
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
        "epochs": table.rows.iter().map(epoch).collect::<Vec<_>>(),
        "image_density": { "radii": table.radii, "mean": images.mean(), "std": images.std() },
        "files": files,
    })
}
