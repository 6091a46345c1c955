//! What is wrong with a node, before it is known which.

/// What is wrong.
#[derive(Debug)]
pub(crate) enum Problem {
    /// What was found and expected.
    Wrong(String),
    /// The operation is not known; the nearest way out.
    Unknown(&'static str),
    /// Something that is wrong whatever the node.
    Other(crate::Error),
}

/// What can be wrong with a node.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(crate) fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }
}

impl From<candle_core::Error> for Problem {
    fn from(error: candle_core::Error) -> Self {
        Self::Other(error.into())
    }
}

/// A name from a file as a part of one line.
pub(crate) fn short(name: &str) -> String {
    name.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).take(120).collect()
}
