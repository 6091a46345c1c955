//! A fit of kernels as TensorBoard shows it: losses by epoch, and the pictures that were drawn.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use cdes::EpochLosses;
use training::{EventFile, Png, Summary};

/// Below the folder of a kernel set.
const FOLDER: &str = "tensorboard";

/// Where the events of a kernel set are.
pub(crate) fn path(kernels: &Path) -> PathBuf {
    EventFile::path(&kernels.join(FOLDER))
}

/// Writes the events of the epochs so far, in place of those written before; pictures are those that `epoch_pictures` drew.
///
/// # Errors
/// If a picture cannot be read or the file not be written.
pub(crate) fn save(kernels: &Path, pictures: &Path, epochs: &[EpochLosses]) -> anyhow::Result<PathBuf> {
    let mut file = EventFile::new();
    for losses in epochs {
        let EpochLosses { epoch, loss, spectral_loss, image_loss, lr } = *losses;
        let scalars =
            [("loss", loss), ("loss/density", spectral_loss), ("loss/image", image_loss), ("lr", lr)];
        file.push(epoch, scalars.map(|(tag, value)| (tag.to_owned(), Summary::Scalar(value))));
        let drawn = [("density", "Sp"), ("images", "Img")].map(|(tag, stem)| {
            let path = pictures.join(format!("{stem}-epoch{epoch}.png"));
            path.exists().then_some((tag, path))
        });
        for (tag, path) in drawn.into_iter().flatten() {
            let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
            file.push(epoch, [(tag.to_owned(), Summary::Image(Png::new(bytes)?))]);
        }
    }
    Ok(file.save(&kernels.join(FOLDER))?)
}
