//! The kernel sets of an experiment, and who fits which.

use datasets::Dataset;

use super::{images::ScopeImages, settings::KernelFit};
use crate::{Error, experiment::Scope};

/// A kernel set, and the images that it is fitted on.
pub(super) struct KernelSet<'a> {
    /// Its place in the experiment.
    pub(super) index: usize,
    pub(super) scope: Scope,
    pub(super) images: ScopeImages<'a>,
    /// Names it in messages.
    pub(super) label: String,
}

/// All kernel sets of an experiment.
///
/// # Errors
/// [`Error::NoImages`] if one has none.
pub(super) fn kernel_sets<'a>(fit: &KernelFit, dataset: &'a Dataset) -> Result<Vec<KernelSet<'a>>, Error> {
    let classes = dataset.train.classes();
    let scopes = fit.experiment.scopes(classes.len()).into_iter().enumerate();
    let set = |(index, scope): (usize, Scope)| {
        let images = ScopeImages::new(dataset, scope, fit.fit_on)?;
        Ok(KernelSet { index, scope, images, label: scope.label(classes) })
    };
    scopes.map(set).collect()
}

impl KernelFit {
    /// The rank that fits a set. Sets that begin where the one before them ended are all rank 0's.
    pub(super) fn owner(&self, set: &KernelSet<'_>) -> usize {
        if self.warm_start { 0 } else { set.index % self.ranks.size() }
    }

    /// The sets of this rank, in their order.
    pub(super) fn own<'s, 'a>(
        &self,
        sets: &'s [KernelSet<'a>],
    ) -> impl Iterator<Item = &'s KernelSet<'a>> + use<'_, 's, 'a> {
        sets.iter().filter(|set| self.owner(set) == self.ranks.rank())
    }
}
