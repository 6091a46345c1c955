//! What the steps found, read from the files that they left.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use spectral::SpectrumTable;

use crate::{
    error::Error, measured::Measured, paper::Paper, paths::ResultPaths, storage, training_set::TrainingSet,
};

/// The results of all steps that are done, by training set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// The gradient spectra of the networks, one row an epoch.
    pub spectra: BTreeMap<TrainingSet, SpectrumTable>,
    /// The accuracy of the networks on frequency components.
    pub evaluations: BTreeMap<TrainingSet, Evaluation>,
    /// The spectral densities of the images that were made.
    pub densities: BTreeMap<TrainingSet, Densities>,
    /// The gradient spectra of the networks of other papers, by network.
    pub others: BTreeMap<String, SpectrumTable>,
    /// What measures of other papers found, by network and measure.
    pub measured: BTreeMap<(String, String), Measured>,
}

impl Findings {
    /// Reads the results of finished steps; `is_done` says whether the step that writes a file is done.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn read(
        paper: Paper,
        paths: &ResultPaths<'_>,
        is_done: impl Fn(&Path) -> Result<bool, Error>,
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        for network in paper.networks() {
            let spectrum = paths.network_spectrum(network);
            if is_done(&spectrum)? {
                found.others.insert(network.label.to_owned(), SpectrumTable::load_json(&spectrum)?);
            }
            for measure in network.measures {
                let path = paths.measured(network, measure);
                if is_done(&path)? {
                    let name = (network.label.to_owned(), measure.name.to_owned());
                    found.measured.insert(name, storage::read_json(&path)?);
                }
            }
        }
        if !paper.is_default() {
            return Ok(found);
        }
        for set in TrainingSet::ALL {
            let spectrum = paths.spectrum(set);
            if is_done(&spectrum)? {
                found.spectra.insert(set, SpectrumTable::load_json(&spectrum)?);
            }
            let evaluation = paths.evaluation(set);
            if is_done(&evaluation)? {
                found.evaluations.insert(set, storage::read_json(&evaluation)?);
            }
            let Some(densities) = paths.densities(set) else { continue };
            if is_done(&densities)? {
                found.densities.insert(set, storage::read_json(&densities)?);
            }
        }
        Ok(found)
    }
}

/// The spectral density of test images before and after kernels changed them. All lists have one value a band.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "UncheckedDensities")]
pub struct Densities {
    pub(crate) radii: Vec<usize>,
    pub(crate) images: usize,
    pub(crate) before: Bands,
    pub(crate) after: Bands,
}

#[derive(Deserialize)]
struct UncheckedDensities {
    radii: Vec<usize>,
    images: usize,
    before: Bands,
    after: Bands,
}

/// A value a band.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Bands {
    /// The mean over images.
    pub mean: Vec<f64>,
    /// The standard deviation over images.
    pub std: Vec<f64>,
}

impl Densities {
    /// The radius ρ of each band.
    pub fn radii(&self) -> &[usize] {
        &self.radii
    }

    /// How many images were measured.
    pub fn images(&self) -> usize {
        self.images
    }

    /// The images that others were made of.
    pub fn before(&self) -> &Bands {
        &self.before
    }

    /// The images that were made.
    pub fn after(&self) -> &Bands {
        &self.after
    }
}

impl TryFrom<UncheckedDensities> for Densities {
    type Error = String;

    fn try_from(found: UncheckedDensities) -> Result<Self, String> {
        let UncheckedDensities { radii, images, before, after } = found;
        let lengths = [&before.mean, &before.std, &after.mean, &after.std].map(Vec::len);
        match lengths.into_iter().find(|&length| length != radii.len()) {
            Some(length) => Err(format!("{length} values of {} bands", radii.len())),
            None if radii.is_empty() => Err("no bands".to_owned()),
            None => Ok(Self { radii, images, before, after }),
        }
    }
}

/// The accuracy of a network on frequency components.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Evaluation {
    /// The names of the classes.
    pub classes: Vec<String>,
    checkpoints: [CheckpointEvaluation; 1],
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct CheckpointEvaluation {
    components: Vec<Component>,
    inter_class_variance_accuracy_correlation: Option<f64>,
}

/// The accuracy of a network on one frequency component of the test images.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Component {
    component: String,
    r: Option<usize>,
    /// Accuracy, %.
    pub prec1: f64,
    /// Its 95 % interval, %.
    pub prec1_interval: [f64; 2],
    /// How well the features of this component separate classes, where that was measured.
    pub features: Option<Separation>,
}

/// How well features separate classes.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Separation {
    /// The variance between classes divided by that within classes; absent if features do not vary.
    pub ratio: Option<f64>,
    /// The variance between classes.
    pub inter_class_variance: Option<f64>,
}

impl Evaluation {
    /// On the test images themselves.
    pub fn original(&self) -> Option<&Component> {
        self.find("original", None)
    }

    /// On images of the frequencies below r.
    pub fn low(&self, r: usize) -> Option<&Component> {
        self.find("low", Some(r))
    }

    /// On images of the frequencies from r on.
    pub fn high(&self, r: usize) -> Option<&Component> {
        self.find("high", Some(r))
    }

    /// On images of the frequencies from one radius to below another.
    pub fn band(&self) -> Option<&Component> {
        self.find("band", None)
    }

    /// On all frequency components.
    pub fn frequencies(&self) -> impl Iterator<Item = &Component> {
        let [checkpoint] = &self.checkpoints;
        checkpoint.components.iter().filter(|part| ["low", "high", "band"].contains(&part.component.as_str()))
    }

    fn find(&self, component: &str, r: Option<usize>) -> Option<&Component> {
        let [checkpoint] = &self.checkpoints;
        checkpoint.components.iter().find(|found| found.component == component && found.r == r)
    }

    /// The correlation over components of accuracy with the variance between classes; and the number of components.
    pub fn correlation(&self) -> Option<(f64, usize)> {
        let [checkpoint] = &self.checkpoints;
        let is_part = |part: &&Component| {
            !["original", "rescaled"].contains(&part.component.as_str()) && part.features.is_some()
        };
        let parts = checkpoint.components.iter().filter(is_part).count();
        Some((checkpoint.inter_class_variance_accuracy_correlation?, parts))
    }

    /// The accuracy of guessing, %.
    pub fn chance(&self) -> f64 {
        100.0 / self.classes.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_have_a_value_for_each_band() {
        let read = |after: &str| {
            let text = format!(
                r#"{{"radii":[1,2],"images":3,"before":{{"mean":[1,0],"std":[0,0]}},"after":{{"mean":{after},"std":[0,0]}}}}"#
            );
            serde_json::from_str::<Densities>(&text)
        };
        assert_eq!(read("[0.5, 0.25]").expect("densities").after().mean, [0.5, 0.25]);
        let error = read("[0.5]").expect_err("a value is missing").to_string();
        assert!(error.contains("1 values of 2 bands"), "{error}");
        let none = r#"{"radii":[],"images":3,"before":{"mean":[],"std":[]},"after":{"mean":[],"std":[]}}"#;
        assert!(serde_json::from_str::<Densities>(none).is_err());
    }
}
