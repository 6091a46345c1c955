//! The settings of a reproduction, and the defaults of its three scales.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{error::Error, paper::Paper};

/// The data set that is generated.
const SYNTHETIC: &str = "synthetic";

/// The data sets of small images that fit in memory, which kernels and hybrids need.
const DATASETS: [&str; 3] = [SYNTHETIC, "cifar10", "cifar100"];

/// How much is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Minutes: a small network on the generated data set.
    Smoke,
    /// Tens of minutes on CIFAR-10: a small network, 60 epochs of up to 6,000 images.
    Small,
    /// Days on a few cores: the paper's ResNet-18, 200 epochs of all images.
    Full,
}

impl Scale {
    /// The name in files and folders.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Small => "small",
            Self::Full => "full",
        }
    }
}

/// How long kernels are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[usize; 2]", into = "[usize; 2]")]
pub struct FitEpochs {
    /// Epochs of each set of kernels.
    pub epochs: usize,
    /// The learning rate falls after every so many epochs.
    pub step: usize,
}

impl FitEpochs {
    /// So many epochs, with a learning rate that falls after each quarter of them.
    pub fn in_quarters(epochs: usize) -> Self {
        Self { epochs, step: epochs.div_ceil(4) }
    }
}

impl From<[usize; 2]> for FitEpochs {
    fn from([epochs, step]: [usize; 2]) -> Self {
        Self { epochs, step }
    }
}

impl From<FitEpochs> for [usize; 2] {
    fn from(FitEpochs { epochs, step }: FitEpochs) -> Self {
        [epochs, step]
    }
}

/// All settings of a reproduction. [`Plan::new`](crate::Plan::new) checks them.
///
/// ```
/// use reproduction::{ReproductionConfig, Scale};
/// let config = ReproductionConfig { epochs: 2, ..ReproductionConfig::for_scale(Scale::Smoke) };
/// assert_eq!((config.arch.as_str(), config.limit_train), ("resnet20", Some(2000)));
/// assert_eq!(config.folder_name(), "reproduction_synthetic_smoke");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReproductionConfig {
    /// The paper.
    #[serde(default, skip_serializing_if = "Paper::is_default")]
    pub paper: Paper,
    /// How much is trained.
    pub scale: Scale,
    /// The data set: `synthetic`, `cifar10` or `cifar100`.
    pub dataset: String,
    /// The folder that holds the data set's files; absent for the generated one.
    pub data: Option<PathBuf>,
    /// The architecture's name. It must take images of about 32 pixels.
    pub arch: String,
    /// Epochs of each network.
    pub epochs: usize,
    /// Learning rate and schedule of the networks, as flags of `easy_train`.
    pub recipe: Vec<String>,
    /// Those of the network that is trained on hybrids.
    pub hybrid_recipe: Vec<String>,
    /// How long each set of kernels is fitted.
    pub fit: FitEpochs,
    /// Only the first training images are used, if set.
    pub limit_train: Option<usize>,
    /// Only the first test images are used, if set.
    pub limit_test: Option<usize>,
    /// How many test images a gradient spectrum is measured on.
    pub spectrum_images: usize,
    /// The checkpoints of every so many epochs are kept.
    pub checkpoint_every: usize,
    /// The seed of networks and kernels.
    pub seed: u64,
}

impl ReproductionConfig {
    /// The defaults of a scale. Scales other than [`Scale::Smoke`] need [`data`](Self::data) as well.
    pub fn for_scale(scale: Scale) -> Self {
        match scale {
            Scale::Smoke => Self::smoke(),
            Scale::Small => Self::small(),
            Scale::Full => Self::full(),
        }
    }

    fn smoke() -> Self {
        Self {
            paper: Paper::FrequencyBias,
            scale: Scale::Smoke,
            dataset: SYNTHETIC.to_owned(),
            data: None,
            arch: "resnet20".to_owned(),
            epochs: 8,
            recipe: words("--lr 0.05 --schedule cosine"),
            hybrid_recipe: words("--lr 0.05 --schedule cosine"),
            fit: FitEpochs { epochs: 80, step: 20 },
            limit_train: Some(2000),
            limit_test: Some(500),
            spectrum_images: 500,
            checkpoint_every: 1,
            seed: 0,
        }
    }

    fn small() -> Self {
        Self {
            scale: Scale::Small,
            dataset: "cifar10".to_owned(),
            epochs: 60,
            recipe: words("--lr 0.1 --schedule 40:0.1,55:0.01"),
            // Hybrids are harder to learn from: at the learning rate of the other networks, accuracy stays at chance until
            // the rate falls.
            hybrid_recipe: words("--lr 0.02 --schedule 40:0.1,55:0.01"),
            // With so few images of a class, 200 epochs are as many steps as 20 epochs of all images.
            fit: FitEpochs { epochs: 200, step: 50 },
            limit_train: Some(6000),
            limit_test: Some(2000),
            spectrum_images: 1000,
            checkpoint_every: 10,
            ..Self::smoke()
        }
    }

    fn full() -> Self {
        Self {
            scale: Scale::Full,
            dataset: "cifar10".to_owned(),
            arch: "resnet18".to_owned(),
            epochs: 200,
            recipe: words("--lr 0.1 --schedule step:50:0.1"),
            hybrid_recipe: words("--lr 0.1 --schedule step:50:0.1"),
            fit: FitEpochs { epochs: 20, step: 5 },
            limit_train: None,
            limit_test: None,
            spectrum_images: 2000,
            checkpoint_every: 20,
            ..Self::smoke()
        }
    }

    /// The usual name of the folder that holds everything of the reproduction.
    pub fn folder_name(&self) -> String {
        let paper = if self.paper.is_default() { String::new() } else { format!("_{}", self.paper.name()) };
        format!("reproduction_{}_{}{paper}", self.dataset, self.scale.as_str())
    }

    /// Whether the data set suits the experiments, and `data` the data set.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let dataset = self.dataset.clone();
        match &self.data {
            _ if !DATASETS.contains(&dataset.as_str()) => Err(Error::UnknownDataset { dataset }),
            Some(data) if dataset == SYNTHETIC => Err(Error::NeedsNoData { data: data.clone() }),
            None if dataset != SYNTHETIC => Err(Error::NeedsData { dataset }),
            _ => Ok(()),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_files_must_suit_the_data_set() {
        let with = |dataset: &str, data: Option<&str>| {
            let smoke = ReproductionConfig::for_scale(Scale::Smoke);
            ReproductionConfig { dataset: dataset.to_owned(), data: data.map(PathBuf::from), ..smoke }.check()
        };
        assert!(with("synthetic", None).is_ok() && with("cifar100", Some("files")).is_ok());
        assert!(matches!(with("cifar10", None), Err(Error::NeedsData { dataset }) if dataset == "cifar10"));
        assert!(
            matches!(with("synthetic", Some("x")), Err(Error::NeedsNoData { data }) if data.ends_with("x"))
        );
        assert!(
            matches!(with("folder", Some("x")), Err(Error::UnknownDataset { dataset }) if dataset == "folder")
        );
    }
}
