//! What a file of weights was recognised as, and its weights.

use std::collections::{BTreeMap, BTreeSet};

use candle_core::{Device, Tensor};
use models::{Architecture, Normaliser, Shapes};

use crate::{
    dictionary::{Dictionary, StoredTensor},
    error::Error,
    file::CheckpointFile,
    network::{self, Candidate, Fit, Pair, Recipe, Weight},
    note::Note,
};

/// What is looked for in a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The architecture that the weights must be of; any, if it is absent.
    pub architecture: Option<Architecture>,
    /// The key of the weights, where a file has several: of their dictionary, or what stands before their names in it.
    pub weights: Option<&'a str>,
}

/// The weights of a network in a file, found but not read yet.
#[derive(Debug)]
pub struct Recognised {
    dictionary: usize,
    /// By name.
    weights: BTreeMap<String, Weight>,
    fits: Vec<(Architecture, usize)>,
    /// All that may be it.
    normalisers: Vec<(usize, Pair)>,
    notes: Vec<Note>,
}

impl Recognised {
    /// The architectures that the weights are of, with the number of classes; none, where none is known.
    pub fn fits(&self) -> &[(Architecture, usize)] {
        &self.fits
    }

    /// What was done to find them.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Names and shapes of the weights.
    pub fn shapes(&self) -> Shapes {
        self.weights.iter().map(|(name, weight)| (name.clone(), weight.shape.clone())).collect()
    }

    /// The tensors of the file that they are made of, in the file's order.
    pub fn tensors<'a>(&self, file: &'a CheckpointFile) -> impl Iterator<Item = &'a StoredTensor> {
        let parts: BTreeSet<usize> =
            self.weights.values().flat_map(|weight| weight.recipe.tensors()).collect();
        let tensors = &file.dictionaries()[self.dictionary].tensors;
        parts.into_iter().map(|place| &tensors[place])
    }
}

impl CheckpointFile {
    /// Finds the weights of a network, by names and shapes; no numbers are read.
    ///
    /// # Errors
    /// If they are not those of the architecture that is wanted, stand for code, are no floating-point numbers, or are those of
    /// several networks none of which comes before the others.
    pub fn recognise(&self, wanted: Wanted<'_>) -> Result<Recognised, Error> {
        let all: Vec<Vec<Weight>> = self.dictionaries().iter().map(network::weights).collect();
        let most = all.iter().map(Vec::len).max().unwrap_or(0);
        let architectures = match wanted.architecture {
            Some(architecture) => vec![architecture],
            None => Architecture::all().iter().copied().filter(|one| network::size(*one) <= most).collect(),
        };
        let (mut candidates, nearest) = self.candidates(&all, &architectures, wanted.weights)?;
        if let (true, Some(architecture)) = (candidates.is_empty(), wanted.architecture) {
            let variants: Vec<Architecture> = architecture.variants().collect();
            candidates = self.candidates(&all, &variants, wanted.weights)?.0;
        }
        if candidates.is_empty() {
            return match wanted.architecture {
                Some(architecture) => Err(self.misfit(architecture, &all, nearest)),
                None => self.of_no_architecture(&all, wanted.weights),
            };
        }
        let networks = one_a_key(&candidates);
        let chosen = network::choose(&networks).map_err(|keys| self.several(keys))?;
        let Candidate { dictionary, key, fit } = &networks[chosen];
        let same = candidates
            .iter()
            .filter(|other| (other.dictionary, &other.fit.prefix) == (*dictionary, &fit.prefix));
        let fits = same.map(|other| (other.fit.architecture, other.fit.classes)).collect();
        let others: Vec<String> =
            networks.iter().filter(|other| other.key != *key).map(|other| other.key.clone()).collect();
        let weights: BTreeMap<String, Weight> = fit
            .places
            .iter()
            .map(|(name, &place)| {
                let weight = &all[*dictionary][place];
                (name.clone(), Weight { shape: fit.shape(name, weight), ..weight.clone() })
            })
            .collect();
        self.check_numbers(*dictionary, &weights)?;
        let mut notes = Vec::new();
        if wanted.architecture.is_some_and(|architecture| architecture != fit.architecture) {
            notes.push(Note::Variant(match fit.architecture.in_both_families() {
                true => format!("{} of the family {}", fit.architecture.name(), fit.architecture.family()),
                false => fit.architecture.name().to_owned(),
            }));
        }
        if !others.is_empty() {
            notes.push(Note::Taken { key: key.clone(), others });
        }
        notes.extend(self.notes(fit, *dictionary, &weights, &all[*dictionary]));
        let normalisers = self.normalisers(*dictionary, Some(&fit.prefix));
        Ok(Recognised { dictionary: *dictionary, weights, fits, normalisers, notes })
    }

