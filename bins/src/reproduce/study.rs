//! What is trained on what, for how long: the scales of a reproduction.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use models::{Architecture, Family};
use serde::{Deserialize, Serialize};

use super::plan::{Places, Step};
use crate::{
    flags::{DatasetName, architecture, at_least_one, seed},
    launch::UnusableFlags,
};

/// How much is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    /// Minutes: a small network on the generated set of shapes; shows that everything works
    Smoke,
    /// Tens of minutes on CIFAR-10: a small network, 60 epochs of up to 6,000 images
    Small,
    /// Days on a few cores: the paper's ResNet-18, 200 epochs of all images
    Full,
}

impl Scale {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Small => "small",
            Self::Full => "full",
        }
    }
}

/// What may be said about a reproduction; everything else follows from its scale.
#[derive(Debug, Clone, Args)]
pub(crate) struct StudyFlags {
    /// How much is trained
    #[arg(long, value_enum, default_value_t = Scale::Smoke)]
    scale: Scale,
    /// The data set [default: synthetic at scale smoke, else cifar10]
    #[arg(long, value_enum)]
    dataset: Option<DatasetName>,
    /// The data set's root, or the folder that holds its batches
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The architecture [default: resnet20; resnet18 at scale full]
    #[arg(long, value_name = "NAME", value_parser = architecture)]
    arch: Option<Architecture>,
    /// Epochs of each network [default: the scale's]
    #[arg(long, alias = "epoch", value_name = "N", value_parser = at_least_one)]
    epochs: Option<usize>,
    /// Epochs of each set of kernels [default: the scale's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    fit_epochs: Option<usize>,
    /// Use only the first N training images [default: the scale's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit_train: Option<usize>,
    /// Use only the first N test images [default: the scale's]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit_test: Option<usize>,
    /// Seed of everything random: the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed)]
    seed: u64,
    /// The folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", value_parser = crate::flags::folder_to_write())]
    out_dir: PathBuf,
}

/// A reproduction with all its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Study {
    /// How much is trained.
    pub scale: Scale,
    /// The data set, as `--dataset` takes it.
    pub dataset: String,
    /// Its root.
    pub data: Option<PathBuf>,
    /// The architecture's name.
    pub arch: String,
    /// Epochs of each network.
    pub epochs: usize,
    /// The recipe of the networks: flags of `easy_train`.
    pub recipe: Vec<String>,
    /// That of the network trained on hybrids.
    pub hybrid_recipe: Vec<String>,
    /// Epochs of each set of kernels, and those after which their learning rate falls.
    pub fit: (usize, usize),
    /// Training images at most.
    pub limit_train: Option<usize>,
    /// Test images at most.
    pub limit_test: Option<usize>,
    /// Test images that spectra are measured on.
    pub spectrum_images: usize,
    /// Checkpoints stay of every so-manieth epoch.
    pub checkpoint_every: usize,
    /// The seed of networks and kernels.
    pub seed: u64,
}

impl StudyFlags {
    /// The settings that the flags come to.
    ///
    /// # Errors
    /// If the data set needs `--data` and has none.
    pub(crate) fn study(&self) -> anyhow::Result<Study> {
        self.check()?;
        let usual = Study::of_scale(self.scale);
        let dataset = self.dataset.map_or(usual.dataset, |dataset| dataset.as_str().to_owned());
        if dataset != DatasetName::Synthetic.as_str() && self.data.is_none() {
            let scale = self.scale.as_str();
            return Err(UnusableFlags(format!(
                "--scale {scale} works on {dataset} and needs --data DIR, the folder that holds its files; without data there is --scale \
                 smoke, or --dataset synthetic"
            ))
            .into());
        }
        Ok(Study {
            dataset,
            data: self.data.clone(),
            arch: self.arch.map_or(usual.arch, |arch| arch.name().to_owned()),
            epochs: self.epochs.unwrap_or(usual.epochs),
            fit: self.fit_epochs.map_or(usual.fit, |epochs| (epochs, epochs.div_ceil(4))),
            limit_train: self.limit_train.or(usual.limit_train),
            limit_test: self.limit_test.or(usual.limit_test),
            seed: self.seed,
            ..usual
        })
    }

