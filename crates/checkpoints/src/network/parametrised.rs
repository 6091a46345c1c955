//! Weights that a file holds as something else: what `torch.nn.utils` makes of them, and biases in parts.

use std::collections::{BTreeMap, BTreeSet};

use crate::dictionary::Dictionary;

/// A weight of a network, made of one or more tensors of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Its key, as if it were a plain tensor.
    pub(crate) key: String,
    /// Its shape.
    pub(crate) shape: Vec<usize>,
    /// What it is made of: tensors by their places in the dictionary.
    pub(crate) recipe: Recipe,
}

/// How a weight is made of tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// It is there itself.
    Plain(usize),
    /// Weight normalisation (Salimans & Kingma, NIPS 2016): g · v / ‖v‖, a norm for each number of g.
    Normalised { g: usize, v: usize },
    /// Spectral normalisation (Miyato et al., ICLR 2018) in evaluation mode: W / (uᵀ W v), rows of W being output channels.
    Spectral { original: usize, u: usize, v: usize },
    /// Pruned: zero where the mask is.
    Masked { original: usize, mask: usize },
    /// The biases of queries and values, with zeros for the keys between; the parts may be weights themselves.
    Together { queries: usize, values: usize },
}

impl Recipe {
    /// The tensors that are read for it.
    pub(crate) fn tensors(self) -> Vec<usize> {
        match self {
            Self::Plain(tensor) => vec![tensor],
            Self::Normalised { g, v } => vec![g, v],
            Self::Spectral { original, u, v } => vec![original, u, v],
            Self::Masked { original, mask } => vec![original, mask],
            Self::Together { queries, values } => vec![queries, values],
        }
    }

    /// What was done to it; nothing if it is there itself.
    pub(crate) fn what(self) -> Option<&'static str> {
        match self {
            Self::Plain(_) | Self::Together { .. } => None,
            Self::Normalised { .. } => Some("weight normalisation"),
            Self::Spectral { .. } => Some("spectral normalisation"),
            Self::Masked { .. } => Some("a pruning mask"),
        }
    }

    /// The numbers of the weight, from those of its tensors in the order of [`Recipe::tensors`].
    pub(crate) fn numbers(self, dictionary: &Dictionary, mut parts: Vec<Vec<f32>>) -> Vec<f32> {
        match self {
            Self::Plain(_) => parts.swap_remove(0),
            Self::Masked { .. } => parts[0].iter().zip(&parts[1]).map(|(value, mask)| value * mask).collect(),
            Self::Normalised { g, v } => {
                let (g_shape, v_shape) = (&dictionary.tensors[g].shape, &dictionary.tensors[v].shape);
                normalised(&parts[0], &parts[1], g_shape, v_shape)
            }
            Self::Spectral { .. } => spectral(&parts[0], &parts[1], &parts[2]),
            Self::Together { .. } => {
                let keys = vec![0.0; parts[0].len()];
                [&parts[0], &keys, &parts[1]].into_iter().flatten().copied().collect()
            }
        }
    }
}

/// g · v / ‖v‖, the norm over all numbers that share one of g.
fn normalised(g: &[f32], v: &[f32], g_shape: &[usize], v_shape: &[usize]) -> Vec<f32> {
    // The number of g that an element of v belongs to: g has the size 1 along all other axes.
    let belongs = |place: usize| {
        let (mut rest, mut index, mut step) = (place, 0, 1);
        for (&size, &own) in v_shape.iter().zip(g_shape).rev() {
            if own > 1 {
                index += (rest % size) * step;
                step *= own;
            }
            rest /= size;
        }
        index
    };
    let mut squares = vec![0f64; g.len()];
    for (place, &value) in v.iter().enumerate() {
        squares[belongs(place)] += f64::from(value) * f64::from(value);
    }
    let scaled = |(place, &value): (usize, &f32)| {
        let own = belongs(place);
        (f64::from(g[own]) * f64::from(value) / squares[own].sqrt()) as f32
    };
    v.iter().enumerate().map(scaled).collect()
}

