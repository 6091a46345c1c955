//! `config.json`: how kernels were fitted, how images were made.

use std::path::Path;

use datasets::Dataset;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use training::RunFolder;

use crate::Error;

/// The name that [`RunFolder`] gives it.
const CONFIG: &str = "config.json";

/// Who writes a configuration, and what is noted there beside the settings that this crate knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Provenance {
    /// The program, or whatever else calls this crate.
    pub command: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub git_commit: Option<String>,
    /// The device that fits kernels.
    pub device: Option<String>,
    /// What computes on it.
    pub kernels: Option<String>,
    /// Further settings. Those that this crate knows have its own values, whatever stands here.
    pub settings: Map<String, Value>,
}

/// The configuration of fitted kernels. One that is read may lack any part.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KernelConfig {
    command: String,
    version: String,
    git_commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<String>,
    threads: usize,
    train_images: usize,
    test_images: usize,
    /// Of the images and labels that the kernels were fitted on: [`Dataset::checksum`].
    pub(crate) images_checksum: Option<u32>,
    classes: Vec<String>,
    pub(crate) settings: KernelSettings,
}

/// The settings of a fit: those that are read again, and the others.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KernelSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dataset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warm_start: Option<bool>,
    /// Of the target density.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rho: Option<f64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl KernelSettings {
    /// Typed settings and `others`, in which no typed one may stand.
    pub(crate) fn new(dataset: &str, warm_start: bool, rho: f64, mut others: Map<String, Value>) -> Self {
        ["dataset", "warm_start", "rho"].into_iter().for_each(|name| drop(others.remove(name)));
        Self { dataset: Some(dataset.to_owned()), warm_start: Some(warm_start), rho: Some(rho), others }
    }
}

impl KernelConfig {
    /// Of kernels that are fitted on a data set.
    pub(crate) fn new(provenance: &Provenance, dataset: &Dataset, settings: KernelSettings) -> Self {
        let Provenance { command, version, git_commit, device, kernels, settings: _ } = provenance.clone();
        Self {
            command,
            version,
            git_commit,
            device,
            kernels,
            threads: rayon::current_num_threads(),
            train_images: dataset.train.len(),
            test_images: dataset.test.len(),
            images_checksum: Some(dataset.checksum()),
            classes: dataset.train.classes().to_vec(),
            settings,
        }
    }

    /// That of a folder of kernels; an empty one if the folder has none.
    ///
    /// # Errors
    /// If the file cannot be read or is no such configuration; the error names it.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let found = RunFolder::at(folder).config()?;
        let Some(found) = found else { return Ok(Self::default()) };
        let damaged = Error::damaged(&folder.join(CONFIG), "configuration of kernels");
        // An array would be taken for the fields in their order.
        let object: Map<String, Value> = serde_json::from_value(found).map_err(&damaged)?;
        serde_json::from_value(Value::Object(object)).map_err(&damaged)
    }

    /// Writes it into a folder, its keys sorted.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        write(self, folder)
    }
}

/// The configuration of images that kernels have made.
#[derive(Debug, Serialize)]
pub(crate) struct RestructuredConfig {
    command: String,
    version: String,
    git_commit: Option<String>,
    train_images: usize,
    test_images: usize,
    settings: Map<String, Value>,
}

impl RestructuredConfig {
    /// Of images made of those of a data set.
    pub(crate) fn new(provenance: &Provenance, dataset: &Dataset, mut settings: Map<String, Value>) -> Self {
        settings.insert("dataset".to_owned(), dataset.name.as_str().into());
        Self {
            command: provenance.command.clone(),
            version: provenance.version.clone(),
            git_commit: provenance.git_commit.clone(),
            train_images: dataset.train.len(),
            test_images: dataset.test.len(),
            settings,
        }
    }

    /// Writes it into a folder, its keys sorted.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        write(self, folder)
    }
}

/// Values of JSON sort their keys; fields of structs would stand in their own order.
fn write(config: &impl Serialize, folder: &Path) -> Result<(), Error> {
    let sorted =
        serde_json::to_value(config).map_err(Error::damaged(&folder.join(CONFIG), "configuration"))?;
    Ok(RunFolder::at(folder).save_config(&sorted)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn what_is_written_is_read() -> Outcome {
        let folder = tempfile::tempdir()?;
        let data = datasets::synthetic::Synthetic { seed: 0, train: 3, test: 2 }.generate();
        let others = serde_json::json!({ "number": 2, "rho": "not this", "data": null });
        let others = others.as_object().cloned().unwrap_or_default();
        let provenance = Provenance { command: "test".into(), ..Provenance::default() };
        let settings = KernelSettings::new(&data.name, true, 0.25, others);
        KernelConfig::new(&provenance, &data, settings).write(folder.path())?;
        let text = std::fs::read_to_string(folder.path().join("config.json"))?;
        let keys: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
        let expected = [
            "classes",
            "command",
            "git_commit",
            "images_checksum",
            "settings",
            "test_images",
            "threads",
            "train_images",
            "version",
        ];
        assert_eq!(keys, expected);
        let read = KernelConfig::read(folder.path())?;
        assert_eq!((read.images_checksum, read.settings.rho), (Some(data.checksum()), Some(0.25)));
        assert_eq!(
            (read.settings.dataset.as_deref(), read.settings.warm_start),
            (Some("synthetic"), Some(true))
        );
        assert_eq!(read.settings.others["number"], 2);
        Ok(())
    }

    #[test]
    fn a_configuration_of_another_kind_is_an_error_that_names_it() -> Outcome {
        let folder = tempfile::tempdir()?;
        assert_eq!(KernelConfig::read(folder.path())?.settings.dataset, None);
        for text in [
            "7",
            "[]",
            "null",
            r#"{"settings": []}"#,
            r#"{"settings": {"rho": "much"}}"#,
            r#"{"images_checksum": -1}"#,
            "{",
        ] {
            std::fs::write(folder.path().join("config.json"), text)?;
            let error = KernelConfig::read(folder.path()).expect_err(text).to_string();
            assert!(
                error.contains("config.json") && error.contains("not a configuration"),
                "{text}: {error}"
            );
        }
        std::fs::write(folder.path().join("config.json"), r#"{"settings": {"dataset": null, "epochs": 3}}"#)?;
        assert_eq!(KernelConfig::read(folder.path())?.settings.dataset, None);
        Ok(())
    }
}
