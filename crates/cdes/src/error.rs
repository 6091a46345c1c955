//! What can go wrong, by cause.

use std::path::PathBuf;

use candle_core::DType;

use crate::setting::Setting;

/// What can go wrong while kernels are fitted and images restructured.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A tensor that holds no images, or others than those beside it.
    #[error("{what}: found {found:?} {dtype:?}, expected {expected} F32")]
    Images { what: &'static str, found: Vec<usize>, dtype: DType, expected: String },
    /// Values that are no whole number of images, or of other images.
    #[error("{what}: found {found} values, expected {expected}")]
    Length { what: &'static str, found: usize, expected: String },
    /// A value that is not a number, or infinite.
    #[error(
        "{what}: found {value} at place {place}, expected finite values; leave that one out or repair it"
    )]
    NotFinite { what: String, value: f64, place: String },
    /// A checkpoint that holds no toy kernels.
    #[error("parameter `{name}`: found {found}, expected {expected}; this is no checkpoint of toy kernels")]
    Parameter { name: String, found: String, expected: String },
    /// A target of another number of bands.
    #[error("a target of {found} bands: expected {expected}, one for each band of {height}×{width} images")]
    Target { found: usize, expected: usize, height: usize, width: usize },
    /// A setting out of its range.
    #[error("{setting} {found}: expected {expected}")]
    Setting { setting: Setting, found: String, expected: &'static str },
    /// Nothing to fit on.
    #[error("no images to fit on: expected at least one")]
    NoImages,
    /// A fresh fit where there is one already.
    #[error(
        "{folder}: kernels were fitted in this folder already; resume that fit, overwrite it, or choose another folder",
        folder = folder.display()
    )]
    FitExists { folder: PathBuf },
    /// Nothing to resume.
    #[error("{folder}: there is no fit to resume in this folder; start a fresh one", folder = folder.display())]
    NothingToResume { folder: PathBuf },
    /// The fit was started with other settings.
    #[error(
        "{path}: the fit was started with {setting} {before}, but now it is {now}",
        path = path.display()
    )]
    SettingChanged { path: PathBuf, setting: Setting, before: String, now: String },
    /// The fit has diverged.
    #[error(
        "the loss is {loss} in epoch {epoch}, batch {batch} (learning rate {lr}); try a smaller learning rate; the checkpoints of earlier epochs are intact"
    )]
    Diverged { loss: f64, epoch: usize, batch: usize, lr: f64 },
    /// A file or folder cannot be read or written.
    #[error("{0}")]
    File(#[from] files::Error),
    /// Whoever writes the files of a fit cannot; see [`KernelFolder::written_by`](crate::KernelFolder::written_by).
    #[error("{0}")]
    Writer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A checkpoint, a state or a schedule is refused.
    #[error("{0}")]
    Training(#[from] training::Error),
    /// Images without bands.
    #[error("{0}")]
    Spectral(#[from] spectral::Error),
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
}
