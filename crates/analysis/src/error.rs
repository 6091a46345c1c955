//! What can go wrong with a measurement, by cause.

use std::path::PathBuf;

use progress::Interrupted;

/// Anything that this crate reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// A row of nothing would be drawn as one that looks at no frequency.
    #[error(
        "{what}: none of the {images} images has an input gradient with a profile (all are zero, constant or not finite): the network has \
         diverged, or its output is the same for all images"
    )]
    NoGradients { what: String, images: usize },
    /// A file or folder that is no result.
    #[error("{}: {found}; expected a run, or a file that `measure` or `grad` wrote", path.display())]
    Results { path: PathBuf, found: String },
    /// A file of results that cannot be understood.
    #[error("{}: {found}; expected results as `measure` or `grad` write them; the file is damaged", path.display())]
    DamagedResults { path: PathBuf, found: String },
    /// Results of other measures than the one asked for.
    #[error("{}: no results of {measure}; there are those of {}", path.display(), listed(known))]
    NoMeasure { path: PathBuf, measure: String, known: Vec<String> },
    /// Results that have no row of an epoch.
    #[error(
        "{}: no row of epoch {epoch}; there are those of {}",
        path.display(), listed(&known.iter().map(usize::to_string).collect::<Vec<_>>())
    )]
    NoEpoch { path: PathBuf, epoch: usize, known: Vec<usize> },
    /// Results of different measures.
    #[error(
        "no measure in common with numbers of the same form: the first has {}, the second {}",
        listed(first),
        listed(others)
    )]
    NothingShared { first: Vec<String>, others: Vec<String> },
    /// Images of a corruption that are not those without it.
    #[error(
        "{corruption}: {found} images, and {clean} without corruption{}; expected the same images in the same order",
        differ.map_or_else(|| ", of another size".to_owned(), |at| format!(", image {at} of another class"))
    )]
    OtherImages { corruption: String, clean: usize, found: usize, differ: Option<usize> },
    /// Images of a corruption at other severities than the measure has.
    #[error("{corruption}: images of {found} severities; expected those of severities 1 to 5")]
    Severities { corruption: String, found: usize },
    /// A file that is to be measured against.
    #[error("{}: {found}; expected corruptions.json, as `measure corruptions` writes it", path.display())]
    Reference { path: PathBuf, found: String },
    /// Nothing between pixels and logits can be measured.
    #[error(
        "{what}: no block of this network leaves planes of more than one pixel; layer spectra are of blocks that do"
    )]
    NoBlocks { what: String },
    /// No image has a spectral density.
    #[error(
        "none of the {images} test images has a spectral density, for each is of a single colour; expected photographs"
    )]
    NoDensity { images: usize },
    /// The spectrum that a run recorded so far is of another number of images.
    #[error("{} was measured on {before} images, but now {now} are asked for", path.display())]
    OtherImageCount { path: PathBuf, before: usize, now: usize },
    /// The spectrum that a run recorded so far is of images of another size.
    #[error("{} has {before} bands, but now there are {now}: it is of images of another size", path.display())]
    OtherBands { path: PathBuf, before: usize, now: usize },
    /// A measurement was stopped; what is measured so far is kept.
    #[error("stopped; {} kept", finished_and_next(*finished))]
    MeasureInterrupted { finished: usize },
    /// A number that a measure cannot take.
    #[error("{what} {found}: expected {expected}")]
    Setting { what: &'static str, found: String, expected: String },
    /// The epochs are trained, and the last one's spectrum was left out.
    #[error("stopped; all epochs are trained and kept in {}; the spectrum of the last one is missing", folder.display())]
    LiveSpectrumInterrupted { folder: PathBuf },
    /// A cut-off beyond the frequencies of the images, above which nothing is left.
    #[error(
        "high r = {radius}: with {mask} masks, images of {height}×{width} pixels have no frequencies that far out, expected 1 to {most}"
    )]
    CutOff { radius: usize, mask: &'static str, height: usize, width: usize, most: usize },
    /// A band with none or all of the frequencies of the images.
    #[error(
        "band {inner}-{outer}: {} of the frequencies of {height}×{width} pixels are in it with {mask} masks, which reach {most}; expected a \
         part of them", if *holds_all { "all" } else { "none" }
    )]
    Band {
        inner: usize,
        outer: usize,
        holds_all: bool,
        mask: &'static str,
        height: usize,
        width: usize,
        most: usize,
    },
    /// Features separate classes only where there are two.
    #[error(
        "the {images} test images are all of one class; expected images of two classes at least, to compare features"
    )]
    OneClass { images: usize },
    /// A component of a checkpoint could not be measured.
    #[error("{}, {component}: {source}", path.display())]
    Component { path: PathBuf, component: String, source: Box<Error> },
    /// Work was stopped.
    #[error("{0}")]
    Interrupted(#[from] Interrupted),
    /// Another rank cannot do its part, or does not answer.
    #[error("{0}")]
    Ranks(#[from] ranks::Error),
    /// A network cannot be opened, fed or trained.
    #[error("{0}")]
    Pipeline(#[from] pipeline::Error),
    /// A file of a run cannot be read or replaced.
    #[error("{0}")]
    Runs(#[from] runs::Error),
    /// A file cannot be written, or a folder is in use.
    #[error("{0}")]
    Files(#[from] files::Error),
    /// Events cannot be written.
    #[error("{0}")]
    Training(#[from] training::Error),
    /// Images cannot be read.
    #[error("{0}")]
    Datasets(#[from] datasets::Error),
    /// A network cannot be run.
    #[error("{0}")]
    Models(#[from] models::Error),
    /// A spectrum cannot be computed, read or written.
    #[error("{0}")]
    Spectral(#[from] spectral::Error),
    /// Scores or features cannot be computed.
    #[error("{0}")]
    Evaluation(#[from] evaluation::Error),
    /// A figure cannot be drawn or written.
    #[error("{0}")]
    Plots(#[from] plots::Error),
    /// A tensor operation failed.
    #[error("{0}")]
    Tensor(#[from] candle_core::Error),
    /// Numbers that JSON cannot hold.
    #[error("the results: {0}")]
    Json(#[from] serde_json::Error),
}

/// Names in a row.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What is kept of a measurement that is stopped.
fn finished_and_next(finished: usize) -> String {
    match finished {
        0 => "what is measured of the first checkpoint is".to_owned(),
        1 => "the numbers of 1 checkpoint and what is measured of the next one are".to_owned(),
        _ => format!("the numbers of {finished} checkpoints and what is measured of the next one are"),
    }
}

impl Error {
    /// Whether the work was stopped on request.
    pub fn is_interrupted(&self) -> bool {
        match self {
            Self::Interrupted(_)
            | Self::MeasureInterrupted { .. }
            | Self::LiveSpectrumInterrupted { .. }
            | Self::Ranks(ranks::Error::Stopped { .. })
            | Self::Pipeline(pipeline::Error::Interrupted(_) | pipeline::Error::TrainingInterrupted { .. }) => {
                true
            }
            Self::Component { source, .. } => source.is_interrupted(),
            _ => false,
        }
    }
}
