//! Which tensors of a dictionary are the weights of an architecture.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::OnceLock,
};

use models::{Architecture, Shapes};

use super::{
    parametrised::Weight,
    spelling::{Spelling, spellings},
    surplus::is_known,
};
use crate::dictionary::Dictionary;

/// Weights of an architecture in a dictionary.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub(crate) architecture: Architecture,
    pub(crate) classes: usize,
    /// What stands before all names; empty or with a dot at its end.
    pub(crate) prefix: String,
    /// Whose names they are, if not the architecture's own.
    pub(crate) whose: Option<String>,
    /// By the architecture's names: places in the list of weights.
    pub(crate) places: BTreeMap<String, usize>,
    /// Linear layers that the file has as convolutions over the whole plane: the same numbers in the same order.
    flattened: BTreeSet<String>,
    /// The weights behind the prefix that are none of the network's, and of no known kind.
    pub(crate) surplus: Vec<usize>,
}

impl Fit {
    /// Names and shapes as the architecture is asked about them.
    pub(crate) fn shapes(&self, weights: &[Weight]) -> Shapes {
        let own = self.places.iter().map(|(name, &place)| (name.clone(), self.shape(name, &weights[place])));
        let others = self.surplus.iter().map(|&place| {
            let Weight { key, shape, .. } = &weights[place];
            (key.strip_prefix(&self.prefix).unwrap_or(key).to_owned(), shape.clone())
        });
        own.chain(others).collect()
    }

    /// The shape that a weight has in the architecture: axes of one say nothing, and some programs have fewer or more of them.
    pub(crate) fn shape(&self, name: &str, weight: &Weight) -> Vec<usize> {
        let own = known(self.architecture).with_ones.get(name);
        match weight.shape.as_slice() {
            [outputs, inputs @ ..] if self.flattened.contains(name) => {
                vec![*outputs, inputs.iter().product()]
            }
            shape => {
                own.filter(|own| without_ones(own).eq(without_ones(shape))).unwrap_or(&weight.shape).clone()
            }
        }
    }

    /// Whether every weight is there, in its shape, and nothing else.
    pub(crate) fn check(&self, weights: &[Weight]) -> Result<(), models::Error> {
        self.architecture.check_fit(self.classes, &self.shapes(weights))
    }
}

/// Everything that the weights of a dictionary may be of an architecture: complete networks, each behind another prefix or under
/// other names; else the one that most names are of.
pub(crate) fn fits(
    architecture: Architecture,
    weights: &[Weight],
    dictionary: &Dictionary,
) -> (Vec<Fit>, Option<Fit>) {
    let Known { names, linear, head, .. } = known(architecture);
    let (mut complete, mut nearest): (Vec<Fit>, Option<Fit>) = (Vec::new(), None);
    for spelling in spellings(architecture, names, head) {
        for (prefix, found) in prefixes(&spelling, weights) {
            let places: BTreeMap<String, usize> =
                found.into_iter().map(|(name, place)| (names[name].clone(), place)).collect();
            if places.len() < names.len() {
                let count = nearest.as_ref().map_or(0, |nearest| nearest.places.len());
                if places.len() <= count {
                    continue;
                }
            }
            let is_whole = places.len() == names.len();
            let flattened = places
                .iter()
                .filter(|(name, place)| linear.contains(*name) && weights[**place].shape.len() == 4);
            let flattened = flattened.map(|(name, _)| name.clone()).collect();
            let (whose, surplus) = (spelling.whose.clone(), Vec::new());
            let mut fit = Fit { architecture, classes: 1, prefix, whose, places, flattened, surplus };
            fit.classes = architecture.classes(&fit.shapes(weights)).unwrap_or(1);
            if is_whole { complete.push(fit) } else { nearest = Some(fit) }
        }
    }
    let prefixes: Vec<String> = complete.iter().map(|fit| fit.prefix.clone()).collect();
    for fit in complete.iter_mut().chain(&mut nearest) {
        fit.surplus = surplus(fit, weights, dictionary, &prefixes);
    }
    let (sound, unsound): (Vec<Fit>, Vec<Fit>) =
        complete.into_iter().partition(|fit| fit.check(weights).is_ok());
    let nearest = unsound.into_iter().next().or(nearest);
    (sound, nearest)
}

/// An architecture's names, and the module of its last layer.
struct Known {
    names: Vec<String>,
    /// The weights of linear layers.
    linear: BTreeSet<String>,
    /// What other programs may have without or with more axes of one: everything but kernels and linear layers.
    with_ones: Shapes,
    head: String,
}

