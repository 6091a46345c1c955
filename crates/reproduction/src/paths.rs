//! Where the results of a reproduction are.

use std::path::{Path, PathBuf};

use crate::{
    config::ReproductionConfig,
    paper::{MeasureOf, Network},
    radii::HYBRID_RADIUS,
    result_names,
    training_set::TrainingSet,
};

/// The files and folders of a reproduction, by the training set that they belong to.
#[derive(Debug, Clone, Copy)]
pub struct ResultPaths<'a> {
    config: &'a ReproductionConfig,
    root: &'a Path,
}

impl<'a> ResultPaths<'a> {
    /// The paths below the folder of a reproduction.
    pub fn new(config: &'a ReproductionConfig, root: &'a Path) -> Self {
        Self { config, root }
    }

    /// The run folder of the network.
    pub fn run(&self, set: TrainingSet) -> PathBuf {
        match set.experiment() {
            Some(name) => self.of_made(name, &self.config.arch),
            None => self.root.join(&self.config.dataset).join(self.task(set)),
        }
    }

    fn of_made(&self, experiment: &str, arch: &str) -> PathBuf {
        self.root.join(format!("generated/{arch}_{experiment}-Toy-Dataset"))
    }

    /// The architecture of another paper's network.
    pub(crate) fn arch(&self, network: &Network) -> &'a str {
        network.arch.unwrap_or(&self.config.arch)
    }

    /// The name of its run, where its images are not made.
    pub(crate) fn network_task(&self, network: &Network) -> String {
        format!("{}_{}", self.arch(network), network.key)
    }

    /// Its run folder.
    pub(crate) fn network_run(&self, network: &Network) -> PathBuf {
        match network.set.experiment() {
            Some(name) => self.of_made(name, self.arch(network)),
            None => self.root.join(&self.config.dataset).join(self.network_task(network)),
        }
    }

    /// Its gradient spectrum, one row an epoch.
    pub(crate) fn network_spectrum(&self, network: &Network) -> PathBuf {
        result_names::spectrum(&self.network_run(network)).with_extension("json")
    }

    /// What a measure found of it.
    pub(crate) fn measured(&self, network: &Network, measure: &MeasureOf) -> PathBuf {
        result_names::measure(&self.network_run(network), measure.name).with_extension("json")
    }

    /// The name of the network's run.
    pub(crate) fn task(&self, set: TrainingSet) -> String {
        let arch = &self.config.arch;
        match set {
            TrainingSet::Hars => format!("{arch}_high_{HYBRID_RADIUS}"),
            _ => format!("{arch}_baseline"),
        }
    }

    /// The folder of the kernels that the images are made with; absent where no images are made.
    pub fn kernels(&self, set: TrainingSet) -> Option<PathBuf> {
        set.experiment().map(|name| self.root.join(name))
    }

    /// The folder of generated images; absent where none are made.
    pub fn images(&self, set: TrainingSet) -> Option<PathBuf> {
        set.experiment().map(|name| self.root.join(format!("{name}-Toy-Dataset")))
    }

    /// The gradient spectrum of the network, one row an epoch.
    pub fn spectrum(&self, set: TrainingSet) -> PathBuf {
        result_names::spectrum(&self.run(set)).with_extension("json")
    }

    /// What another paper defines, measured of the network; `what` is the measure's name.
    pub fn measure(&self, set: TrainingSet, what: &str) -> PathBuf {
        runs::results::measure_folder(&self.run(set), what).join(format!("{what}.json"))
    }

    /// The accuracy of the network on frequency components.
    pub fn evaluation(&self, set: TrainingSet) -> PathBuf {
        result_names::evaluation(&self.run(set))
    }

    /// The spectral densities of generated test images and of the images that they were made of; absent where none are made.
    pub fn densities(&self, set: TrainingSet) -> Option<PathBuf> {
        self.images(set).map(|images| result_names::image_density(&images).with_extension("json"))
    }
}
