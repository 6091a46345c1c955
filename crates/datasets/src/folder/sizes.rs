//! Which size the images of a set have.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::{Encoded, Error, OnCorrupt};

/// Images that are looked at to see whether most have one size.
const SAMPLE: usize = 256;

/// Files that are opened at once.
const AT_ONCE: usize = 256;

/// What a sample of images says.
pub(super) struct Sample {
    /// The side of most images, if they are squares of one size.
    pub(super) common: Option<usize>,
    /// One of another size: its path, its columns and rows.
    pub(super) other: Option<(String, [usize; 2])>,
}

/// Looks at images of all parts, evenly chosen, so that the answer does not depend on how many of them are used.
pub(super) fn sample(parts: &[&Encoded]) -> Sample {
    let count: usize = parts.iter().map(|part| part.len()).sum();
    let all = parts.iter().flat_map(|&part| (0..part.len()).map(move |index| (part, index)));
    let chosen: Vec<(&Encoded, usize)> = all.step_by(count.div_ceil(SAMPLE).max(1)).collect();
    // A damaged one says nothing; whoever decodes it is told.
    let sizes: Vec<_> =
        chosen.par_iter().filter_map(|&(part, index)| Some((part, index, part.size(index).ok()?))).collect();
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    sizes.iter().for_each(|(_, _, size)| *counts.entry(*size).or_default() += 1);
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    let common = most.filter(|((width, height), count)| width == height && 2 * count > sizes.len());
    let common = common.map(|((side, _), _)| side);
    let other = sizes.into_iter().find(|(_, _, (width, height))| common != Some(*width) || width != height);
    let other = other.map(|(part, index, (width, height))| (part.names[index].clone(), [width, height]));
    Sample { common, other }
}

/// Images that have not the size of the others.
pub(super) struct Odd {
    pub(super) count: usize,
    /// The first one's path.
    pub(super) path: String,
    /// Its columns and rows.
    pub(super) size: [usize; 2],
}

/// Looks for images that are no squares of this side.
///
/// # Errors
/// If one is damaged and such are not left out.
pub(super) fn odd(parts: &[&Encoded], side: usize) -> Result<Option<Odd>, Error> {
    let mut found: Option<Odd> = None;
    for part in parts {
        let indices: Vec<usize> = (0..part.len()).collect();
        for some in indices.chunks(AT_ONCE) {
            let sizes: Vec<_> = some.par_iter().map(|&index| part.size(index)).collect();
            for (&index, size) in some.iter().zip(sizes) {
                let (width, height) = match size {
                    Err(Error::Corrupt { .. }) if part.on_corrupt == OnCorrupt::Skip => continue,
                    size => size?,
                };
                if (width, height) != (side, side) {
                    let first = || Odd { count: 0, path: part.names[index].clone(), size: [width, height] };
                    found.get_or_insert_with(first).count += 1;
                }
            }
        }
    }
    Ok(found)
}
