//! The weights of a network among the tensors of a dictionary: under which names, behind which prefix, in which parametrisation.

mod choice;
mod fit;
mod normaliser;
mod parametrised;
mod spelling;
mod surplus;

pub(crate) use choice::{Candidate, choose};
pub(crate) use fit::{Fit, fits, nearest, size};
pub(crate) use normaliser::{Pair, pair, value};
pub(crate) use parametrised::{Recipe, Weight, weights};
