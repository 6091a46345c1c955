//! What can go wrong, by cause.

use std::path::PathBuf;

/// What can go wrong while a data set is made of another one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// Images that have no kernels or hybrids.
    #[error("{dataset}: training images of {train}, test images of {test}, expected RGB images of one size")]
    Shapes { dataset: String, train: String, test: String },
    /// A radius beyond all frequencies.
    #[error(
        "radius {radius}: with {mask} masks, images of {height}×{width} pixels have no frequencies that far out, expected 1 to {most}"
    )]
    Radius { radius: usize, mask: &'static str, height: usize, width: usize, most: usize },
    /// Hybrids or copies where there are some already.
    #[error("{images}: there are such images already", images = images.display())]
    ImagesExist { images: PathBuf },
    /// Labels of other images where labels are to be written.
    #[error("{labels}: the labels of other images, which are in this folder", labels = labels.display())]
    OtherLabels { labels: PathBuf },
    /// Hybrids of other images than those of the data set.
    #[error("{images}: these hybrids were made of other images, or not finished", images = images.display())]
    StaleHybrids { images: PathBuf, radius: usize },

    /// A kernel set without images to fit on.
    #[error("{label} has no images among the {images} of {dataset}")]
    NoImages { label: String, images: usize, dataset: String },
    /// Kernels of a form that does not exist.
    #[error("{setting} {found}: expected {expected}")]
    KernelForm { setting: cdes::Setting, found: String, expected: &'static str },
    /// Fitted kernels where there is to be a fresh fit.
    #[error("{folder}: there are kernels in this folder already", folder = folder.display())]
    FitExists { folder: PathBuf },
    /// No fit to resume.
    #[error("{folder}: there is no fit to resume in this folder", folder = folder.display())]
    NothingToResume { folder: PathBuf },
    /// Kernels without what a resume needs.
    #[error("{state}: this file is missing, and without it the fit in its folder cannot go on", state = state.display())]
    StateMissing { state: PathBuf },
    /// A fit that is to be resumed with another setting.
    #[error("{folder}: the fit was started with {name} {before}, but now it is {now}", folder = folder.display())]
    SettingChanged { folder: PathBuf, name: &'static str, before: String, now: String },
    /// A fit that is to be resumed on other images.
    #[error(
        "{folder}: the images or their labels are not those that the fit was started with", folder = folder.display()
    )]
    ImagesChanged { folder: PathBuf },
    /// A fit was stopped; its state is kept.
    #[error(
        "stopped in {label}, epoch {epoch}, after {batches} {unit}; everything is kept in {folder}",
        unit = if *batches == 1 { "batch" } else { "batches" }, folder = folder.display()
    )]
    FitInterrupted { label: String, epoch: usize, batches: usize, folder: PathBuf },

    /// No kernels where there should be some.
    #[error(
        "{folder}: no kernels{which} in this folder", folder = folder.display(),
        which = epoch.map_or_else(String::new, |epoch| format!(" of epoch {epoch}"))
    )]
    NoKernels { folder: PathBuf, epoch: Option<usize>, experiment: &'static str },
    /// Kernels of another number than expected.
    #[error("{path}: found {found} kernels, expected {expected}", path = path.display())]
    KernelNumber { path: PathBuf, found: usize, expected: usize },
    /// Kernels of another size than expected.
    #[error("{path}: found kernels of {found}×{found} pixels, expected {expected}×{expected}", path = path.display())]
    KernelSize { path: PathBuf, found: usize, expected: usize },
    /// Kernel sets of different epochs.
    #[error(
        "{folder}: the kernels of {scope} are of epoch {most}, others of epoch {least}", folder = folder.display()
    )]
    EpochsDiffer { folder: PathBuf, scope: String, most: usize, least: usize },
    /// Kernels that were fitted on another data set.
    #[error(
        "{folder}: these kernels were fitted on {fitted}, but the data set is {dataset}", folder = folder.display()
    )]
    OtherDataset { folder: PathBuf, fitted: String, dataset: String },
    /// Images where others are to be written.
    #[error("{folder}: there are images in this folder already", folder = folder.display())]
    SetExists { folder: PathBuf },
    /// Images that would take the place of those they are made of.
    #[error("{folder}: these images would be replaced by what is made of them", folder = folder.display())]
    SourceReplaced { folder: PathBuf },

    /// A file that was read and is not what it should be.
    #[error(
        "{path}: not a {expected}: {found}; the file is damaged or of another kind, replace or remove it",
        path = path.display()
    )]
    Damaged { path: PathBuf, expected: &'static str, found: String },
    /// A file or folder cannot be read or written, or another program writes to the folder.
    #[error("{0}")]
    File(#[from] files::Error),
    /// The interrupt flag was set; nothing half-written is left.
    #[error("{0}")]
    Interrupted(#[from] progress::Interrupted),
    /// The images cannot be read, paired or written.
    #[error("{0}")]
    Datasets(#[from] datasets::Error),
    /// Kernels cannot be fitted, read or applied.
    #[error("{0}")]
    Cdes(#[from] cdes::Error),
    /// A transform cannot be planned.
    #[error("{0}")]
    Spectral(#[from] spectral::Error),
    /// A picture cannot be drawn or written.
    #[error("{0}")]
    Plots(#[from] plots::Error),
    /// A configuration or events cannot be read or written.
    #[error("{0}")]
    Training(#[from] training::Error),
    /// Another rank failed, or has something else to do.
    #[error("{0}")]
    Ranks(#[from] ranks::Error),
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    pub(crate) fn damaged(
        path: &std::path::Path,
        expected: &'static str,
    ) -> impl Fn(serde_json::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Damaged { path: path.clone(), expected, found: error.to_string() }
    }
}