/// The same, looked up once: where none is named, all are tried.
fn known(architecture: Architecture) -> &'static Known {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    let one = |architecture: &Architecture| {
        let shapes = architecture.graph(2).shapes();
        let linear =
            shapes.iter().filter(|(_, shape)| shape.len() == 2).map(|(name, _)| name.clone()).collect();
        let is_thin = |(_, shape): &(&String, &Vec<usize>)| without_ones(shape).count() <= 1;
        let with_ones = shapes.iter().filter(is_thin).map(|(name, shape)| (name.clone(), shape.clone()));
        let with_ones = with_ones.collect();
        Known { names: shapes.into_keys().collect(), linear, with_ones, head: head(*architecture) }
    };
    let all = ALL.get_or_init(|| Architecture::all().iter().map(one).collect());
    let place = Architecture::all().iter().position(|other| *other == architecture);
    &all[place.expect("every architecture is in the list of all")]
}

/// The axes of a shape that are longer than one.
fn without_ones(shape: &[usize]) -> impl Iterator<Item = &usize> {
    shape.iter().filter(|&&axis| axis != 1)
}

/// How many weights an architecture has.
pub(crate) fn size(architecture: Architecture) -> usize {
    known(architecture).names.len()
}

/// The module of the last layer: the one whose shapes follow the number of classes.
fn head(architecture: Architecture) -> String {
    let (two, three) = (architecture.graph(2).shapes(), architecture.graph(3).shapes());
    let differs = |(name, shape): &(&String, &Vec<usize>)| three.get(*name) != Some(*shape);
    let name = two.iter().find(differs).map(|(name, _)| name.clone()).unwrap_or_default();
    name.rsplit_once('.').map_or(name.clone(), |(module, _)| module.to_owned())
}

/// Behind each prefix, the names that are there and the weights that have them.
fn prefixes(spelling: &Spelling, weights: &[Weight]) -> BTreeMap<String, Vec<(usize, usize)>> {
    let names: HashMap<&str, usize> =
        spelling.names.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
    let mut found: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for (place, weight) in weights.iter().enumerate() {
        let key = weight.key.as_str();
        let starts = std::iter::once(0).chain(key.match_indices('.').map(|(dot, _)| dot + 1));
        for start in starts {
            if let Some(&name) = names.get(&key[start..]) {
                found.entry(key[..start].to_owned()).or_default().push((name, place));
            }
        }
    }
    found
}

/// The weights behind a prefix that are none of the network's, of no other network's that is whole, and of no known kind.
fn surplus(fit: &Fit, weights: &[Weight], dictionary: &Dictionary, complete: &[String]) -> Vec<usize> {
    let own: BTreeSet<usize> =
        fit.places.values().flat_map(|&place| weights[place].recipe.tensors()).collect();
    let of_another = |key: &str| {
        complete
            .iter()
            .any(|other| *other != fit.prefix && other.starts_with(&fit.prefix) && key.starts_with(other))
    };
    let is_surplus = |place: &usize| {
        let weight = &weights[*place];
        let Some(name) = weight.key.strip_prefix(&fit.prefix) else { return false };
        !weight.recipe.tensors().iter().any(|tensor| own.contains(tensor))
            && !of_another(&weight.key)
            && !is_known(weight, name, dictionary)
            && !is_of_normaliser(name)
    };
    (0..weights.len()).filter(is_surplus).collect()
}

/// Three numbers of a normaliser in front of the network, or of the attacker's copy of it.
fn is_of_normaliser(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    super::normaliser::NAMES.iter().any(|pair| pair.contains(&last))
}

/// The architecture whose names and shapes most of the weights have, in words; nothing if hardly any.
pub(crate) fn nearest(weights: &[Weight], dictionary: &Dictionary) -> Option<String> {
    let shared = |architecture: &Architecture| {
        let (sound, near) = fits(*architecture, weights, dictionary);
        let fit = sound.into_iter().next().or(near)?;
        let wanted = architecture.graph(fit.classes).shapes();
        let found = fit.shapes(weights);
        let same = wanted.iter().filter(|(name, shape)| found.get(*name) == Some(shape)).count();
        Some((same, wanted.len().max(found.len()), architecture.name(), fit.classes))
    };
    // More than half must be the same in the end.
    let may_be = |architecture: &&Architecture| 2 * weights.len() > size(**architecture);
    let all = Architecture::all().iter().filter(may_be).filter_map(shared);
    let (same, of, name, classes) = all.max_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)))?;
    (2 * same > of).then(|| {
        format!("the nearest is {name} with {classes} classes, of whose {of} tensors {same} are here")
    })
}