    /// Small images in memory are what kernels and hybrids are made of; `--data` says nothing about a set that is generated.
    fn check(&self) -> anyhow::Result<()> {
        use DatasetName::{Cifar10, Cifar100, Synthetic};
        let is_synthetic = self.dataset.map_or(self.scale == Scale::Smoke, |dataset| dataset == Synthetic);
        if let Some(arch) = self.arch.filter(|arch| arch.of(Family::Cifar).is_err()) {
            return Err(UnusableFlags(format!(
                "--arch {name}: it is for images of about 224 pixels, and a reproduction is of 32×32; expected one for such, as resnet20",
                name = arch.name()
            ))
            .into());
        }
        let message = match (self.dataset, &self.data) {
            (Some(other), _) if ![Synthetic, Cifar10, Cifar100].contains(&other) => {
                format!("--dataset {}: a reproduction is of synthetic, cifar10 or cifar100", other.as_str())
            }
            (_, Some(data)) if is_synthetic => format!(
                "--data {}: the data set is synthetic, which is generated; add --dataset cifar10, or choose --scale small",
                data.display()
            ),
            _ => return Ok(()),
        };
        Err(UnusableFlags(message).into())
    }

    /// Where everything of it is kept.
    pub(crate) fn folder(&self, study: &Study) -> PathBuf {
        self.out_dir.join(format!("reproduction_{}_{}", study.dataset, study.scale.as_str()))
    }
}

impl Study {
    fn of_scale(scale: Scale) -> Self {
        let recipe = |flags: &str| flags.split_whitespace().map(str::to_owned).collect();
        let smoke = Self {
            scale,
            dataset: "synthetic".to_owned(),
            data: None,
            arch: "resnet20".to_owned(),
            epochs: 8,
            recipe: recipe("--lr 0.05 --schedule cosine"),
            hybrid_recipe: recipe("--lr 0.05 --schedule cosine"),
            fit: (80, 20),
            limit_train: Some(2000),
            limit_test: Some(500),
            spectrum_images: 500,
            checkpoint_every: 1,
            seed: 0,
        };
        match scale {
            Scale::Smoke => smoke,
            Scale::Small => Self {
                dataset: "cifar10".to_owned(),
                epochs: 60,
                recipe: recipe("--lr 0.1 --schedule 40:0.1,55:0.01"),
                // Hybrids give so little to go by that at the rate of the others a network stays at chance until it falls.
                hybrid_recipe: recipe("--lr 0.02 --schedule 40:0.1,55:0.01"),
                // Of so few images a class takes as many epochs for the steps of 20 epochs of all.
                fit: (200, 50),
                limit_train: Some(6000),
                limit_test: Some(2000),
                spectrum_images: 1000,
                checkpoint_every: 10,
                ..smoke
            },
            Scale::Full => Self {
                dataset: "cifar10".to_owned(),
                arch: "resnet18".to_owned(),
                epochs: 200,
                recipe: recipe("--lr 0.1 --schedule step:50:0.1"),
                hybrid_recipe: recipe("--lr 0.1 --schedule step:50:0.1"),
                fit: (20, 5),
                limit_train: None,
                limit_test: None,
                spectrum_images: 2000,
                checkpoint_every: 20,
                ..smoke
            },
        }
    }

    /// All steps, in order, with everything kept in a folder.
    pub(crate) fn plan(&self, root: &Path) -> Vec<Step> {
        Places::new(self, root).plan()
    }

    /// The flags that name the images.
    pub(crate) fn data_flags(&self) -> Vec<String> {
        let mut flags = vec!["--dataset".to_owned(), self.dataset.clone()];
        let mut push = |flag: &str, value: Option<String>| {
            flags.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        };
        push("--data", self.data.as_deref().map(text));
        push("--limit-train", self.limit_train.map(|limit| limit.to_string()));
        push("--limit-test", self.limit_test.map(|limit| limit.to_string()));
        flags
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
