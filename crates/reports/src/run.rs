//! What is in the folder of a run.

use std::path::{Path, PathBuf};

use runs::{RunConfig, results};
use serde_json::Value;
use spectral::SpectrumTable;
use training::{EpochMetrics, RunFolder};

/// A file larger than this is not shown: no browser would.
const MOST_BYTES: u64 = 256 << 20;

/// A result, by the name of its file.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// Relative to the folder of the run.
    pub(crate) file: String,
    pub(crate) content: T,
}

/// All that could be read of a run, and what could not.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The name of its folder.
    pub(crate) name: String,
    pub(crate) config: Option<RunConfig>,
    pub(crate) metrics: Vec<EpochMetrics>,
    /// Of its checkpoints.
    pub(crate) spectrum: Option<Found<SpectrumTable>>,
    /// Recorded while it was trained.
    pub(crate) live: Option<Found<SpectrumTable>>,
    pub(crate) evaluation: Option<Found<Value>>,
    /// In the order of names.
    pub(crate) measures: Vec<Found<Value>>,
    /// Files that cannot be read or understood, and why.
    pub(crate) problems: Vec<String>,
}

impl Run {
    pub(crate) fn read(folder: &Path) -> Self {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut run = Self { name: name.unwrap_or_else(|| "run".to_owned()), ..Self::default() };
        let stored = RunFolder::at(folder);
        run.config = run.keep(folder, RunConfig::read(folder)).flatten();
        run.metrics = run.keep(folder, stored.metrics()).unwrap_or_default();
        run.spectrum = run.table(folder, &results::spectrum_folder(folder));
        run.live = run.table(folder, &results::live_folder(folder));
        run.evaluation =
            run.json(folder, &results::evaluation_folder(folder).join(results::EVALUATION), "checkpoints");
        run.measures = run.measures_in(folder);
        run
    }

    /// The measures alone.
    pub(crate) fn measures_of(folder: &Path) -> Self {
        let mut run = Self::default();
        run.measures = run.measures_in(folder);
        run
    }

    fn measures_in(&mut self, folder: &Path) -> Vec<Found<Value>> {
        let folders = self.keep(folder, results::measure_folders(folder)).unwrap_or_default();
        let file = |of: &PathBuf| of.join(of.file_name().unwrap_or_default()).with_extension("json");
        folders.iter().filter_map(|of| self.json(folder, &file(of), "rows")).collect()
    }

    fn table(&mut self, run: &Path, folder: &Path) -> Option<Found<SpectrumTable>> {
        let path = folder.join(results::SPECTRUM).with_extension("json");
        if !self.is_there(run, &path) {
            return None;
        }
        let content = match SpectrumTable::load_json(&path) {
            Err(spectral::Error::Damaged { found, .. }) => return self.refuse(run, &path, &found),
            read => self.keep(run, read)?,
        };
        let is_finite =
            |row: &spectral::SpectrumRow| row.mean.iter().chain(&row.std).all(|value| value.abs() < 1e150);
        match content.rows.iter().find(|row| !is_finite(row)) {
            Some(row) => self.refuse(
                run,
                &path,
                &format!("epoch {} has values that are not finite, or too large to draw", row.epoch),
            ),
            None if content.rows.is_empty() => self.refuse(run, &path, "no epochs"),
            None => Some(Found { file: relative(run, &path), content }),
        }
    }

    /// A result that has a list of this name.
    fn json(&mut self, run: &Path, path: &Path, list: &str) -> Option<Found<Value>> {
        if !self.is_there(run, path) {
            return None;
        }
        let bytes = self.keep(run, files::read(path))?;
        match serde_json::from_slice::<Value>(&bytes) {
            Err(error) => self.refuse(run, path, &error.to_string()),
            Ok(content) if content[list].as_array().is_none_or(Vec::is_empty) => {
                self.refuse(run, path, &format!("no `{list}`; expected a result as the programs write it"))
            }
            Ok(content) => Some(Found { file: relative(run, path), content }),
        }
    }

    fn is_there(&mut self, run: &Path, path: &Path) -> bool {
        let Ok(about) = path.metadata() else { return false };
        if about.len() > MOST_BYTES {
            let _: Option<()> =
                self.refuse(run, path, &format!("{} bytes, more than a page can show", about.len()));
        }
        about.len() <= MOST_BYTES
    }

    fn refuse<T>(&mut self, run: &Path, path: &Path, why: &str) -> Option<T> {
        self.problems.push(format!("{}: {why}", relative(run, path)));
        None
    }

    /// What was read, or a problem that names files as they lie in the run.
    fn keep<T, E: std::fmt::Display>(&mut self, run: &Path, read: Result<T, E>) -> Option<T> {
        let problem = |error: E| error.to_string().replace(&format!("{}/", run.display()), "");
        read.map_err(|error| self.problems.push(problem(error))).ok()
    }

    /// The epochs that the run has finished, as far as it says so.
    pub(crate) fn last_epoch(&self) -> Option<usize> {
        self.metrics.last().map(|epoch| epoch.epoch)
    }

    /// Network and data set, from the configuration or else from a result.
    pub(crate) fn what(&self) -> [Option<String>; 2] {
        let settings = self.config.as_ref().map(|config| &config.settings);
        let own =
            settings.map(|settings| [settings.arch.clone(), settings.dataset.clone()]).unwrap_or_default();
        let tables = self
            .spectrum
            .iter()
            .chain(&self.live)
            .map(|of| [Some(of.content.arch.clone()), Some(of.content.dataset.clone())]);
        let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
        let others = self.evaluation.iter().chain(&self.measures);
        let others = others.map(|of| ["arch", "dataset"].map(|key| text(&of.content, key)));
        std::iter::once(own).chain(tables).chain(others).find(|what| what[0].is_some()).unwrap_or_default()
    }
}

/// A path as it lies in the run, with forward slashes.
fn relative(run: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(run).unwrap_or(path);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
