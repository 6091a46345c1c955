//! Weights in files, whatever wrote them and whatever they are named.

use std::{collections::BTreeMap, path::Path};

use candle_core::Tensor;
use checkpoints::{CheckpointFile, FolderConfig, Note, Recognised, StoredTensor, Wanted};
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
    /// The normaliser, where one is given or the file names one.
    pub normaliser: Option<StoredNormaliser>,
    /// What else the file says of itself.
    pub info: CheckpointInfo,
}

/// A normaliser, and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredNormaliser {
    /// Its numbers.
    pub value: Normaliser,
    /// Where it is from: `given`, `from its metadata` …
    pub origin: String,
}

impl StoredWeights {
    /// Opens a checkpoint by what it is, whatever its name, and finds its weights. No code in it is run. A normaliser that is given
    /// counts, whatever the file says.
    ///
    /// # Errors
    /// If it cannot be read, or its weights are not those that are wanted; the message names the file.
    pub fn open(path: &Path, wanted: Wanted<'_>, given: Option<Normaliser>) -> Result<Self, Error> {
        let mut file = open(path)?;
        let found = file.recognise(wanted)?;
        let info = info(&file)?;
        let own = normaliser(&mut file, &found, &info);
        let normaliser = match given {
            None => own?,
            Some(value) => Some(instead(value, own.ok().flatten())),
        };
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

    /// What the configuration beside the file asks for and is not done here.
    pub fn not_done(&self) -> impl Iterator<Item = String> {
        let all = self.file.config().map_or(&[][..], |config| &config.not_done);
        all.iter().map(|what| format!("its configuration asks for {what}, which is not done here"))
    }

    /// Which images the configuration beside the file asks for, in words.
    pub fn image_words(&self) -> Option<String> {
        let FolderConfig { image_size, resize, interpolation, .. } = self.file.config()?;
        let cut = resize.map_or_else(String::new, |short| format!(", cut out of {short}"));
        let how = interpolation.as_deref().map_or_else(String::new, |how| format!(", resized {how}"));
        Some(format!("its configuration asks for images of {} pixels{cut}{how}", (*image_size)?))
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

/// The normaliser that a file names: in its metadata, its tensors or the configuration beside it, whichever comes first.
fn normaliser(
    file: &mut CheckpointFile,
    found: &Recognised,
    info: &CheckpointInfo,
) -> Result<Option<StoredNormaliser>, Error> {
    let attribute = file.facts().normaliser.map(|[mean, std]| (mean, std));
    if let Some((mean, std)) = info.mean.zip(info.std).or(attribute) {
        let named = |source| Error::Network { path: file.path().to_owned(), source };
        let value = Normaliser::new(mean, std).map_err(named)?;
        return Ok(Some(StoredNormaliser { value, origin: "from its metadata".to_owned() }));
    }
    if let Some((value, key)) = file.normaliser_of(found)? {
        return Ok(Some(StoredNormaliser { value, origin: format!("from its {key}") }));
    }
    let Some(config) = file.config() else { return Ok(None) };
    if let Some(problem) = &config.problem {
        let (path, problem) = (file.path().to_owned(), problem.clone());
        return Err(checkpoints::Error::Configuration { path, problem }.into());
    }
    let stored = |(value, name)| StoredNormaliser { value, origin: format!("from the {name} beside it") };
    Ok(config.normaliser.map(stored))
}

/// A normaliser that is given, and what it replaces.
fn instead(value: Normaliser, own: Option<StoredNormaliser>) -> StoredNormaliser {
    let other = own.filter(|own| own.value != value);
    let origin = other.map_or("given".to_owned(), |own| format!("given, in place of the one {}", own.origin));
    StoredNormaliser { value, origin }
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
