//! Weights in files, whatever wrote them and whatever they are named.

use std::{collections::BTreeMap, path::Path};

use candle_core::Tensor;
use checkpoints::{CheckpointFile, Note, Recognised, StoredTensor, Wanted};
use models::{Architecture, Normaliser, Shapes};
use training::CheckpointInfo;

use crate::{Error, names};

/// The metadata of safetensors files of ours.
const OURS: &str = "freqbias";

/// The weights of a network in a file, before their numbers are read, and what the file says of them.
#[derive(Debug)]
pub struct StoredWeights {
    file: CheckpointFile,
    found: Recognised,
    /// The normaliser, where the file names one.
    pub normaliser: Option<StoredNormaliser>,
    /// What else the file says of itself.
    pub info: CheckpointInfo,
}

/// A normaliser that a file names.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredNormaliser {
    /// Its numbers.
    pub value: Normaliser,
    /// Where they stand in the file.
    pub place: String,
}

impl StoredWeights {
    /// Opens a checkpoint by what it is, whatever its name, and finds its weights. No code in it is run.
    ///
    /// # Errors
    /// If it cannot be read, or its weights are not those that are wanted; the message names the file.
    pub fn open(path: &Path, wanted: Wanted<'_>) -> Result<Self, Error> {
        let mut file = open(path)?;
        let found = file.recognise(wanted)?;
        let info = info(&file)?;
        let attribute = file.facts().normaliser.map(|[mean, std]| (mean, std));
        let named = info.mean.zip(info.std).or(attribute);
        let named = named.map(|(mean, std)| Normaliser::new(mean, std)).transpose();
        let named = named.map_err(|source| Error::Network { path: path.to_owned(), source })?;
        let of_tensors = match named {
            Some(_) => None,
            None => file.normaliser_of(&found)?,
        };
        let of_config = file.config().and_then(|config| config.normaliser);
        let normaliser = match (named, of_tensors, of_config) {
            (Some(value), ..) => Some((value, "its metadata".to_owned())),
            (_, Some((value, key)), _) => Some((value, format!("its `{key}`"))),
            (.., Some((value, name))) => Some((value, format!("the {name} beside it"))),
            _ => None,
        };
        let normaliser = normaliser.map(|(value, place)| StoredNormaliser { value, place });
        Ok(Self { file, found, normaliser, info })
    }

    /// Parameters and batch-norm statistics, f32, by the architecture's names.
    ///
    /// # Errors
    /// If the file is damaged; the message names it.
    pub fn load(&mut self) -> Result<BTreeMap<String, Tensor>, Error> {
        Ok(self.file.load(&self.found)?)
    }

    /// What kind of file it is, as people call it.
    pub fn format(&self) -> String {
        self.file.format()
    }

    /// How large the file is.
    pub fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    /// The architectures that the weights are of, with the number of classes; none, where none is known.
    pub fn fits(&self) -> &[(Architecture, usize)] {
        self.found.fits()
    }

    /// What was done to find them in the file.
    pub fn notes(&self) -> &[Note] {
        self.found.notes()
    }

    /// Which images the configuration beside the file asks for, in words: they are those of the data set here.
    pub fn image_words(&self) -> Option<String> {
        let config = self.file.config()?;
        let size = config.image_size?;
        let how =
            config.interpolation.as_deref().map_or_else(String::new, |how| format!(", resampled {how}"));
        Some(format!(
            "its configuration asks for images of {size} pixels{how}; the size here is that of the data set"
        ))
    }

    /// Names and shapes.
    pub fn shapes(&self) -> Shapes {
        self.found.shapes()
    }

    /// The tensors of the file that they are made of, in the file's order.
    pub fn tensors(&self) -> impl Iterator<Item = &StoredTensor> {
        self.found.tensors(&self.file)
    }

    /// How many tensors the file has in all.
    pub fn tensors_in_file(&self) -> usize {
        self.file.dictionaries().iter().map(|dictionary| dictionary.tensors.len()).sum()
    }

    /// The best accuracy up to then, in percent, where the file says so.
    pub fn best_accuracy(&self) -> Option<f64> {
        self.file.facts().best_accuracy
    }
}

/// Opens a file; in the place of a folder one in it is suggested.
pub(crate) fn open(path: &Path) -> Result<CheckpointFile, Error> {
    match CheckpointFile::open(path) {
        Err(checkpoints::Error::NoFile { is_folder: true, .. }) => {
            Err(Error::Folder { path: path.to_owned(), suggestion: names::suggestion(path) })
        }
        opened => Ok(opened?),
    }
}

/// What a file says of itself: in its metadata, if it is ours, or beside its tensors.
pub(crate) fn info(file: &CheckpointFile) -> Result<CheckpointInfo, Error> {
    if let Some(text) = file.metadata(OURS) {
        let damaged = |error: serde_json::Error| Error::Metadata {
            path: file.path().to_owned(),
            problem: format!("`{OURS}`: {error}"),
        };
        let found: Option<CheckpointInfo> = serde_json::from_str(text).map_err(damaged)?;
        return Ok(found.unwrap_or_default());
    }
    let facts = file.facts();
    Ok(CheckpointInfo { epoch: facts.epoch, nat_prec1: facts.accuracy, ..CheckpointInfo::default() })
}
