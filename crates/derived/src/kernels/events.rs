//! A fit of kernels as TensorBoard shows it: losses by epoch, and the pictures that were drawn.

use std::path::{Path, PathBuf};

use cdes::EpochLosses;
use training::{EventFile, Png, Summary};

use crate::Error;

/// Below the folder of a kernel set.
const FOLDER: &str = "tensorboard";

/// Where the events of a kernel set are.
pub(super) fn path(kernels: &Path) -> PathBuf {
    EventFile::path(&kernels.join(FOLDER))
}

/// Writes the events of the epochs so far, in place of those written before; `pictures` is the folder of the pictures of epochs.
///
/// # Errors
/// If a picture cannot be read or the file not be written.
pub(super) fn save(kernels: &Path, pictures: &Path, epochs: &[EpochLosses]) -> Result<PathBuf, Error> {
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
            let bytes = files::read(&path)?;
            file.push(epoch, [(tag.to_owned(), Summary::Image(Png::new(bytes)?))]);
        }
    }
    Ok(file.save(&kernels.join(FOLDER))?)
}
