//! Which outputs of a network's head the classes of a data set are.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use crate::one_line::shown;

/// Of each class of a data set: which output of a network's head it is, from 0. For data sets with some of the classes that networks
/// know, as ImageNette and ImageNet-A have some of ImageNet's.
///
/// ```
/// use datasets::{HeadOutputs, OutputsOrigin};
/// let outputs = HeadOutputs::new(vec![0, 217, 482], OutputsOrigin::Given);
/// assert_eq!(outputs.indices(), [0, 217, 482]);
/// assert!(!outputs.is_plain());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadOutputs {
    indices: Arc<[usize]>,
    origin: OutputsOrigin,
}

/// Who says which outputs classes are. As text it is where they are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputsOrigin {
    /// The caller.
    Given,
    /// Folders have the WordNet numbers of ImageNet's classes.
    WordNet,
    /// A file with a line for each class.
    ClassMap(PathBuf),
}

impl fmt::Display for OutputsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("as given"),
            Self::WordNet => f.write_str("by the WordNet numbers of its classes"),
            Self::ClassMap(path) => write!(f, "by {}", shown(path)),
        }
    }
}

impl HeadOutputs {
    /// The output of each class, by class number.
    pub fn new(indices: Vec<usize>, origin: OutputsOrigin) -> Self {
        Self { indices: indices.into(), origin }
    }

    /// The output of each class, by class number.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// Who says so.
    pub fn origin(&self) -> &OutputsOrigin {
        &self.origin
    }

    /// Whether class i is output i.
    pub fn is_plain(&self) -> bool {
        self.indices.iter().enumerate().all(|(class, &output)| class == output)
    }

    /// Of each class a number that it shares with those of the same output, counted in the order of the first of them.
    pub(crate) fn labels(&self) -> Vec<u32> {
        let mut seen: BTreeMap<usize, u32> = BTreeMap::new();
        let label = |output: &usize| {
            let next = seen.len() as u32;
            *seen.entry(*output).or_insert(next)
        };
        self.indices.iter().map(label).collect()
    }

    /// Each output once.
    pub(crate) fn distinct(&self) -> Self {
        let labels = self.labels();
        let mut distinct = Vec::new();
        for (&label, &output) in labels.iter().zip(&*self.indices) {
            if label as usize == distinct.len() {
                distinct.push(output);
            }
        }
        Self::new(distinct, self.origin.clone())
    }

    /// The names of the classes of each output.
    pub(crate) fn names(&self, classes: &[String]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (&label, class) in self.labels().iter().zip(classes) {
            match names.get_mut(label as usize) {
                Some(name) => *name = format!("{name} + {class}"),
                None => names.push(class.clone()),
            }
        }
        names
    }

    /// Two classes that share an output, if any do.
    pub(crate) fn shared(&self) -> Option<[usize; 2]> {
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        let mut each = self.indices.iter().enumerate();
        each.find_map(|(class, &output)| seen.insert(output, class).map(|first| [first, class]))
    }
}
