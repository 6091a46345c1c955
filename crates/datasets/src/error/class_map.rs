//! What can go wrong with a file that says which outputs of a head classes are.

use std::path::PathBuf;

use crate::one_line::{one_line, shown};

/// Why a class map cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassMapError {
    /// A file that does not say which outputs of a network's head classes are.
    #[error("{}: found {}, expected {expected}", shown(.path), one_line(.found))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },

    /// A class whose output is not known.
    #[error(
        "{} has no line for the class `{}`, one of {missing} of the data set's {classes} classes without; expected one for each class, by \
         the name of its folder",
        shown(.path), one_line(.class)
    )]
    WithoutOutput {
        /// The file that maps classes to outputs.
        path: PathBuf,
        /// The first such class.
        class: String,
        /// How many there are.
        missing: usize,
        /// How many classes the data set has.
        classes: usize,
    },

    /// A class with two outputs.
    #[error(
        "{} has two outputs for the class `{}`, {} and {}; remove one", shown(.path), one_line(.class), .outputs[0], .outputs[1]
    )]
    TwoOutputs {
        /// The file that maps classes to outputs.
        path: PathBuf,
        /// The class.
        class: String,
        /// Two of them.
        outputs: [usize; 2],
    },
}
