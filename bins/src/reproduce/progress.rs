//! Which steps are done: kept in the folder of the reproduction, so that it goes on where it stopped.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{
    plan::{Begin, Step},
    study::Study,
};
use crate::{
    interrupt::Interrupted,
    launch::{self, UnusableFlags},
    session::Session,
};

const FILE: &str = "steps.json";

/// The steps of a reproduction that were begun.
#[derive(Debug)]
pub(crate) struct Progress {
    root: PathBuf,
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    study: Study,
    steps: Vec<Begun>,
}

/// A step that was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Its command line, the place of the reproduction left out.
    pub command: String,
    /// What it left, and how long it took; absent until it is done.
    pub done: Option<Done>,
}

/// A step that is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// How long it took.
    seconds: f64,
    /// A checksum of its result: one that somebody else wrote since is not taken for it.
    crc32c: u32,
}

impl Progress {
    /// What is done in a folder; nothing in one that is not there yet, or with `anew`.
    ///
    /// # Errors
    /// If another reproduction is there, or the file is damaged.
    pub(crate) fn open(folder: &Path, study: &Study, anew: bool) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let fresh = || Content { study: study.clone(), steps: Vec::new() };
        let content = match std::fs::read(&path) {
            Ok(bytes) if !anew => serde_json::from_slice(&bytes).map_err(|error| {
                UnusableFlags(format!(
                    "{}: not the steps of a reproduction: {error}; the file is damaged: start anew with --overwrite",
                    path.display()
                ))
            })?,
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| path.display().to_string());
            }
            _ => fresh(),
        };
        let progress = Self { root: folder.to_owned(), path, content };
        progress.check(study)?;
        Ok(progress)
    }

    /// Refuses to mix two reproductions.
    fn check(&self, study: &Study) -> anyhow::Result<()> {
        let (before, now) = (serde_json::to_value(&self.content.study)?, serde_json::to_value(study)?);
        let names = before.as_object().into_iter().flatten().map(|(name, _)| name);
        let Some(name) = names.into_iter().find(|name| before[*name] != now[*name]) else { return Ok(()) };
        let flag = if name == "fit" { "fit-epochs".to_owned() } else { name.replace('_', "-") };
        // Of kernels the epochs come first, and what follows from them behind.
        let value = |of: &serde_json::Value| {
            of[name].get(0).filter(|_| name == "fit").unwrap_or(&of[name]).to_string()
        };
        Err(UnusableFlags(format!(
            "{}: this reproduction was started with --{flag} {}, but now it is {}; give the same, choose another --out-dir, or \
             replace it with --overwrite",
            self.path.display(),
            value(&before),
            value(&now)
        ))
        .into())
    }

    /// Whether a step is done, and its result still what it was.
    pub(crate) fn is_done(&self, step: &Step) -> bool {
        let done = self.find(step).and_then(|begun| begun.done);
        done.is_some_and(|done| checksum(&step.result).is_ok_and(|found| found == done.crc32c))
    }

    /// How long a step took.
    pub(crate) fn seconds(&self, step: &Step) -> Option<f64> {
        self.find(step).and_then(|begun| begun.done).map(|done| done.seconds)
    }

    fn find(&self, step: &Step) -> Option<&Begun> {
        let command = step.key(&self.root);
        self.content.steps.iter().find(|begun| begun.command == command)
    }

    /// Runs a step, unless it is done.
    ///
    /// # Errors
    /// As the step, or if what is done cannot be kept.
    pub(crate) fn run(
        &mut self,
        step: &Step,
        (number, count): (usize, usize),
        session: &Session,
    ) -> anyhow::Result<()> {
        let title = format!("step {} of {count}: {}", number + 1, step.name);
        if self.is_done(step) {
            session.terminal.note(&format!("{title}: done before"));
            return Ok(());
        }
        session.terminal.note(&title);
        let begin = if self.find(step).is_some() { Begin::GoOn } else { Begin::Anew };
        self.keep(step, None)?;
        let started = Instant::now();
        step.run(begin, session).map_err(|error| match error.is::<Interrupted>() {
            true => Interrupted(format!(
                "stopped in {title}; everything is kept in {}; to go on, give the same command",
                self.path.parent().unwrap_or(&self.path).display()
            ))
            .into(),
            false if launch::is_of_flags(&error) => error.context(format!(
                "{title} (a command of its own, whose flags this names; reproduce itself takes another --out-dir)"
            )),
            false => error.context(title),
        })?;
        let (seconds, crc32c) = (started.elapsed().as_secs_f64(), checksum(&step.result)?);
        self.keep(step, Some(Done { seconds, crc32c }))
    }

    fn keep(&mut self, step: &Step, done: Option<Done>) -> anyhow::Result<()> {
        let command = step.key(&self.root);
        self.content.steps.retain(|begun| begun.command != command);
        self.content.steps.push(Begun { command, done });
        Ok(training::write_atomically(&self.path, &serde_json::to_vec_pretty(&self.content)?)?)
    }
}

/// Of a whole file.
fn checksum(path: &Path) -> anyhow::Result<u32> {
    let content = std::fs::read(path).with_context(|| path.display().to_string())?;
    Ok(crc32c::crc32c(&content))
}