    /// Every network of these architectures in the file, and what comes nearest to one.
    fn candidates(
        &self,
        all: &[Vec<Weight>],
        architectures: &[Architecture],
        key: Option<&str>,
    ) -> Result<(Vec<Candidate>, Nearest), Error> {
        let (mut candidates, mut nearest): (Vec<Candidate>, Nearest) = (Vec::new(), None);
        for (index, (dictionary, weights)) in self.dictionaries().iter().zip(all).enumerate() {
            // Fewer than half of the weights say nothing.
            let may_be = |architecture: &&Architecture| 2 * weights.len() >= network::size(**architecture);
            for &architecture in architectures.iter().filter(may_be) {
                let (sound, near) = network::fits(architecture, weights, dictionary);
                let several = sound.len() > 1;
                candidates.extend(sound.into_iter().map(|fit| {
                    let prefix = fit.prefix.trim_end_matches('.');
                    let parts = [dictionary.key.as_str(), if several { prefix } else { "" }];
                    let key = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
                    Candidate { dictionary: index, key, fit }
                }));
                let is_nearer = |fit: &Fit| {
                    nearest.as_ref().is_none_or(|(_, other)| fit.places.len() > other.places.len())
                };
                let near = near.filter(|_| key.is_none_or(|key| dictionary.key == key));
                nearest = near.filter(|fit| is_nearer(fit)).map(|fit| (index, fit)).or(nearest);
            }
        }
        let Some(key) = key else { return Ok((candidates, nearest)) };
        let is_named = |candidate: &Candidate| {
            let dictionary = &self.dictionaries()[candidate.dictionary].key;
            let prefix = candidate.fit.prefix.trim_end_matches('.');
            let whole = format!("{dictionary}.{prefix}");
            [candidate.key.as_str(), dictionary, prefix, whole.trim_matches('.')].contains(&key)
        };
        let known = self.dictionaries().iter().any(|dictionary| dictionary.key == key);
        let keys: Vec<String> = match candidates.is_empty() {
            true => self.dictionaries().iter().map(|dictionary| dictionary.key.clone()).collect(),
            false => one_a_key(&candidates).into_iter().map(|candidate| candidate.key).collect(),
        };
        candidates.retain(is_named);
        if candidates.is_empty() && !known {
            let keys = keys
                .into_iter()
                .map(|key| if key.is_empty() { "some without a key".to_owned() } else { format!("`{key}`") });
            return Err(Error::NoSuchWeights {
                path: self.path().to_owned(),
                key: key.to_owned(),
                keys: keys.collect(),
            });
        }
        Ok((candidates, nearest))
    }

    fn several(&self, keys: Vec<String>) -> Error {
        let keys = keys.into_iter().map(|key| format!("`{key}`")).collect();
        Error::SeveralNetworks { path: self.path().to_owned(), keys }
    }

