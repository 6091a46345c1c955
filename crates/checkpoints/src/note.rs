//! What is told of a file of weights.

use std::fmt;

/// What was done or left out to find the weights: worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // the words say what the fields are
pub enum Note {
    /// The file has several networks.
    Taken { key: String, others: Vec<String> },
    /// The weights are of a variant of the architecture.
    Variant(String),
    /// Something stands before all names.
    Prefix(String),
    /// Names are another program's.
    Names(String),
    /// Weights were made of what a parametrisation keeps of them.
    Folded { what: &'static str, count: usize },
    /// Tensors that are none of the network's.
    PassedOver { count: usize, example: String },
}

impl fmt::Display for Note {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named =
            |key: &str| if key.is_empty() { "those without a key".to_owned() } else { format!("`{key}`") };
        match self {
            Self::Taken { key, others } => {
                let others: Vec<String> = others.iter().map(|other| named(other)).collect();
                write!(to, "the weights are {}; the file also has {}", named(key), others.join(", "))
            }
            Self::Variant(name) => write!(to, "the network is {name}"),
            Self::Prefix(prefix) => write!(to, "names begin with `{prefix}`"),
            Self::Names(whose) => write!(to, "other names of the same layers: {whose}"),
            Self::Folded { what, count } => write!(to, "{what} of {count} weights was folded into them"),
            Self::PassedOver { count: 1, example } => {
                write!(to, "`{example}` is none of the network's weights")
            }
            Self::PassedOver { count, example } => {
                write!(to, "`{example}` and {} other tensors are none of the network's weights", count - 1)
            }
        }
    }
}
