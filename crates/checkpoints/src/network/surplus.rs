//! Tensors beside a network's weights that need not be read.

use super::parametrised::{Recipe, Weight};
use crate::dictionary::Dictionary;

/// What counters of programs that measure networks leave, what is of no use without training, and what follows from a window's size.
const ENDINGS: [&str; 6] = [
    "num_batches_tracked",
    "_extra_state",
    "total_ops",
    "total_params",
    "n_averaged",
    "relative_coords_table",
];

/// What only training uses: the auxiliary classifiers of GoogLeNet and of Inception-v3.
const AUXILIARY: [&str; 3] = ["aux1.", "aux2.", "AuxLogits."];

/// Whether a tensor is none of a network's weights, whatever network it is: a counter, a number of a metric, or a copy.
pub(crate) fn is_known(weight: &Weight, name: &str, dictionary: &Dictionary) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_plain_integer = match weight.recipe {
        Recipe::Plain(tensor) => !dictionary.tensors[tensor].kind.is_floating(),
        _ => false,
    };
    // Wide ResNets of Gowal et al. have a block twice, the second time without use.
    let is_auxiliary = AUXILIARY.iter().any(|module| name.starts_with(module));
    is_auxiliary
        || ENDINGS.contains(&last)
        || name.starts_with("sub_block1.")
        || weight.shape.is_empty()
        || is_plain_integer
}
