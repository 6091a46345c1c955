//! What can go wrong, by cause.

use std::path::PathBuf;

/// What can go wrong with a reproduction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The experiments are defined for small images that fit in memory.
    #[error("data set {dataset}: a reproduction is of synthetic, cifar10 or cifar100")]
    UnknownDataset {
        /// The name that was given.
        dataset: String,
    },
    /// A data set that is read from files, and no folder of files.
    #[error("data set {dataset}: a reproduction needs the folder that holds its files")]
    NeedsData {
        /// The data set's name.
        dataset: String,
    },
    /// A folder of files for a data set that is generated.
    #[error("{data}: the data set is synthetic, which is generated and read from no folder", data = data.display())]
    NeedsNoData {
        /// The folder that was given.
        data: PathBuf,
    },
    /// A reproduction with other settings is in the folder.
    #[error("{path}: this reproduction was started with {setting} {before}, but now it is {now}", path = path.display())]
    OtherReproduction {
        /// The file with the settings of the earlier reproduction.
        path: PathBuf,
        /// A setting that differs: the name of a field of [`ReproductionConfig`](crate::ReproductionConfig), or `fit_epochs`.
        setting: String,
        /// Its earlier value as JSON; `none` if it was absent.
        before: String,
        /// Its present value, likewise.
        now: String,
    },
    /// The record of finished steps cannot be understood.
    #[error("{path}: not the steps of a reproduction: {source}; the file is damaged", path = path.display())]
    DamagedSteps {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A step's result cannot be understood.
    #[error("{path}: not a result of its step: {source}; the file is damaged", path = path.display())]
    DamagedResult {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The interrupt flag was set between two steps.
    #[error("stopped at {step}; everything is kept in {folder}", folder = folder.display())]
    Interrupted {
        /// The step that would have been next, as `step 3 of 12: …`.
        step: String,
        /// The folder of the reproduction.
        folder: PathBuf,
    },
    /// A step's result is missing where all are to be there.
    #[error("{path}: there is no such file; it is the result of {step}", path = path.display())]
    NoResult {
        /// The step, as `step 3 of 12: …`.
        step: String,
        /// The file.
        path: PathBuf,
    },
    /// Another rank cannot do its step, or does not answer.
    #[error("{0}")]
    Ranks(#[from] ranks::Error),
    /// A file or folder cannot be read or written, or another program writes to the folder.
    #[error("{0}")]
    File(#[from] files::Error),
    /// A gradient spectrum cannot be read.
    #[error("{0}")]
    Spectrum(#[from] spectral::Error),
    /// A figure cannot be drawn.
    #[error("{0}")]
    Figure(#[from] plots::Error),
    /// A value cannot be written as JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}
