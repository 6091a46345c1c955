//! The record of finished steps, in the folder of the reproduction: it continues where it was stopped.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{config::ReproductionConfig, error::Error, plan::Plan, step::Step, storage};

const FILE: &str = "steps.json";

/// The steps of a reproduction that were begun.
#[derive(Debug)]
pub(crate) struct StepRecords {
    root: PathBuf,
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    #[serde(rename = "study")]
    config: ReproductionConfig,
    steps: Vec<StepRecord>,
}

/// A step that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StepRecord {
    /// Its command line without the folder of the reproduction.
    command: String,
    /// Absent until it is done.
    done: Option<Done>,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// How long it took; absent if another program ran it.
    pub(crate) seconds: Option<f64>,
    /// A checksum of its result: a file that another program wrote since is not taken for it.
    pub(crate) crc32c: u32,
}

impl StepRecords {
    /// Reads the record of a reproduction; there is none in a new folder.
    ///
    /// # Errors
    /// If the record is of other settings or damaged.
    pub(crate) fn open(plan: &Plan) -> Result<Self, Error> {
        let mut records = Self::empty(plan);
        let path = &records.path;
        let Some(bytes) = files::read_if_there(path)? else { return Ok(records) };
        let damaged = |source| Error::DamagedSteps { path: path.clone(), source };
        records.content = serde_json::from_slice(&bytes).map_err(damaged)?;
        records.check(plan.config())?;
        Ok(records)
    }

    /// The record of a reproduction that starts anew.
    pub(crate) fn empty(plan: &Plan) -> Self {
        let root = plan.root().to_owned();
        let content = Content { config: plan.config().clone(), steps: Vec::new() };
        Self { path: root.join(FILE), root, content }
    }

    /// Refuses to mix two reproductions.
    fn check(&self, config: &ReproductionConfig) -> Result<(), Error> {
        let (before, now) = (serde_json::to_value(&self.content.config)?, serde_json::to_value(config)?);
        let mut names = before.as_object().into_iter().flatten().map(|(name, _)| name);
        let Some(name) = names.find(|name| before[*name] != now[*name]) else { return Ok(()) };
        let is_fit = name == "fit";
        Err(Error::OtherReproduction {
            path: self.path.clone(),
            setting: if is_fit { "fit_epochs".to_owned() } else { name.clone() },
            // The second number of a fit follows from the first.
            before: shown(before[name].get(0).filter(|_| is_fit).unwrap_or(&before[name])),
            now: shown(now[name].get(0).filter(|_| is_fit).unwrap_or(&now[name])),
        })
    }

    /// Whether a step is done and its result is there, unchanged.
    ///
    /// # Errors
    /// If its result cannot be read: who knows what it is must not run the step again, nor leave it out.
    pub(crate) fn is_done(&self, step: &Step) -> Result<bool, Error> {
        let Some(done) = self.find(step).and_then(|record| record.done) else { return Ok(false) };
        Ok(storage::checksum_if_there(&step.result)? == Some(done.crc32c))
    }

    /// Whether the result in a file is that of a step that is done.
    ///
    /// # Errors
    /// As [`StepRecords::is_done`].
    pub(crate) fn has_result(&self, plan: &Plan, path: &Path) -> Result<bool, Error> {
        let step = plan.steps().iter().find(|step| step.result == path);
        step.map_or(Ok(false), |step| self.is_done(step))
    }

    /// Whether a step was begun, done or not.
    pub(crate) fn was_begun(&self, step: &Step) -> bool {
        self.find(step).is_some()
    }

    /// How long a step took; absent until it is done, and of steps that another program ran.
    pub(crate) fn seconds(&self, step: &Step) -> Option<f64> {
        self.find(step).and_then(|record| record.done).and_then(|done| done.seconds)
    }

    fn find(&self, step: &Step) -> Option<&StepRecord> {
        let command = step.key(&self.root);
        self.content.steps.iter().find(|record| record.command == command)
    }

    /// Records that a step was begun, or that it is done.
    pub(crate) fn keep(&mut self, step: &Step, done: Option<Done>) -> Result<(), Error> {
        let command = step.key(&self.root);
        self.content.steps.retain(|record| record.command != command);
        self.content.steps.push(StepRecord { command, done });
        storage::write(&self.path, &serde_json::to_vec_pretty(&self.content)?)
    }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "none".to_owned() } else { value.to_string() }
}
