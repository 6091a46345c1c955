//! Which of several networks in a file is meant.

use super::fit::Fit;

/// A network in a file.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// The dictionary that it is in.
    pub(crate) dictionary: usize,
    /// What names it: the dictionary's key, and the prefix where there are several in one.
    pub(crate) key: String,
    pub(crate) fit: Fit,
}

/// Words in names of networks that are another's average, teacher or attacker.
const SECOND: [&str; 9] =
    ["ema", "swa", "average", "averaged", "shadow", "teacher", "attacker", "momentum", "target"];

/// Where a network usually stands, the first that is there coming first.
const USUAL: [&str; 11] = [
    "state_dict",
    "model",
    "net",
    "model_state_dict",
    "model_state",
    "network",
    "params",
    "weights",
    "student",
    "backbone",
    "classifier",
];

/// The network that is meant where none is named: the only one, the only one that is no second copy, or the one in the usual place.
///
/// # Errors
/// The keys of all, where none comes before the others.
pub(crate) fn choose(all: &[Candidate]) -> Result<usize, Vec<String>> {
    let first: Vec<usize> = (0..all.len()).filter(|&index| !is_second(&all[index].key)).collect();
    match first[..] {
        [one] => return Ok(one),
        [] if all.len() == 1 => return Ok(0),
        _ => {}
    }
    let place = |index: &usize| {
        let last = all[*index].key.rsplit('.').next().unwrap_or_default();
        USUAL.iter().position(|usual| *usual == last)
    };
    // Names of one dictionary: what stands there without a prefix is the network itself.
    if let Some(bare) = first.iter().find(|index| all[**index].key.is_empty()) {
        return Ok(*bare);
    }
    let usual = first.iter().filter_map(|index| Some((place(index)?, *index))).min();
    usual.map(|(_, index)| index).ok_or_else(|| all.iter().map(|candidate| candidate.key.clone()).collect())
}

fn is_second(key: &str) -> bool {
    let mut words = key.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| SECOND.contains(&word.to_lowercase().as_str()))
}