    /// Why nothing in the file is of the architecture.
    fn misfit(&self, architecture: Architecture, all: &[Vec<Weight>], nearest: Nearest) -> Error {
        let path = self.path().to_owned();
        if let Some((key, code)) = self.dictionaries().iter().flat_map(|dictionary| &dictionary.opaque).next()
        {
            return Error::MadeByCode { path, key: key.clone(), code: code.clone() };
        }
        let largest = (0..all.len()).max_by_key(|&index| all[index].len()).unwrap_or(0);
        // A few names that are alike by chance say nothing.
        let nearest = nearest.filter(|(_, fit)| 2 * fit.places.len() >= network::size(architecture));
        let (index, shapes, classes) = match &nearest {
            Some((index, fit)) => (*index, fit.shapes(&all[*index]), fit.classes),
            None => {
                let named =
                    |weight: &Weight| Some((plain_name(&weight.key)?.to_owned(), weight.shape.clone()));
                let shapes: Shapes = all[largest].iter().filter_map(named).collect();
                let classes = architecture.classes(&shapes).unwrap_or(1);
                (largest, shapes, classes)
            }
        };
        let hint = network::nearest(&all[index], &self.dictionaries()[index]);
        match architecture.check_fit(classes, &shapes) {
            Err(source) => Error::DoesNotFit { path, source: Box::new(source), nearest: hint },
            Ok(()) => {
                Error::Unreadable { path, cause: "its weights are those of several networks".to_owned() }
            }
        }
    }

    /// The weights of a network that is unknown here, under the file's own names without wrappers.
    fn of_no_architecture(&self, all: &[Vec<Weight>], key: Option<&str>) -> Result<Recognised, Error> {
        let candidates = self
            .dictionaries()
            .iter()
            .enumerate()
            .filter(|(_, dictionary)| key.is_none_or(|key| dictionary.key == key));
        let largest = candidates.max_by_key(|(index, _)| all[*index].len()).map_or(0, |(index, _)| index);
        let dictionary = &self.dictionaries()[largest];
        let path = || self.path().to_owned();
        if let Some((key, code)) = dictionary.opaque.iter().find(|(key, _)| plain_name(key).is_some()) {
            return Err(Error::MadeByCode { path: path(), key: key.clone(), code: code.clone() });
        }
        let mut weights: BTreeMap<String, Weight> = BTreeMap::new();
        let is_itself = |weight: &&Weight| !matches!(weight.recipe, Recipe::Together { .. });
        for weight in all[largest].iter().filter(is_itself) {
            let is_floating =
                weight.recipe.tensors().iter().all(|&tensor| dictionary.tensors[tensor].kind.is_floating());
            let Some(name) = plain_name(&weight.key).filter(|_| is_floating) else { continue };
            if let Some(other) = weights.insert(name.to_owned(), weight.clone()) {
                let cause = format!("`{}` and `{}` are both `{name}`", other.key, weight.key);
                return Err(Error::Unreadable { path: path(), cause });
            }
        }
        if weights.is_empty() {
            let cause = "it holds no weights, that is no floating-point numbers".to_owned();
            return Err(Error::Unreadable { path: path(), cause });
        }
        let normalisers = self.normalisers(largest, None);
        Ok(Recognised { dictionary: largest, weights, fits: Vec::new(), normalisers, notes: Vec::new() })
    }

    fn check_numbers(&self, dictionary: usize, weights: &BTreeMap<String, Weight>) -> Result<(), Error> {
        let tensors = &self.dictionaries()[dictionary].tensors;
        let parts = weights.values().flat_map(|weight| weight.recipe.tensors());
        match parts.map(|place| &tensors[place]).find(|tensor| !tensor.kind.is_floating()) {
            None => Ok(()),
            Some(tensor) => {
                let (path, key) = (self.path().to_owned(), tensor.key.clone());
                Err(Error::NumberType { path, key, kind: tensor.kind.name() })
            }
        }
    }

