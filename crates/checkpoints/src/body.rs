//! What is in one file, or in the shards of one dictionary.

use crate::{dictionary::Dictionary, facts::Facts, safetensors::SafetensorsFile, torch::TorchFile};

/// The content of a file of weights.
pub(crate) enum Body {
    Torch(Box<TorchFile>),
    Safetensors(Box<SafetensorsFile>),
    Shards(Shards),
}

impl Body {
    pub(crate) fn format(&self) -> String {
        match self {
            Self::Torch(file) => format!("PyTorch, {} format", file.format()),
            Self::Safetensors(_) => "safetensors".to_owned(),
            Self::Shards(shards) => {
                let one = shards.parts.first().map(Self::format).unwrap_or_default();
                format!("{one}, {} shards", shards.parts.len())
            }
        }
    }

    pub(crate) fn dictionaries(&self) -> &[Dictionary] {
        match self {
            Self::Torch(file) => file.dictionaries(),
            Self::Safetensors(file) => file.dictionaries(),
            Self::Shards(shards) => &shards.dictionary,
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        match self {
            Self::Torch(file) => file.facts(),
            Self::Safetensors(_) | Self::Shards(_) => Facts::default(),
        }
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        match self {
            Self::Safetensors(file) => file.metadata().get(key).map(String::as_str),
            Self::Torch(_) | Self::Shards(_) => None,
        }
    }

    /// The numbers of tensors of a dictionary, by their places in it.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn read(&mut self, dictionary: usize, tensors: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        match self {
            Self::Torch(file) => file.read(dictionary, tensors),
            Self::Safetensors(file) => file.read(tensors),
            Self::Shards(shards) => shards.read(tensors),
        }
    }
}

/// Files that hold one dictionary together.
pub(crate) struct Shards {
    parts: Vec<Body>,
    dictionary: [Dictionary; 1],
    /// Of each tensor: its file, and its place there.
    places: Vec<(usize, usize)>,
}

impl Shards {
    /// Puts the first dictionaries of files together.
    ///
    /// # Errors
    /// If a key is in two of them.
    pub(crate) fn new(parts: Vec<Body>) -> Result<Self, String> {
        let (mut whole, mut places) = (Dictionary::default(), Vec::new());
        let mut keys = std::collections::BTreeSet::new();
        for (part, body) in parts.iter().enumerate() {
            let Some(dictionary) = body.dictionaries().first() else { continue };
            for (place, tensor) in dictionary.tensors.iter().enumerate() {
                if !keys.insert(tensor.key.clone()) {
                    return Err(format!("`{}` is in two shards", tensor.key));
                }
                whole.tensors.push(tensor.clone());
                places.push((part, place));
            }
            whole.opaque.extend(dictionary.opaque.iter().cloned());
        }
        Ok(Self { parts, dictionary: [whole], places })
    }

    fn read(&mut self, tensors: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        let mut all = vec![Vec::new(); tensors.len()];
        for (part, body) in self.parts.iter_mut().enumerate() {
            let (wanted, places): (Vec<usize>, Vec<usize>) = tensors
                .iter()
                .enumerate()
                .filter(|(_, tensor)| self.places[**tensor].0 == part)
                .map(|(index, &tensor)| (index, self.places[tensor].1))
                .unzip();
            for (index, values) in wanted.into_iter().zip(body.read(0, &places)?) {
                all[index] = values;
            }
        }
        Ok(all)
    }
}
