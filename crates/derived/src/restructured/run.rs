//! Writes the whole data set aside, and puts it in its place once it is there.

use std::path::Path;

use cdes::ToyKernels;
use datasets::{Dataset, generated};
use files::FolderLock;
use progress::Progress;

use super::{
    fitted,
    part::Part,
    placing::place,
    settings::Restructuring,
    summary::{DENSITY, Summary},
};
use crate::{Error, config::RestructuredConfig, experiment::Scope, source};

/// Where [`files::aside`] has a data set written until it is whole.
const ASIDE: &str = ".unfinished";

impl Restructuring {
    /// Makes images of the training and test images of a data set (RGB, of one size; decoded into memory) and writes them.
    ///
    /// # Errors
    /// Nothing is changed if there are no kernels for a class ([`Error::NoKernels`]) or other ones than wanted
    /// ([`Error::KernelNumber`], [`Error::KernelSize`], [`Error::EpochsDiffer`], [`Error::OtherDataset`]), images are there and may
    /// not be replaced ([`Error::SetExists`], [`Error::SourceReplaced`]), a file cannot be written, or the interrupt flag is set
    /// ([`Error::Interrupted`]).
    pub fn run(&self, dataset: &Dataset, progress: &Progress) -> Result<Vec<Summary>, Error> {
        let dataset = &source::in_memory(dataset)?;
        let kernels = fitted::load(self, dataset.train.classes().len())?;
        let root = &self.folder;
        let last = root.join(generated::TEST).join(format!("{DENSITY}.json"));
        // Whoever was killed after the last file had its place left this.
        let is_finished = last.exists() && !root.join(ASIDE).exists();
        if is_finished && !self.overwrite {
            return Err(Error::SetExists { folder: root.clone() });
        }
        self.check_source()?;
        let rho = fitted::rho(self, &dataset.name)?;
        let _lock = FolderLock::take(root)?;
        let mut summaries = files::aside(root, |aside| {
            let summaries = self.write(dataset, &kernels, rho, aside, progress)?;
            place(aside, root)?;
            Ok::<_, Error>(summaries)
        })?;
        summaries.iter_mut().for_each(|summary| summary.folder = root.join(&summary.part));
        Ok(summaries)
    }

    /// The images that are read must not be those that are replaced.
    fn check_source(&self) -> Result<(), Error> {
        let source = self.source.as_deref().filter(|source| is_same(source, &self.folder));
        source.map_or(Ok(()), |source| Err(Error::SourceReplaced { folder: source.to_owned() }))
    }

    /// Writes the whole data set to a folder aside.
    fn write(
        &self,
        dataset: &Dataset,
        kernels: &[(Scope, ToyKernels)],
        rho: f64,
        aside: &Path,
        progress: &Progress,
    ) -> Result<Vec<Summary>, Error> {
        generated::write_classes(aside, dataset.train.classes())?;
        RestructuredConfig::new(&self.provenance, dataset, self.settings()).write(aside)?;
        let parts = [(generated::TRAIN, &dataset.train), (generated::TEST, &dataset.test)];
        let each = parts.into_iter().zip(0..);
        each.map(|((name, set), number)| {
            let folder = aside.join(name);
            Part { settings: self, kernels, rho, name, number, set, folder: &folder }.write(progress)
        })
        .collect()
    }
}

/// Whether two folders are the same one, which is there.
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
