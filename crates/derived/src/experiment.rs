//! The two experiments with kernels, and whose images a kernel set is of.

use datasets::ImageSet;
use serde::{Serialize, Serializer};

/// The two experiments with kernels of the paper (Lin, Gao & Sang, IJCAI 2022, CDES).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Experiment {
    /// Strongly class-related spectra: a kernel set for each class.
    #[default]
    #[serde(rename = "SCR")]
    Scr,
    /// Weakly class-related spectra: one kernel set for all classes.
    #[serde(rename = "WCR")]
    Wcr,
}

impl Experiment {
    /// `SCR` or `WCR`, as folders and figures carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scr => "SCR",
            Self::Wcr => "WCR",
        }
    }

    /// Its kernel sets, for a data set of so many classes.
    pub fn scopes(self, classes: usize) -> Vec<Scope> {
        match self {
            Self::Scr => (0..classes).map(Scope::Class).collect(),
            Self::Wcr => vec![Scope::All],
        }
    }
}

/// Whose images a kernel set is of; serialised as the name of its folder.
///
/// ```
/// use derived::{Experiment, Scope};
/// assert_eq!(Experiment::Scr.scopes(2), [Scope::Class(0), Scope::Class(1)]);
/// assert_eq!(Experiment::Wcr.scopes(2)[0].folder(), "all_class");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of one class.
    Class(usize),
    /// Those of all classes.
    All,
}

impl Scope {
    /// The name of the folder of its kernels: `class3` or `all_class`.
    pub fn folder(self) -> String {
        match self {
            Self::Class(class) => format!("class{class}"),
            Self::All => "all_class".to_owned(),
        }
    }

    /// Whether a folder of that name may hold kernels.
    pub(crate) fn is_folder(name: &str) -> bool {
        name == Self::All.folder() || name.strip_prefix("class").is_some_and(|n| n.parse::<usize>().is_ok())
    }

    /// In words, with the name of the class.
    pub(crate) fn label(self, classes: &[String]) -> String {
        match self {
            Self::Class(class) => format!("class {class} ({})", classes[class]),
            Self::All => "all classes".to_owned(),
        }
    }

    /// The positions of its images in a set, in the set's own order.
    pub(crate) fn positions(self, set: &ImageSet) -> Vec<usize> {
        (0..set.len()).filter(|&index| self.holds(set.labels()[index])).collect()
    }

    fn holds(self, label: u32) -> bool {
        match self {
            Self::Class(class) => class == label as usize,
            Self::All => true,
        }
    }

    /// Distinguishes classes where something random is drawn for each.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Class(class) => class as u64,
            Self::All => 0,
        }
    }

    /// The seed of this kernel set.
    pub(crate) fn seed(self, seed: u64) -> u64 {
        seed.wrapping_add(self.number())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.folder())
    }
}
