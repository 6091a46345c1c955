//! Networks, fresh or out of checkpoints.

use std::path::Path;

use models::{Architecture, Backend, Classifier, Frozen, Normaliser};
use runs::Weights;

use crate::{Error, Session};

/// Which network a checkpoint is expected to hold, and what it is measured on.
#[derive(Debug, Clone, Copy)]
pub struct NetworkSpec<'a> {
    /// Its architecture.
    pub architecture: Architecture,
    /// Classes of its head.
    pub classes: usize,
    /// The normaliser, where the file names none.
    pub normaliser: Normaliser,
    /// The name of the data set that it is measured on.
    pub dataset: &'a str,
}

/// A fresh network with seeded weights.
///
/// # Errors
/// If the weights cannot be drawn.
pub fn fresh_network(
    architecture: Architecture,
    classes: usize,
    normaliser: Normaliser,
    seed: u64,
    backend: &Backend,
) -> Result<Classifier, Error> {
    let weights = training::initialise(&architecture.graph(classes).shapes(), seed)?;
    Ok(Classifier::on(backend, architecture, classes, normaliser, &weights)?)
}

/// A network with the weights of a file, for evaluation and gradients. A note says so where it was trained on another data set.
///
/// # Errors
/// If the file cannot be read or holds another network's weights; the message names it.
pub fn open_network(path: &Path, spec: &NetworkSpec<'_>, session: &Session) -> Result<Frozen, Error> {
    let stored = Weights::read(path)?;
    let normaliser = stored.normaliser.unwrap_or(spec.normaliser);
    if let Some(other) = stored.info.dataset.filter(|trained_on| trained_on != spec.dataset) {
        let (path, measured_on) = (path.display(), spec.dataset);
        session.progress.note(&format!("{path} was trained on {other} and is measured on {measured_on}"));
    }
    let NetworkSpec { architecture, classes, .. } = *spec;
    let classifier = Classifier::on(&session.backend, architecture, classes, normaliser, &stored.tensors);
    let named = |source| runs::Error::Network { path: path.to_owned(), source };
    Ok(classifier.map_err(named)?.freeze()?)
}
