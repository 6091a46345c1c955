use std::{io, path::PathBuf};

/// What can go wrong while a network is trained and kept.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("{path}: cannot {action}: {source}", path = path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    /// A file was read, but is not what it should be.
    #[error("{path}: not a {expected}: {found}; the file is damaged or of another kind, replace or remove it", path = path.display())]
    Damaged { path: PathBuf, expected: &'static str, found: String },
    /// Bytes that are no picture.
    #[error("{found} bytes of a picture: expected a PNG file's")]
    Picture { found: usize },
    /// Numbers that are no histogram.
    #[error("a histogram with {found}: expected {expected}")]
    Histogram { found: String, expected: &'static str },
    /// A fresh run where there is one already.
    #[error("{folder}: there is a run in this folder already; continue it with --resume, replace it with --overwrite, or choose another --task", folder = folder.display())]
    RunExists { folder: PathBuf },
    /// Nothing to resume.
    #[error("{folder}: there is no run to resume in this folder; leave --resume out to start one", folder = folder.display())]
    NothingToResume { folder: PathBuf },
    /// There are checkpoints, but not what a resume needs.
    #[error("{state}: this file is missing, and without it the run in its folder cannot go on; measure the checkpoints as they are, replace the run with --overwrite, or choose another --task", state = state.display())]
    StateMissing { state: PathBuf },
    /// Another program writes to the folder.
    #[error("{folder}: another program is writing to this folder; wait for it or stop it, or let this one write elsewhere", folder = folder.display())]
    InUse { folder: PathBuf },
    /// The run was started with other settings.
    #[error("{path}: the run was started with {name} {before}, but now it is {now}; resume with the same value, or start anew with --overwrite or another --task", path = path.display())]
    SettingChanged { path: PathBuf, name: &'static str, before: String, now: String },
    /// The run was started with so many other images.
    #[error("{path}: the run was started with {before} {part} images, but now there are {now}; put back the files of --data as they were, give the same --limit-train and --limit-test, or start anew with --overwrite or another --task", path = path.display())]
    ImageCountChanged { path: PathBuf, part: &'static str, before: usize, now: usize },
    /// The run was started with other images, though not with more or fewer.
    #[error("{path}: the images or their labels are not those that the run was started with; put back the files of --data as they were, give the same --labels and --image-size, or start anew with --overwrite or another --task", path = path.display())]
    ImagesChanged { path: PathBuf },
    /// No schedule reads like this.
    #[error(
        "schedule `{found}`: expected `step:EPOCHS:FACTOR`, `EPOCH:MULTIPLE,EPOCH:MULTIPLE,…`, `cosine`, `cyclic` or `constant`"
    )]
    Schedule { found: String },
    /// A parameter whose name does not say how to draw it.
    #[error(
        "`{name}` {shape:?}: no initialisation is known for it; expected a name that ends in weight, bias, running_mean or running_var"
    )]
    Initialisation { name: String, shape: Vec<usize> },
    /// Training has diverged.
    #[error(
        "the loss is {loss} in epoch {epoch}, batch {batch} (learning rate {lr}); try a smaller --lr{}", intact(*epoch)
    )]
    Diverged { loss: f64, epoch: usize, batch: usize, lr: f64 },
    /// The network gives no numbers any more, though its training batches did.
    #[error(
        "the loss on the test images is {loss} after epoch {epoch} (learning rate {lr}); try a smaller --lr{}", intact(*epoch)
    )]
    DivergedAfter { loss: f64, epoch: usize, lr: f64 },
    /// The training set gave no batch.
    #[error("no training images: expected at least one batch")]
    NoBatches,
    /// Whoever watched the run could not go on.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
}

/// What is left after an epoch went wrong.
fn intact(epoch: usize) -> &'static str {
    if epoch == 0 { "" } else { "; the checkpoints of earlier epochs are intact" }
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