    fn notes(
        &self,
        fit: &Fit,
        dictionary: usize,
        weights: &BTreeMap<String, Weight>,
        all: &[Weight],
    ) -> Vec<Note> {
        let mut notes = Vec::new();
        if !fit.prefix.is_empty() {
            notes.push(Note::Prefix(fit.prefix.clone()));
        }
        notes.extend(fit.whose.clone().map(Note::Names));
        let mut folded: BTreeMap<&'static str, usize> = BTreeMap::new();
        weights
            .values()
            .filter_map(|weight| weight.recipe.what())
            .for_each(|what| *folded.entry(what).or_default() += 1);
        notes.extend(folded.into_iter().map(|(what, count)| Note::Folded { what, count }));
        let pairs = network::pair(&self.dictionaries()[dictionary]);
        let is_other = |weight: &&Weight| {
            let is_normaliser =
                |place: usize| pairs.iter().any(|pair| [pair.mean, pair.std].contains(&place));
            let parts = weight.recipe.tensors();
            let is_own =
                weights.values().any(|own| own.recipe.tensors().iter().any(|part| parts.contains(part)));
            let counts = weight.key.ends_with("num_batches_tracked");
            !is_own && !counts && !matches!(weight.recipe, Recipe::Plain(place) if is_normaliser(place))
        };
        let others: Vec<&Weight> = all.iter().filter(is_other).collect();
        if let Some(first) = others.first() {
            notes.push(Note::PassedOver { count: others.len(), example: first.key.clone() });
        }
        notes
    }

    /// The normalisers beside weights with a prefix (any, where it is not known): those in their dictionary, or else alone in others,
    /// that lie nearest to them and are no other network's.
    fn normalisers(&self, dictionary: usize, prefix: Option<&str>) -> Vec<(usize, Pair)> {
        /// Tensors of a dictionary that has a normaliser alone.
        const ALONE: usize = 4;
        let pairs = |index: usize| {
            network::pair(&self.dictionaries()[index]).into_iter().map(move |pair| (index, pair))
        };
        let mut found: Vec<_> = pairs(dictionary)
            .filter(|(index, pair)| prefix.is_none_or(|prefix| self.is_own(*index, pair, prefix)))
            .collect();
        if found.is_empty() {
            let others = (0..self.dictionaries().len()).filter(|&other| other != dictionary);
            found = others
                .filter(|&other| self.dictionaries()[other].tensors.len() <= ALONE)
                .flat_map(pairs)
                .collect();
        }
        let shared = |pair: &Pair| {
            let steps = pair.key.split('.').zip(prefix.unwrap_or_default().split('.'));
            steps.take_while(|(one, other)| one == other).count()
        };
        let nearest = found.iter().map(|(_, pair)| shared(pair)).max();
        found.retain(|(_, pair)| Some(shared(pair)) == nearest);
        found
    }

    /// Whether a normaliser is that of the weights with a prefix, rather than of others beside it.
    fn is_own(&self, dictionary: usize, pair: &Pair, prefix: &str) -> bool {
        let tensors = self.dictionaries()[dictionary].tensors.iter().enumerate();
        let others = tensors.filter(|(place, _)| ![pair.mean, pair.std].contains(place));
        let others: Vec<&str> = others.map(|(_, tensor)| tensor.key.as_str()).collect();
        let is_of = |module: &str| {
            let module = format!("{module}.");
            prefix.starts_with(&module) || !others.iter().any(|key| key.starts_with(&module))
        };
        // The module that has it, and the one around that.
        is_of(&pair.key) && pair.key.rsplit_once('.').is_none_or(|(around, _)| is_of(around))
    }

