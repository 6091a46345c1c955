//! The networks of a reproduction, as the page shows them.

use std::path::{Path, PathBuf};

use spectral::SpectrumTable;

use crate::{paths::ResultPaths, report::Report, training_set::TrainingSet};

/// A network.
pub(super) struct Shown<'a> {
    /// Its name in identifiers.
    pub(super) key: &'static str,
    /// What it is, at the start of a title.
    pub(super) title: String,
    /// Its run folder.
    pub(super) run: PathBuf,
    /// Its gradient spectra, once it is trained.
    pub(super) table: Option<&'a SpectrumTable>,
}

/// All that the paper compares, trained or not.
pub(super) fn all<'a>(report: &'a Report, root: &Path) -> Vec<Shown<'a>> {
    let paths = ResultPaths::new(&report.config, root);
    let of_set = |set: TrainingSet| Shown {
        key: set.key(),
        title: format!("Trained on {}", set.label()),
        run: paths.run(set),
        table: report.findings.spectra.get(&set),
    };
    if report.config.paper.is_default() {
        return TrainingSet::ALL.into_iter().map(of_set).collect();
    }
    let networks = report.config.paper.networks().iter();
    let shown = networks.map(|network| Shown {
        key: network.id,
        title: format!("The {} network", network.label),
        run: paths.network_run(network),
        table: report.findings.others.get(network.label),
    });
    shown.collect()
}
