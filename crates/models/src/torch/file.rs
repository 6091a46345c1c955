//! PyTorch's files, read without PyTorch.
//!
//! A [`TorchFile`] is opened by reading its pickle, which is small, and the list of what stands beside it. The numbers are read
//! when they are asked for, and only those of weights: momentum buffers and second copies stay on the disk.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Cursor, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use candle_core::{Device, Tensor};
use pickle::Value;

use super::{
    calls::{Made, Pickle},
    checkpoint::TorchCheckpoint,
    container::{Container, Source},
    names::canonical_name,
    numbers,
    state_dict::{TorchTensor, contents, state_dict},
    view::View,
};
use crate::{error::Error, normaliser::Normaliser};

/// An open PyTorch checkpoint: a zip archive, or the legacy format before PyTorch 1.6.
///
/// The state dict is the file's content or stands in it under `model`, `state_dict` or `net`. Nothing that a pickle names is ever
/// executed or looked up: what code would have made is left out, or refused by name where it stands for weights.
pub struct TorchFile {
    path: PathBuf,
    size: u64,
    container: Container,
    pickle: Pickle,
    tensors: Vec<(TorchTensor, View)>,
    /// Keys of the state dict under which code would have to run, and the code's names.
    opaque: Vec<(String, String)>,
}

/// Reads the weights of a PyTorch checkpoint: [`TorchFile::open`], then [`TorchFile::load`].
///
/// # Errors
/// The file cannot be opened or is no such checkpoint; the error names it.
pub fn load_torch(path: &Path) -> Result<TorchCheckpoint, Error> {
    TorchFile::open(path)?.load()
}

