//! What kernels make of images, to look at.

use std::path::Path;

use candle_core::{Device, Tensor};
use cdes::{Restructurer, ToyKernels, noise_generator, noisy};
use plots::{BandCurves, ContactSheet, Curve, SheetRow, Thumbnail};
use spectral::{Convention, Profiler, Recipe, RunningBands};

/// The radius up to which restructured images keep their own frequencies, as published.
const RADIUS: usize = 10;

/// Images of a sheet.
const SHOWN: usize = 10;

/// Mean densities before and after, and the one that is aimed at.
pub(crate) fn density_curves(
    title: String,
    subtitle: String,
    radii: &[usize],
    curves: [(&str, &RunningBands); 2],
    target: &[f64],
) -> Result<BandCurves, plots::Error> {
    let measured =
        curves.map(|(label, bands)| Curve { label: label.to_owned(), mean: bands.mean(), std: bands.std() });
    let target = Curve { label: "target".to_owned(), mean: target.to_vec(), std: Vec::new() };
    let curves = measured.into_iter().chain([target]).collect();
    BandCurves::new(title, subtitle, "scaled to [0, 1] per image", radii.to_vec(), curves)
}

/// `Sp-epoch{e}.png`: densities of some images before and after the kernels; `Img-epoch{e}.png`: ten of them.
///
/// # Errors
/// If a picture cannot be drawn or written.
pub(crate) fn epoch_pictures(
    folder: &Path,
    epoch: usize,
    label: &str,
    kernels: &ToyKernels,
    images: &Tensor,
    target: &[f64],
) -> anyhow::Result<()> {
    let (count, _, height, width) = images.dims4()?;
    let made = kernels.apply(&noisy(images, &mut noise_generator(0, 0, 0))?)?;
    let restructured = Restructurer::new(height, width, RADIUS)?.apply(images, &made)?;
    let profiler = Profiler::new(Recipe::Density, 3, height, width, Convention::Reference)?;
    let density = |images: &Tensor| -> anyhow::Result<RunningBands> {
        let mut bands = RunningBands::new(profiler.radii().len());
        let profiles = profiler.profiles(&images.flatten_all()?.to_vec1::<f32>()?)?;
        profiles.rows().for_each(|row| bands.push(row));
        Ok(bands)
    };
    let (before, after) = (density(images)?, density(&made)?);
    let curves = density_curves(
        format!("Spectral density after epoch {epoch}"),
        format!("{label}, {count} images, mean ± standard deviation"),
        profiler.radii(),
        [("images", &before), ("kernels' images", &after)],
        target,
    )?;
    curves.save(&folder.join(format!("Sp-epoch{epoch}")))?;
    let row = |caption: &str, images: &Tensor| -> anyhow::Result<SheetRow> {
        let images = (0..count.min(SHOWN)).map(|index| thumbnail(&images.get(index)?));
        Ok(SheetRow { caption: caption.to_owned(), images: images.collect::<anyhow::Result<_>>()? })
    };
    let rows =
        vec![row("images", images)?, row("kernels' images", &made)?, row("restructured", &restructured)?];
    let sheet = ContactSheet::new(format!("After epoch {epoch}"), label, rows)?;
    sheet.save(&folder.join(format!("Img-epoch{epoch}")))?;
    Ok(())
}

/// Five images of a class, and what became of them.
///
/// # Errors
/// If the picture cannot be drawn or written.
pub(crate) fn class_sheet(
    stem: &Path,
    title: &str,
    subtitle: &str,
    rows: [(&str, &[Vec<f32>]); 2],
    [height, width]: [usize; 2],
) -> anyhow::Result<()> {
    let rows = rows.map(|(caption, images)| {
        let each = images.iter().map(|image| Thumbnail::from_unit(image, height, width));
        Ok(SheetRow { caption: caption.to_owned(), images: each.collect::<Result<_, plots::Error>>()? })
    });
    let rows: Result<Vec<SheetRow>, plots::Error> = rows.into_iter().collect();
    ContactSheet::new(title, subtitle, rows?)?.save(stem)?;
    Ok(())
}

/// An image (3, H, W); values outside [0, 1], which kernels may make, are scaled into it, channel by channel as images are
/// written.
fn thumbnail(image: &Tensor) -> anyhow::Result<Thumbnail> {
    let (_, height, width) = image.dims3()?;
    let mut values = image.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
    if values.iter().any(|value| !(0.0..=1.0).contains(value)) {
        for plane in values.chunks_exact_mut(height * width) {
            let low = plane.iter().copied().fold(f32::INFINITY, f32::min);
            let high = plane.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let range = if high > low { high - low } else { 1.0 };
            plane.iter_mut().for_each(|value| *value = (*value - low) / range);
        }
    }
    Ok(Thumbnail::from_unit(&values, height, width)?)
}
