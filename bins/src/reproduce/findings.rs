//! What the steps found, read from the files that they left.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use serde::{Deserialize, de::DeserializeOwned};
use spectral::SpectrumTable;

use super::plan::{Diet, Places};

/// Everything that was found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// By what the networks were trained on: their spectra, epoch by epoch.
    pub spectra: BTreeMap<Diet, SpectrumTable>,
    /// Likewise: what they get right.
    pub evaluations: BTreeMap<Diet, Evaluation>,
    /// By what was made: densities of test images.
    pub densities: BTreeMap<Diet, Densities>,
}

/// The spectral density of test images, before and after kernels changed it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Densities {
    /// The radii of the bands.
    pub radii: Vec<usize>,
    /// Images measured.
    pub images: usize,
    /// The images that they were made of.
    pub before: Bands,
    /// Those that were made.
    pub after: Bands,
}

/// A value a band, and its standard deviation over images.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Bands {
    pub mean: Vec<f64>,
    pub std: Vec<f64>,
}

/// What a network gets right.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Evaluation {
    /// Names of classes.
    pub classes: Vec<String>,
    checkpoints: [OfCheckpoint; 1],
}

#[derive(Debug, Clone, Deserialize)]
struct OfCheckpoint {
    components: Vec<Component>,
    inter_class_variance_accuracy_correlation: Option<f64>,
}

/// What a network gets right on one frequency component.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Component {
    component: String,
    r: Option<usize>,
    /// Accuracy, %.
    pub prec1: f64,
    /// Its 95 % interval.
    pub prec1_interval: [f64; 2],
    /// How its features separate classes.
    pub features: Option<Separation>,
}

/// How features separate classes.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Separation {
    /// Variance between classes over that within; absent where features do not vary.
    pub ratio: Option<f64>,
}

impl Evaluation {
    /// On the images themselves.
    pub(crate) fn original(&self) -> Option<&Component> {
        self.find("original", None)
    }

    /// On images without frequencies from r on.
    pub(crate) fn low(&self, r: usize) -> Option<&Component> {
        self.find("low", Some(r))
    }

    /// On images without frequencies below r.
    pub(crate) fn high(&self, r: usize) -> Option<&Component> {
        self.find("high", Some(r))
    }

    /// On images without frequencies below one radius and from another on.
    pub(crate) fn band(&self) -> Option<&Component> {
        self.find("band", None)
    }

    fn find(&self, component: &str, r: Option<usize>) -> Option<&Component> {
        let all = self.checkpoints[0].components.iter();
        all.into_iter().find(|found| found.component == component && found.r == r)
    }

    /// The correlation of the variance between classes with accuracy, and over how many components.
    pub(crate) fn correlation(&self) -> Option<(f64, usize)> {
        let [of] = &self.checkpoints;
        let parts =
            of.components.iter().filter(|part| part.component != "original" && part.features.is_some());
        Some((of.inter_class_variance_accuracy_correlation?, parts.count()))
    }

    /// The accuracy of guessing, %.
    pub(crate) fn chance(&self) -> f64 {
        100.0 / self.classes.len().max(1) as f64
    }
}

impl Findings {
    /// Reads what the finished steps left; `is_done` says of a file whether the step that writes it is finished.
    ///
    /// # Errors
    /// If a file is damaged.
    pub(crate) fn read(places: &Places<'_>, is_done: impl Fn(&Path) -> bool) -> anyhow::Result<Self> {
        let mut found = Self::default();
        for diet in Diet::ALL {
            let spectrum = places.spectrum(diet).with_extension("json");
            if is_done(&spectrum) {
                found.spectra.insert(diet, SpectrumTable::load_json(&spectrum)?);
            }
            let evaluation = places.evaluation(diet);
            if is_done(&evaluation) {
                found.evaluations.insert(diet, json(&evaluation)?);
            }
            let densities = places.densities(diet).map(|stem| stem.with_extension("json"));
            if let Some(densities) = densities.filter(|path| is_done(path)) {
                found.densities.insert(diet, json(&densities)?);
            }
        }
        Ok(found)
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&bytes).with_context(|| format!("{}: not what its step writes", path.display()))
}
