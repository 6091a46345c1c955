//! How weights differ from what an architecture has.

use std::fmt;

use crate::family::Family;

/// How many differences of each side a message names.
const NAMED: usize = 3;

/// A name or a shape that differs between an architecture and the weights at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The parameter or buffer, by PyTorch's name.
    pub name: String,
    /// Its shape in the architecture; none if the architecture does not know it.
    pub expected: Option<Vec<usize>>,
    /// Its shape in the weights; none if they lack it.
    pub found: Option<Vec<usize>>,
}

/// Whose weights they are, if not those that were expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherNetwork {
    /// The network of the same name for other images.
    pub family: Family,
    /// How many classes it has.
    pub classes: usize,
}

impl fmt::Display for Difference {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(to, "`{name}` is {found:?}, expected {expected:?}"),
            (Some(expected), None) => write!(to, "`{name}` {expected:?} is missing"),
            (None, Some(found)) => write!(to, "`{name}` {found:?} is unknown to it"),
            (None, None) => write!(to, "`{name}` is unknown"),
        }
    }
}

/// The first three differences in what the architecture has, and the first three that only the weights have.
pub(crate) fn listed(differences: &[Difference]) -> String {
    let (known, unknown): (Vec<_>, Vec<_>) =
        differences.iter().partition(|difference| difference.expected.is_some());
    let mut texts = first(&known);
    texts.extend(first(&unknown));
    texts.join("; ")
}

/// The first few, and how many more there are.
fn first(differences: &[&Difference]) -> Vec<String> {
    let mut texts: Vec<String> = differences.iter().take(NAMED).map(ToString::to_string).collect();
    let more = differences.len().saturating_sub(NAMED);
    if let Some(last) = texts.last_mut().filter(|_| more > 0) {
        last.push_str(&format!(" (and {more} more)"));
    }
    texts
}