/// W / (uᵀ W v).
fn spectral(weight: &[f32], u: &[f32], v: &[f32]) -> Vec<f32> {
    let row = |row: &[f32]| row.iter().zip(v).map(|(&w, &v)| f64::from(w) * f64::from(v)).sum::<f64>();
    let sigma: f64 = weight.chunks(v.len().max(1)).zip(u).map(|(w, &u)| f64::from(u) * row(w)).sum();
    weight.iter().map(|&w| (f64::from(w) / sigma) as f32).collect()
}

/// The weights that the tensors of a dictionary are or make up, in its order.
pub(crate) fn weights(dictionary: &Dictionary) -> Vec<Weight> {
    let places: BTreeMap<&str, usize> =
        dictionary.tensors.iter().enumerate().map(|(place, tensor)| (tensor.key.as_str(), place)).collect();
    let found = |key: &str| places.get(key).copied();
    let mut parts = BTreeSet::new();
    let mut made: BTreeMap<usize, Weight> = BTreeMap::new();
    for (place, tensor) in dictionary.tensors.iter().enumerate() {
        let Some((key, recipe)) = recipe(&tensor.key, place, &found) else { continue };
        let tensors = recipe.tensors();
        let whole = match recipe {
            Recipe::Normalised { v, .. } => v,
            _ => tensors[0],
        };
        if fits(recipe, dictionary) {
            parts.extend(tensors);
            made.insert(place, Weight { key, shape: dictionary.tensors[whole].shape.clone(), recipe });
        }
    }
    let plain = |(place, tensor): (usize, &crate::dictionary::StoredTensor)| match made.remove(&place) {
        Some(weight) => Some(weight),
        None if parts.contains(&place) => None,
        None => Some(Weight {
            key: tensor.key.clone(),
            shape: tensor.shape.clone(),
            recipe: Recipe::Plain(place),
        }),
    };
    let all = dictionary.tensors.iter().enumerate().filter_map(plain);
    all.chain(together(dictionary, &found)).collect()
}

/// Biases in parts as one, besides the parts.
fn together(dictionary: &Dictionary, found: &impl Fn(&str) -> Option<usize>) -> Vec<Weight> {
    let whole = |(queries, tensor): (usize, &crate::dictionary::StoredTensor)| {
        let module = tensor.key.strip_suffix("q_bias")?;
        let values = found(&format!("{module}v_bias"))?;
        let (&[own], &[other]) = (tensor.shape.as_slice(), dictionary.tensors[values].shape.as_slice())
        else {
            return None;
        };
        let shape = vec![own.checked_mul(3)?];
        let recipe = Recipe::Together { queries, values };
        (own == other).then(|| Weight { key: format!("{module}qkv.bias"), shape, recipe })
    };
    dictionary.tensors.iter().enumerate().filter_map(whole).collect()
}

/// The weight whose first part a key is.
fn recipe(key: &str, place: usize, found: &impl Fn(&str) -> Option<usize>) -> Option<(String, Recipe)> {
    if let Some(name) = key.strip_suffix("_g") {
        let v = found(&format!("{name}_v"))?;
        return Some((name.to_owned(), Recipe::Normalised { g: place, v }));
    }
    if let Some(name) = key.strip_suffix("_orig") {
        if let Some(mask) = found(&format!("{name}_mask")) {
            return Some((name.to_owned(), Recipe::Masked { original: place, mask }));
        }
        let (u, v) = (found(&format!("{name}_u"))?, found(&format!("{name}_v"))?);
        return Some((name.to_owned(), Recipe::Spectral { original: place, u, v }));
    }
    let (module, rest) = key
        .split_once(".parametrizations.")
        .or_else(|| Some(("", key.strip_prefix("parametrizations.")?)))?;
    let (name, part) = rest.split_once('.')?;
    let whole = if module.is_empty() { name.to_owned() } else { format!("{module}.{name}") };
    let base = key.strip_suffix(part)?;
    match part {
        "original0" => Some((whole, Recipe::Normalised { g: place, v: found(&format!("{base}original1"))? })),
        "original" => {
            let (u, v) = (found(&format!("{base}0._u"))?, found(&format!("{base}0._v"))?);
            Some((whole, Recipe::Spectral { original: place, u, v }))
        }
        _ => None,
    }
}

