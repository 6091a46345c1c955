//! What can go wrong between images, a network and its training, by cause.

use std::path::PathBuf;

use progress::Interrupted;

/// Anything that this crate reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// The memory of the device is full.
    #[error("the GPU's memory does not hold a step on {images} images; what is finished is kept ({problem})")]
    DeviceMemoryFull { images: usize, problem: String },
    /// The memory does not hold what a step of training keeps.
    #[error(
        "a step of training on {images} images keeps {} in memory, and {} are free", gigabytes(*needed), gigabytes(*free)
    )]
    MemoryTooSmall { images: usize, needed: u64, free: u64, fits: Option<usize> },
    /// An adversary that may go farther than from a black to a white image.
    #[error(
        "an adversary within {radius}: pixels are in [0, 1], so that images of {height}×{width} pixels are at most {farthest:.1} apart; \
         expected less"
    )]
    AttackTooFar { radius: String, height: usize, width: usize, farthest: f32 },
    /// Mixed images have no one class that an adversary could work against.
    #[error(
        "adversarial images that are mixed (mixup {mixup}, CutMix {cutmix}): expected one of both, or neither"
    )]
    MixedAdversary { mixup: f64, cutmix: f64 },
    /// A network that does not suit the images.
    #[error("{arch}: {source}")]
    UnsuitableNetwork { arch: &'static str, source: models::Error },
    /// A class that is an output which the head does not have.
    #[error(
        "the class `{class}` is output {output}, {origin}, but the head has {outputs}; expected 0 to {}, and that the network is for these classes",
        outputs.saturating_sub(1)
    )]
    NoSuchOutput { class: String, output: usize, outputs: usize, origin: String },
    /// A graph of other classes than those of the images.
    #[error(
        "{file}: the graph has {outputs} outputs, and the images have {classes} classes; expected as many"
    )]
    OtherOutputs { file: String, outputs: usize, classes: usize },
    /// A run of other classes than those of the images.
    #[error(
        "{}: this run is of other classes: it was trained on {own}, and the images that are measured have {found}; {differ} differ, the \
         first is class {class}: {} in the run, {} in the images",
        run.display(), quoted(own_name.as_deref()), quoted(name.as_deref())
    )]
    OtherClasses {
        run: PathBuf,
        own: usize,
        found: usize,
        differ: usize,
        class: usize,
        own_name: Option<String>,
        name: Option<String>,
    },
    /// A run that was started in another precision.
    #[error("{}: the run was started in {before}, but now the precision is {now}", folder.display())]
    PrecisionChanged { folder: PathBuf, before: String, now: String },
    /// Training was stopped; it can be resumed.
    #[error("stopped in epoch {epoch} after {batches} {}; everything is kept in {}", words(*batches), folder.display())]
    TrainingInterrupted { epoch: usize, batches: usize, folder: PathBuf },
    /// Work was stopped.
    #[error("{0}")]
    Interrupted(#[from] Interrupted),
    /// Settings that JSON cannot hold.
    #[error("the settings of the run: {0}")]
    Settings(#[from] serde_json::Error),
    /// Images cannot be read.
    #[error("{0}")]
    Datasets(#[from] datasets::Error),
    /// A network cannot be built or run.
    #[error("{0}")]
    Models(#[from] models::Error),
    /// An ONNX file cannot be read or used.
    #[error("{0}")]
    Onnx(#[from] onnx::Error),
    /// A file of a run cannot be read.
    #[error("{0}")]
    Runs(#[from] runs::Error),
    /// Training failed, or its folder cannot be used.
    #[error("{0}")]
    Training(#[from] training::Error),
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
}

fn quoted(name: Option<&str>) -> String {
    name.map_or_else(|| "none".to_owned(), |name| format!("`{name}`"))
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

fn words(batches: usize) -> &'static str {
    if batches == 1 { "batch" } else { "batches" }
}