    /// Reads the weights that were recognised in this file: parameters and batch-norm statistics, f32, by the architecture's names (or
    /// the file's, where none is known).
    ///
    /// # Errors
    /// If they are damaged or larger than the file.
    pub fn load(&mut self, found: &Recognised) -> Result<BTreeMap<String, Tensor>, Error> {
        let dictionary: Dictionary = self.dictionaries()[found.dictionary].clone();
        let parts: Vec<usize> = found.weights.values().flat_map(|weight| weight.recipe.tensors()).collect();
        // Weights that share numbers, and numbers that are repeated, must not make a small file large.
        let bytes = parts.iter().try_fold(0u64, |sum, &part| {
            let tensor = &dictionary.tensors[part];
            sum.checked_add(tensor.kind.bytes().checked_mul(tensor.count() as u64)?)
        });
        if bytes.is_none_or(|bytes| bytes > (2 * self.bytes()).max(1 << 16)) {
            let cause =
                format!("weights of more than twice the size of the file, which has {} bytes", self.bytes());
            return Err(Error::Unreadable { path: self.path().to_owned(), cause });
        }
        let mut numbers = self.read(found.dictionary, &parts)?.into_iter();
        let mut tensors = BTreeMap::new();
        for (name, Weight { shape, recipe, .. }) in &found.weights {
            let own = numbers.by_ref().take(recipe.tensors().len()).collect();
            let values = recipe.numbers(&dictionary, own);
            tensors.insert(name.clone(), Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?);
        }
        Ok(tensors)
    }

    /// The normaliser beside weights that were recognised in this file, and its key in words; nothing if the file has none.
    ///
    /// # Errors
    /// If it is damaged, or no normaliser of three channels, or there are several that differ.
    pub fn normaliser_of(&mut self, found: &Recognised) -> Result<Option<(Normaliser, String)>, Error> {
        let mut all: Vec<(Normaliser, String)> = Vec::new();
        for (dictionary, pair) in &found.normalisers {
            let (value, unit) = self.normaliser_at(*dictionary, pair)?;
            if all.iter().all(|(other, _)| *other != value) {
                let place = &self.dictionaries()[*dictionary].key;
                let place = if place.is_empty() || *dictionary == found.dictionary {
                    ""
                } else {
                    &format!("{place}.")
                };
                all.push((value, format!("`{place}{}`{unit}", pair.key)));
            }
        }
        if all.len() > 1 {
            let keys = all.into_iter().map(|(_, key)| key).collect();
            return Err(Error::SeveralNormalisers { path: self.path().to_owned(), keys });
        }
        Ok(all.pop())
    }

    fn normaliser_at(&mut self, dictionary: usize, pair: &Pair) -> Result<(Normaliser, &'static str), Error> {
        let Pair { key, mean, std } = pair;
        let path = self.path().to_owned();
        let refused = |problem: String| Error::Normaliser { path, key: key.clone(), problem };
        let tensors = [mean, std].map(|place| &self.dictionaries()[dictionary].tensors[*place]);
        if tensors.iter().any(|tensor| tensor.count() != 3 || !tensor.kind.is_floating()) {
            let [mean, std] = tensors.map(|tensor| &tensor.shape);
            return Err(refused(format!("of shapes {mean:?}, {std:?}, expected three numbers each")));
        }
        let values = self.read(dictionary, &[*mean, *std])?;
        network::value(&values[0], &values[1]).map_err(refused)
    }
}

/// What comes nearest to a network that is looked for, and the dictionary that it is in.
type Nearest = Option<(usize, Fit)>;

/// The first candidate of each key: the same weights may be of several architectures.
fn one_a_key(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut networks: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if networks.iter().all(|other| other.key != candidate.key) {
            networks.push(candidate.clone());
        }
    }
    networks
}

/// The name of a weight without the wrappers of its network, or nothing for what is no weight.
fn plain_name(key: &str) -> Option<&str> {
    let key = key.strip_prefix("module.").unwrap_or(key);
    let name = key.strip_prefix("model.").unwrap_or(key);
    let foreign = name.starts_with("attacker.") || name.starts_with("normalizer.");
    let counts = name.ends_with(".num_batches_tracked") || name.ends_with("._extra_state");
    (!foreign && !counts).then_some(name)
}
