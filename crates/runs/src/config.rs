//! `config.json`: how the network of a run was trained.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use training::RunFolder;

use crate::Error;

/// Which program wrote something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Its name.
    pub command: String,
    /// Its version.
    pub version: String,
    /// The commit that it was built from, where that is known.
    pub git_commit: Option<String>,
}

impl Provenance {
    /// Something that a program of one's own wrote with this version of the library.
    pub fn library(command: impl Into<String>) -> Self {
        Self { command: command.into(), version: env!("CARGO_PKG_VERSION").to_owned(), git_commit: None }
    }
}

/// How the network of a run was trained: what `config.json` in its folder says.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let text = r#"{"command": "easy_train", "epochs": 10, "settings": {"arch": "resnet18", "lr": 0.1}}"#;
/// std::fs::write(folder.path().join("config.json"), text)?;
/// let config = runs::RunConfig::read(folder.path())?.expect("a configuration");
/// assert_eq!((config.epochs, config.settings.arch.as_deref()), (Some(10), Some("resnet18")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunConfig {
    /// The program that trained it.
    pub command: String,
    /// The version of that program.
    pub version: String,
    /// The commit that it was built from.
    pub git_commit: Option<String>,
    /// What ran the network.
    pub device: Option<String>,
    /// The instruction set or device library that computed it: others round differently.
    pub kernels: Option<String>,
    /// CPU threads.
    pub threads: Option<usize>,
    /// The seed of everything random.
    pub seed: Option<u64>,
    /// Epochs in all.
    pub epochs: Option<usize>,
    /// Training images.
    pub train_images: Option<usize>,
    /// Test images.
    pub test_images: Option<usize>,
    /// Names of classes, by label.
    pub classes: Vec<String>,
    /// The normaliser's mean per channel.
    pub mean: Option<[f32; 3]>,
    /// The normaliser's standard deviation per channel.
    pub std: Option<[f32; 3]>,
    /// Every resolved setting.
    pub settings: Settings,
}

impl RunConfig {
    /// The configuration in the folder of a run; absent if it has none.
    ///
    /// # Errors
    /// If the file cannot be read, or is not such a configuration.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let Some(value) = RunFolder::at(folder).config::<Value>()? else { return Ok(None) };
        let refused = |problem: String| Error::Config { path: path(folder), problem };
        if !value.is_object() {
            return Err(refused("expected a JSON object".to_owned()));
        }
        serde_json::from_value(value).map(Some).map_err(|error| refused(error.to_string()))
    }

    /// The same of a folder that need not be one of ours: a `config.json` of another tool counts as absent.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn beside(folder: &Path) -> Result<Option<Self>, Error> {
        let Some(value) = RunFolder::at(folder).config::<Value>()? else { return Ok(None) };
        Ok(value.get("settings").is_some().then(|| serde_json::from_value(value).ok()).flatten())
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("config.json")
}

/// All settings of a run by their names; those that libraries read are also fields of [`KnownSettings`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Settings {
    known: KnownSettings,
    all: Map<String, Value>,
}

/// The settings that libraries read. Any may be absent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct KnownSettings {
    /// The architecture's name.
    pub arch: Option<String>,
    /// Its family.
    pub arch_family: Option<String>,
    /// The data set's name.
    pub dataset: Option<String>,
    /// The data set's root.
    pub data: Option<PathBuf>,
    /// The file that said which output each class is.
    pub class_map: Option<PathBuf>,
    /// Which labels of CIFAR-100.
    pub labels: Option<String>,
    /// Rows and columns of an image.
    pub image_size: Option<usize>,
    /// What an image is resized to before its middle is cut out.
    pub resize: Option<String>,
    /// By which filter images are resized.
    pub interpolation: Option<String>,
    /// A list of the labels of test images that lie in no folder of a class.
    pub val_labels: Option<PathBuf>,
    /// Which part of the images of each class was split off to test.
    pub val_fraction: Option<f64>,
    /// Which images these are.
    pub val_seed: Option<u64>,
    /// The name of the training recipe.
    pub recipe: Option<String>,
    /// The base learning rate.
    pub lr: Option<f64>,
    /// The gradient spectrum is recorded every so many epochs.
    pub spectrum_every: Option<usize>,
    /// On so many test images.
    pub spectrum_images: Option<usize>,
    /// Checkpoints stay of every so-manieth epoch.
    pub checkpoint_every: Option<usize>,
}

impl Deref for Settings {
    type Target = KnownSettings;

    fn deref(&self) -> &KnownSettings {
        &self.known
    }
}

impl Settings {
    /// All settings, as JSON has them.
    ///
    /// # Errors
    /// If one that is known has another type.
    pub fn new(all: Map<String, Value>) -> Result<Self, serde_json::Error> {
        Ok(Self { known: serde_json::from_value(Value::Object(all.clone()))?, all })
    }

    /// The settings of a serialisable struct.
    ///
    /// # Errors
    /// If it is not serialised as an object, or as [`Settings::new`].
    pub fn from_struct(settings: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(settings)?)
    }

    /// The same with some resolved to other values.
    ///
    /// # Errors
    /// As [`Settings::new`].
    pub fn resolved<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Self, serde_json::Error> {
        let mut all = self.all.clone();
        all.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Self::new(all)
    }
}

impl TryFrom<Map<String, Value>> for Settings {
    type Error = serde_json::Error;

    fn try_from(all: Map<String, Value>) -> Result<Self, serde_json::Error> {
        Self::new(all)
    }
}

impl From<Settings> for Map<String, Value> {
    fn from(settings: Settings) -> Self {
        settings.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_something_else_is_told_or_passed_over() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        assert_eq!(RunConfig::read(folder.path())?, None);
        for text in ["[]", r#"{"settings": {"arch": 5}}"#] {
            std::fs::write(folder.path().join("config.json"), text)?;
            let said = RunConfig::read(folder.path()).expect_err(text).to_string();
            assert!(said.contains("config.json: not the configuration of a run"), "{said}");
            assert_eq!(RunConfig::beside(folder.path())?, None, "{text}");
        }
        std::fs::write(folder.path().join("config.json"), r#"{"epochs": "many"}"#)?;
        assert_eq!(RunConfig::beside(folder.path())?, None, "of another tool");
        Ok(())
    }

    #[test]
    fn settings_are_written_as_they_were_read() -> Result<(), serde_json::Error> {
        let text = r#"{"arch":"resnet18","arch_family":null,"lr":0.1,"other":[1,2]}"#;
        let settings: Settings = serde_json::from_str(text)?;
        assert_eq!((settings.lr, settings.arch_family.is_none()), (Some(0.1), true));
        assert_eq!(serde_json::to_string(&settings)?, text);
        let resolved = settings.resolved([("lr", 0.2.into())])?;
        assert_eq!((resolved.lr, serde_json::to_string(&resolved)?), (Some(0.2), text.replace("0.1", "0.2")));
        Ok(())
    }
}
