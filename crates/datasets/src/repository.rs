//! Names of data sets on the Hugging Face Hub.

use std::{fmt, sync::Arc};

/// What stands before the name of a repository where data sets are named.
const PREFIX: &str = "hf:";

/// More than any part of a repository's name has.
const LONGEST: usize = 96;

/// A data set's repository on the Hugging Face Hub, such as `uoft-cs/cifar10`; as text `hf:uoft-cs/cifar10`.
///
/// ```
/// use datasets::Repository;
/// let cifar = Repository::new("uoft-cs/cifar10").unwrap();
/// assert_eq!((cifar.id(), cifar.as_str()), ("uoft-cs/cifar10", "hf:uoft-cs/cifar10"));
/// assert_eq!(cifar.folder_name(), "hf--uoft-cs--cifar10");
/// assert_eq!(Repository::new("../secrets"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    /// With the prefix.
    text: Arc<str>,
}

impl Repository {
    /// The repository `OWNER/NAME`, or `NAME` of one without an owner; nothing if that is no name on the Hub: letters, digits,
    /// `-`, `_` and `.`, not at either end and no two of `-` or `.` together.
    pub fn new(id: &str) -> Option<Self> {
        let parts: Vec<&str> = id.split('/').collect();
        let is_one = parts.len() <= 2 && parts.iter().all(|part| is_name(part));
        is_one.then(|| Self { text: format!("{PREFIX}{id}").into() })
    }

    /// The repository that a text such as `hf:uoft-cs/cifar10` names.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::new(text.strip_prefix(PREFIX)?)
    }

    /// `hf:OWNER/NAME`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `OWNER/NAME`, as the Hub calls it.
    pub fn id(&self) -> &str {
        &self.text[PREFIX.len()..]
    }

    /// `hf--OWNER--NAME`: one step of a path.
    pub fn folder_name(&self) -> String {
        self.text.replace([':', '/'], "--")
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_name(part: &str) -> bool {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let has_odd_end = part.starts_with(['-', '.']) || part.ends_with(['-', '.']);
    let is_short = (1..=LONGEST).contains(&part.len());
    is_short && part.chars().all(is_known) && !has_odd_end && !part.contains("--") && !part.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_leave_a_folder_is_no_name() {
        for id in ["", "/", "a/", "/a", "a/b/c", "..", "a/..", "./a", "a b/c", "a--b/c", "a\\b", "ü/a", "a:b"]
        {
            assert_eq!(Repository::new(id), None, "{id}");
        }
        assert_eq!(Repository::new(&"a".repeat(97)), None);
        for id in ["cifar10", "uoft-cs/cifar100", "zalando-datasets/fashion_mnist", "a.b/c"] {
            assert_eq!(Repository::new(id).as_ref().map(Repository::id), Some(id));
        }
    }
}
