use std::path::PathBuf;

use crate::setting::{Part, Setting};

/// What can go wrong while a network is trained and kept.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A file or folder cannot be read or written, or another program writes to the folder.
    #[error("{0}")]
    File(#[from] files::Error),
    /// Another rank does not do its part.
    #[error("{0}")]
    Ranks(#[from] ranks::Error),
    /// A file was read, but is not what it should be.
    #[error("{path}: not a {expected}: {found}; the file is damaged or of another kind, replace or remove it", path = path.display())]
    Damaged { path: PathBuf, expected: &'static str, found: String },
    /// The state of a run or a fit was read, but is not what it should be: unlike other files it cannot be done without.
    #[error("{state}: not a {expected}: {found}; without a state that is whole what is in its folder cannot go on", state = state.display())]
    StateDamaged { state: PathBuf, expected: &'static str, found: String },
    /// Bytes that are no picture.
    #[error("{found} bytes of a picture: expected a PNG file's")]
    Picture { found: usize },
    /// Numbers that are no histogram.
    #[error("a histogram with {found}: expected {expected}")]
    Histogram { found: String, expected: &'static str },
    /// A fresh run where there is one already.
    #[error("{folder}: there is a run in this folder already", folder = folder.display())]
    RunExists { folder: PathBuf },
    /// Nothing to resume.
    #[error("{folder}: there is no run to resume in this folder", folder = folder.display())]
    NothingToResume { folder: PathBuf },
    /// There are checkpoints, but not what a resume needs.
    #[error("{state}: this file is missing, and without it the run in its folder cannot go on", state = state.display())]
    StateMissing { state: PathBuf },
    /// The run was started with other settings.
    #[error("{path}: the run was started with {setting} {before}, but now it is {now}", path = path.display())]
    SettingChanged { path: PathBuf, setting: Setting, before: String, now: String },
    /// The run was started with so many other images.
    #[error("{path}: the run was started with {before} {part} images, but now there are {now}", path = path.display())]
    ImageCountChanged { path: PathBuf, part: Part, before: usize, now: usize },
    /// The run was started with other images, though not with more or fewer.
    #[error("{path}: the images or their labels are not those that the run was started with", path = path.display())]
    ImagesChanged { path: PathBuf },
    /// No schedule reads like this.
    #[error(
        "schedule `{found}`: expected `step:EPOCHS:FACTOR`, `EPOCH:MULTIPLE,EPOCH:MULTIPLE,…`, `cosine`, `one-cycle`, `one-cycle:RISING`, `cyclic` or `constant`"
    )]
    Schedule { found: String },
    /// No kind of parameters is called this.
    #[error(
        "`{found}` is no kind of parameters: expected `none`, or some of norms, biases and embeddings, with commas between"
    )]
    ParameterKind { found: String },
    /// A setting with a value that it cannot have.
    #[error("{setting} {found}: expected {expected}")]
    OutOfRange { setting: Setting, found: f64, expected: &'static str },
    /// A warm-up that leaves nothing of the run.
    #[error("a warm-up of {warmup} epochs in a run of {epochs}: expected fewer")]
    LongWarmup { warmup: usize, epochs: usize },
    /// A warm-up before a schedule that has one of its own.
    #[error(
        "a warm-up before the schedule `{schedule}`, which begins with one: expected another schedule, or none"
    )]
    SecondWarmup { schedule: String },
    /// A parameter whose name does not say how to draw it.
    #[error(
        "`{name}` {shape:?}: no initialisation is known for it; expected a name that ends in weight, bias, running_mean or running_var"
    )]
    Initialisation { name: String, shape: Vec<usize> },
    /// Training has diverged.
    #[error(
        "the loss is {loss} in epoch {epoch}, batch {batch} (learning rate {lr}){}", intact(*epoch)
    )]
    Diverged { loss: f64, epoch: usize, batch: usize, lr: f64 },
    /// The network gives no numbers any more, though its training batches did.
    #[error(
        "the loss on the test images is {loss} after epoch {epoch} (learning rate {lr}){}", intact(*epoch)
    )]
    DivergedAfter { loss: f64, epoch: usize, lr: f64 },
    /// The training set gave no batch.
    #[error("no training images: expected at least one batch")]
    NoBatches,
    /// The network or its images failed.
    #[error("{0}")]
    Model(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Whoever watched the run could not go on.
    #[error("{0}")]
    Observer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
}

/// What is left after an epoch went wrong.
fn intact(epoch: usize) -> &'static str {
    if epoch == 0 { "" } else { "; the checkpoints of earlier epochs are intact" }
}

impl Error {
    /// The same of a file that is a state, expected to be one of a kind.
    pub fn of_state(self, expected: &'static str) -> Self {
        match self {
            Self::Damaged { path, found, .. } => Self::StateDamaged { state: path, expected, found },
            other => other,
        }
    }
}
