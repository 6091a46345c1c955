//! What `measure` found of a network, read by the names that its files have.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The numbers of a measure: a row for each epoch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Measured {
    network: MeasuredNetwork,
    n_images: u64,
    rows: Vec<Map<String, Value>>,
    /// Names of what rows are of, as corruptions.
    #[serde(flatten)]
    shared: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct MeasuredNetwork {
    classes: usize,
}

/// A row, and the measure that it is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    of: &'a Measured,
    row: &'a Map<String, Value>,
}

impl Measured {
    /// The rows, by epoch.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = Row<'_>> {
        self.rows.iter().map(|row| Row { of: self, row })
    }

    /// The accuracy of guessing.
    pub(crate) fn chance(&self) -> f64 {
        1.0 / self.network.classes.max(1) as f64
    }

    /// What all rows share; absent where the file has none of the name and form.
    pub(crate) fn shared<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.shared.get(name)?).ok()
    }
}

impl Row<'_> {
    /// What the row has by a name; absent where it has none of the name and form.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.row.get(name)?).ok()
    }

    /// The epoch.
    pub(crate) fn epoch(&self) -> usize {
        self.get("epoch").unwrap_or_default()
    }

    /// The accuracy on the images as they are, and its interval.
    pub(crate) fn accuracy(&self) -> Option<(f64, [f64; 2])> {
        let accuracy = match self.get::<f64>("accuracy") {
            Some(accuracy) => accuracy,
            None => 1.0 - self.get::<f64>("clean_error")?,
        };
        let of = self.get("n_images").unwrap_or(self.of.n_images);
        let correct = (accuracy * of as f64).round() as u64;
        Some((accuracy, evaluation::Accuracy { correct, of }.interval()))
    }

    /// The accuracy of guessing.
    pub(crate) fn chance(&self) -> f64 {
        self.of.chance()
    }
}
