//! Which images of a run were split off to test it.

use std::fmt;

/// Test images that were split off the images of each class, of a data set that has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Which part of them.
    pub fraction: f64,
    /// Which images these are.
    pub seed: u64,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a fraction of {}, seed {}", self.fraction, self.seed)
    }
}