/// Whether the shapes are those of such parts.
fn fits(recipe: Recipe, dictionary: &Dictionary) -> bool {
    let shape = |place: usize| &dictionary.tensors[place].shape;
    let count = |place: usize| dictionary.tensors[place].count();
    match recipe {
        Recipe::Plain(_) | Recipe::Together { .. } => true,
        Recipe::Masked { original, mask } => {
            shape(original) == shape(mask) && dictionary.tensors[mask].kind.is_floating()
        }
        Recipe::Normalised { g, v } => {
            let is_norm = |(own, of): (&usize, &usize)| *own == 1 || own == of;
            // One norm of all is a single number.
            count(g) > 0
                && (count(g) == 1
                    || (shape(g).len() == shape(v).len() && shape(g).iter().zip(shape(v)).all(is_norm)))
        }
        Recipe::Spectral { original, u, v } => {
            shape(original).first() == Some(&count(u))
                && count(u).checked_mul(count(v)) == Some(count(original))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dictionary::StoredTensor, numbers::NumberType};

    fn dictionary(tensors: &[(&str, &[usize])]) -> Dictionary {
        let tensor = |&(key, shape): &(&str, &[usize])| StoredTensor {
            key: key.to_owned(),
            shape: shape.to_vec(),
            kind: NumberType::F32,
        };
        Dictionary { tensors: tensors.iter().map(tensor).collect(), ..Dictionary::default() }
    }

    #[test]
    fn a_normalised_weight_has_the_norms_that_it_is_given() {
        for names in [
            ["a.weight_g", "a.weight_v"],
            ["a.parametrizations.weight.original0", "a.parametrizations.weight.original1"],
        ] {
            let all = dictionary(&[(names[0], &[2, 1]), (names[1], &[2, 2]), ("a.bias", &[2])]);
            let found = weights(&all);
            assert_eq!(
                found.iter().map(|weight| weight.key.as_str()).collect::<Vec<_>>(),
                ["a.weight", "a.bias"]
            );
            assert_eq!(found[0].shape, [2, 2]);
            let numbers = found[0].recipe.numbers(&all, vec![vec![10.0, 1.0], vec![3.0, 4.0, 0.0, -2.0]]);
            assert_eq!(numbers, [6.0, 8.0, 0.0, -1.0]);
        }
    }

    #[test]
    fn a_norm_along_the_last_axis_is_of_columns() {
        let numbers = normalised(&[5.0, 1.0], &[3.0, 1.0, 4.0, 0.0], &[1, 2], &[2, 2]);
        assert_eq!(numbers, [3.0, 1.0, 4.0, 0.0]);
    }

    #[test]
    fn masks_and_spectral_norms_are_folded() {
        let all = dictionary(&[("a.weight_orig", &[1, 2]), ("a.weight_mask", &[1, 2])]);
        let found = weights(&all);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].recipe.numbers(&all, vec![vec![3.0, 4.0], vec![1.0, 0.0]]), [3.0, 0.0]);
        let all = dictionary(&[("a.weight_orig", &[2, 2]), ("a.weight_u", &[2]), ("a.weight_v", &[2])]);
        let found = weights(&all);
        let numbers =
            found[0].recipe.numbers(&all, vec![vec![4.0, 0.0, 0.0, 2.0], vec![1.0, 0.0], vec![1.0, 0.0]]);
        assert_eq!((found.len(), numbers), (1, vec![1.0, 0.0, 0.0, 0.5]));
    }

    #[test]
    fn biases_in_parts_are_one_besides() {
        let all = dictionary(&[("a.q_bias", &[2]), ("a.v_bias", &[2]), ("b.q_bias", &[2])]);
        let found = weights(&all);
        assert_eq!(
            found.iter().map(|weight| weight.key.as_str()).collect::<Vec<_>>(),
            ["a.q_bias", "a.v_bias", "b.q_bias", "a.qkv.bias"]
        );
        assert_eq!(found[3].shape, [6]);
        let numbers = found[3].recipe.numbers(&all, vec![vec![1.0, 2.0], vec![3.0, 4.0]]);
        assert_eq!(numbers, [1.0, 2.0, 0.0, 0.0, 3.0, 4.0]);
    }

    #[test]
    fn names_alone_make_no_parametrisation() {
        let all = dictionary(&[("bin_g", &[3]), ("bin_v", &[4]), ("x_orig", &[2])]);
        assert!(weights(&all).iter().all(|weight| matches!(weight.recipe, Recipe::Plain(_))));
    }
}
