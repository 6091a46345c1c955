//! Tensors by name, as a file has them.

use crate::numbers::NumberType;

/// A tensor of a file, before its numbers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    /// Its key, prefixes included.
    pub key: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The type of its numbers.
    pub kind: NumberType,
}

impl StoredTensor {
    /// How many numbers it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A dictionary of tensors in a file: the state of a network, of its averages, or of something else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dictionary {
    /// Where it stands in the file, as `state_dict` or `0.model`; empty if it is the file's content itself.
    pub key: String,
    /// Its tensors, in the file's order.
    pub tensors: Vec<StoredTensor>,
    /// Keys of weights that code would have to make, and the code's names.
    pub(crate) opaque: Vec<(String, String)>,
}

/// A name out of a file, without characters that would break a line or do something to a terminal.
pub(crate) fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