impl TorchFile {
    /// Opens a file and reads what it says of itself, but no weights.
    ///
    /// # Errors
    /// The file cannot be opened or is no such checkpoint; the error names it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unreadable = |cause: String| Error::UnreadableCheckpoint { path: path.to_owned(), cause };
        let is_file = path.metadata().map(|found| found.is_file());
        if !is_file.map_err(|error| unreadable(error.to_string()))? {
            return Err(unreadable("it is a folder, a pipe or a device".to_owned()));
        }
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        Self::from_source(path, Box::new(BufReader::new(file)))
    }

    /// Reads a checkpoint that is in memory.
    ///
    /// # Errors
    /// As [`TorchFile::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::from_source(Path::new("(bytes)"), Box::new(Cursor::new(bytes)))
    }

    fn from_source(path: &Path, mut source: Box<dyn Source>) -> Result<Self, Error> {
        let unreadable = |cause: String| Error::UnreadableCheckpoint { path: path.to_owned(), cause };
        let size = source.seek(SeekFrom::End(0)).map_err(|error| unreadable(error.to_string()))?;
        source.rewind().map_err(|error| unreadable(error.to_string()))?;
        let (container, pickle) = Container::open(source).map_err(unreadable)?;
        let found = state_dict(&pickle).map_err(unreadable)?;
        let (tensors, opaque) = contents(&pickle, found).map_err(unreadable)?;
        if tensors.is_empty() && opaque.is_empty() {
            return Err(Error::EmptyCheckpoint { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), size, container, pickle, tensors, opaque })
    }

    /// `zip` or `legacy`.
    pub fn format(&self) -> &'static str {
        self.container.format()
    }

    /// The tensors of the state dict, in the file's order.
    pub fn tensors(&self) -> impl Iterator<Item = &TorchTensor> {
        self.tensors.iter().map(|(tensor, _)| tensor)
    }

    /// The epoch after which it was taken, 0-based, where the file says so. The `robustness` library notes the number of epochs done,
    /// which is one more.
    pub fn epoch(&self) -> Option<usize> {
        let Value::Int(noted) = self.entry("epoch")? else { return None };
        let noted = usize::try_from(noted).ok()?;
        if self.is_of_robustness() { noted.checked_sub(1) } else { Some(noted) }
    }

    /// Whether the `robustness` library, or who writes as it does, wrote the file.
    pub fn is_of_robustness(&self) -> bool {
        ["nat_prec1", "adv_prec1"].iter().any(|key| self.entry(key).is_some())
            || self.tensors().any(|tensor| tensor.key.starts_with("module.normalizer."))
    }

    /// Reads the weights and what the file says of them; floating-point numbers of other widths become f32, integers are left out.
    ///
    /// The prefixes of wrappers (`module.`, `module.model.`) are taken off, the second copy of the network that `robustness` has
    /// (`module.attacker.`) and batch counters are left out.
    ///
    /// # Errors
    /// Weights are damaged, stand for code, or are larger than the file; the error names it.
    pub fn load(mut self) -> Result<TorchCheckpoint, Error> {
        let path = self.path.clone();
        let unreadable = |cause: String| Error::UnreadableCheckpoint { path: path.clone(), cause };
        let weights = self.wanted().and_then(|wanted| self.read(&wanted)).map_err(unreadable)?;
        if weights.is_empty() {
            return Err(Error::EmptyCheckpoint { path });
        }
        let (normaliser, nat_prec1) = (self.normaliser()?, self.accuracy().map_err(unreadable)?);
        Ok(TorchCheckpoint { weights, normaliser, epoch: self.epoch(), nat_prec1 })
    }

    /// What the file's content, a dictionary, has under a key.
    fn entry(&self, key: &str) -> Option<Value> {
        self.pickle.values().entry(self.pickle.top(), key)
    }

    /// Accuracy on the test images, in percent, where the file says so.
    fn accuracy(&mut self) -> Result<Option<f64>, String> {
        Ok(match self.entry("nat_prec1") {
            Some(Value::Float(noted)) => Some(noted),
            Some(Value::Int(noted)) => Some(noted as f64),
            Some(noted) => match self.pickle.values().made(noted) {
                Some(Made::Tensor(view)) if view.count() == 1 && view.storage.dtype.is_floating() => {
                    let view = View::clone(view);
                    numbers::read(&mut self.container, &self.pickle, &[&view])?[0].first().map(|&v| v.into())
                }
                _ => None,
            },
            None => None,
        })
    }

    /// The normaliser of `robustness` models.
    ///
    /// # Errors
    /// If it is damaged or of other than three channels.
    fn normaliser(&mut self) -> Result<Option<Normaliser>, Error> {
        let unreadable = |cause| Error::UnreadableCheckpoint { path: self.path.clone(), cause };
        let find = |suffix: &str| {
            let key = format!("normalizer.{suffix}");
            let found =
                self.tensors.iter().find(|(tensor, _)| tensor.key.trim_start_matches("module.") == key);
            found.map(|(_, view)| view)
        };
        let (Some(mean), Some(std)) = (find("new_mean"), find("new_std")) else { return Ok(None) };
        let is_sound = |view: &View| view.count() == 3 && view.storage.dtype.is_floating();
        if !is_sound(mean) || !is_sound(std) {
            let (mean, std) = (mean.shape.clone(), std.shape.clone());
            return Err(unreadable(format!(
                "a normaliser of shapes {mean:?}, {std:?}, expected three numbers each"
            )));
        }
        let values = numbers::read(&mut self.container, &self.pickle, &[mean, std]).map_err(unreadable)?;
        let three = |values: &[f32]| [values[0], values[1], values[2]];
        let found = Normaliser::new(three(&values[0]), three(&values[1]));
        found.map(Some).map_err(|error| unreadable(error.to_string()))
    }

    /// The weights of the network by name: numbers of the tensors in the file.
    ///
    /// # Errors
    /// If two keys are of one name, or code stands for a weight.
    fn wanted(&self) -> Result<BTreeMap<String, usize>, String> {
        if let Some((key, code)) = self.opaque.iter().find(|(key, _)| canonical_name(key).is_some()) {
            return Err(format!("`{key}` is made by `{code}`, which is not run"));
        }
        let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
        for (index, (tensor, view)) in self.tensors.iter().enumerate() {
            let name = canonical_name(&tensor.key).filter(|_| view.storage.dtype.is_floating());
            let Some(name) = name else { continue };
            if let Some(other) = wanted.insert(name.to_owned(), index) {
                let (other, own) = (&self.tensors[other].0.key, &tensor.key);
                return Err(format!("`{other}` and `{own}` are both `{name}`"));
            }
        }
        Ok(wanted)
    }

    fn read(&mut self, wanted: &BTreeMap<String, usize>) -> Result<BTreeMap<String, Tensor>, String> {
        let views: Vec<&View> = wanted.values().map(|&index| &self.tensors[index].1).collect();
        // Weights that share numbers, and numbers that are repeated, must not make a small file large.
        let bytes = views.iter().try_fold(0u64, |sum, view| sum.checked_add(4 * view.count() as u64));
        if bytes.is_none_or(|bytes| bytes > (2 * self.size).max(1 << 16)) {
            return Err(format!(
                "weights of more than twice the size of the file, which has {} bytes",
                self.size
            ));
        }
        let values = numbers::read(&mut self.container, &self.pickle, &views)?;
        let tensor = |((name, view), values): ((&String, &&View), Vec<f32>)| {
            let tensor = Tensor::from_vec(values, view.shape.as_slice(), &Device::Cpu);
            Ok((name.clone(), tensor.map_err(|error| error.to_string())?))
        };
        wanted.keys().zip(&views).zip(values).map(tensor).collect()
    }
}

impl std::fmt::Debug for TorchFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let format = self.format();
        formatter
            .debug_struct("TorchFile")
            .field("path", &self.path)
            .field("format", &format)
            .finish_non_exhaustive()
    }
}
