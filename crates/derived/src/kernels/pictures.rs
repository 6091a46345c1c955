//! What kernels make of images, epoch by epoch.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use cdes::{ImageSource, KernelFolder, Restructurer, ToyKernels, noise_generator, noisy};
use plots::{ContactSheet, SheetRow, Thumbnail};
use spectral::{Convention, Profiler, Recipe, RunningBands};

use super::images::ScopeImages;
use crate::{Error, curves::DensityCurves};

/// Pictures are drawn after every so many epochs, and after the last.
const EVERY: usize = 4;

/// Images whose density the pictures show.
const MEASURED: usize = 500;

/// Images of a sheet.
const SHOWN: usize = 10;

/// The radius up to which restructured images keep their own frequencies, as published.
const RADIUS: usize = 10;

/// The folder of pictures in that of a kernel set.
const FOLDER: &str = "Img";

/// The files of an epoch, whose number stands for the braces.
const NAMES: [&str; 3] = ["Sp-epoch{}.png", "Sp-epoch{}.svg", "Img-epoch{}.png"];

/// Where the pictures of a kernel set are.
pub(super) fn folder(kernels: &Path) -> PathBuf {
    kernels.join(FOLDER)
}

/// Whether a file's name is that of a picture.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with("Sp-epoch") || name.starts_with("Img-epoch")
}

/// Draws the pictures of one kernel set.
pub(super) struct Pictures<'a> {
    folder: PathBuf,
    /// Names the kernels.
    label: &'a str,
    /// (N, 3, H, W).
    images: Tensor,
    /// The density that is aimed at.
    target: &'a [f64],
    last: usize,
}

impl<'a> Pictures<'a> {
    /// Of the first images of a kernel set that is fitted for so many epochs.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub(super) fn new(
        kernels: &Path,
        label: &'a str,
        images: &ScopeImages<'_>,
        target: &'a [f64],
        epochs: usize,
    ) -> Result<Self, Error> {
        let (count, pixels) = images.first(MEASURED);
        let [height, width] = images.size();
        let images = Tensor::from_vec(pixels, (count, 3, height, width), &Device::Cpu)?;
        Ok(Self { folder: folder(kernels), label, images, target, last: epochs.saturating_sub(1) })
    }

    /// `Sp-epoch{e}.png`: densities of the images before and after the kernels; `Img-epoch{e}.png`: ten of them. Nothing for epochs
    /// that have no pictures.
    ///
    /// # Errors
    /// If a picture cannot be drawn or written.
    pub(super) fn draw(&self, epoch: usize, kernels: &ToyKernels) -> Result<(), Error> {
        if !self.is_due(epoch) {
            return Ok(());
        }
        files::create_folder(&self.folder)?;
        let made = kernels.apply(&noisy(&self.images, &mut noise_generator(0, 0, 0))?)?;
        self.draw_densities(epoch, &made)?;
        self.draw_images(epoch, &made)
    }

    /// Draws the pictures that are missing of epochs that were kept: a program may have been killed between the two.
    ///
    /// # Errors
    /// If kernels cannot be read, or a picture not be drawn or written.
    pub(super) fn complete(&self, kernels: &KernelFolder) -> Result<(), Error> {
        for (epoch, path) in kernels.checkpoints()? {
            let mut names = NAMES.iter().map(|name| self.folder.join(name.replace("{}", &epoch.to_string())));
            if self.is_due(epoch) && !names.all(|picture| picture.exists()) {
                self.draw(epoch, &ToyKernels::load(&path)?)?;
            }
        }
        Ok(())
    }

    fn is_due(&self, epoch: usize) -> bool {
        epoch.is_multiple_of(EVERY) || epoch == self.last
    }

    fn draw_densities(&self, epoch: usize, made: &Tensor) -> Result<(), Error> {
        let (count, _, height, width) = self.images.dims4()?;
        let profiler = Profiler::new(Recipe::Density, 3, height, width, Convention::Reference)?;
        let density = |images: &Tensor| -> Result<RunningBands, Error> {
            let mut bands = RunningBands::new(profiler.radii().len());
            let profiles = profiler.profiles(&images.flatten_all()?.to_vec1::<f32>()?)?;
            profiles.rows().for_each(|row| bands.push(row));
            Ok(bands)
        };
        let (before, after) = (density(&self.images)?, density(made)?);
        let measured = [("images", &before), ("kernels' images", &after)];
        let curves = DensityCurves { radii: profiler.radii(), measured, target: self.target };
        let title = format!("Spectral density after epoch {epoch}");
        let figure =
            curves.figure(title, format!("{}, {count} images, mean ± standard deviation", self.label))?;
        figure.save(&self.folder.join(format!("Sp-epoch{epoch}")))?;
        Ok(())
    }

    fn draw_images(&self, epoch: usize, made: &Tensor) -> Result<(), Error> {
        let (count, _, height, width) = self.images.dims4()?;
        let restructured = Restructurer::new(height, width, RADIUS)?.apply(&self.images, made)?;
        let row = |caption: &str, images: &Tensor| -> Result<SheetRow, Error> {
            let images = (0..count.min(SHOWN)).map(|index| thumbnail(&images.get(index)?));
            Ok(SheetRow { caption: caption.to_owned(), images: images.collect::<Result<_, Error>>()? })
        };
        let rows = vec![
            row("images", &self.images)?,
            row("kernels' images", made)?,
            row("restructured", &restructured)?,
        ];
        let sheet = ContactSheet::new(format!("After epoch {epoch}"), self.label, rows)?;
        sheet.save(&self.folder.join(format!("Img-epoch{epoch}")))?;
        Ok(())
    }
}

/// An image (3, H, W); values outside [0, 1], which kernels may make, are scaled into it, channel by channel as images are
/// written.
fn thumbnail(image: &Tensor) -> Result<Thumbnail, Error> {
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
