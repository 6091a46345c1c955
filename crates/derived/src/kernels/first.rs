//! What rank 0 does with the fits of all ranks: it shows them, keeps their files and draws their pictures.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use cdes::{EpochLosses, FitEvent, ImageSource, KernelFolder, ToyKernels};
use progress::Progress;
use training::Start;

use super::{
    events,
    fitter::Side,
    pictures::{self, Pictures},
    reporter::{Lines, Reporter},
    said::{Said, Stop},
    sets::KernelSet,
    settings::KernelFit,
};
use crate::Error;

/// How long rank 0 waits for one rank before it looks at the next.
const LOOK: Duration = Duration::from_millis(20);

/// Keeps what all ranks fit.
pub(super) struct First<'a> {
    settings: &'a KernelFit,
    progress: &'a Progress,
    sets: &'a [KernelSet<'a>],
    target: &'a [f64],
    /// Of the set that this rank fits.
    current: Option<(Reporter<'a>, Pictures<'a>)>,
    /// The other ranks that have sets left.
    busy: BTreeSet<usize>,
    /// The first set that was stopped on another rank.
    stopped: Option<Stop>,
}

impl<'a> First<'a> {
    /// Of fits that this flag stops, for a target density.
    pub(super) fn new(
        settings: &'a KernelFit,
        progress: &'a Progress,
        sets: &'a [KernelSet<'a>],
        target: &'a [f64],
    ) -> Self {
        let busy = (1..settings.ranks.size()).collect();
        Self { settings, progress, sets, target, current: None, busy, stopped: None }
    }

    /// Waits for the other ranks, who are told to stop if `own` was; where the first set of all was stopped.
    ///
    /// # Errors
    /// If a rank fails or is silent, or a file cannot be written.
    pub(super) fn wait(&mut self, own: Option<Stop>) -> Result<Option<Stop>, Error> {
        self.current = None;
        if let Some(stop) = own {
            self.save_events(&self.sets[stop.set])?;
        }
        let mut is_told = false;
        while !self.busy.is_empty() {
            let stops = own.is_some() || self.is_to_stop();
            if stops && !std::mem::replace(&mut is_told, stops) {
                self.settings.ranks.announce(&())?;
            }
            self.look(LOOK)?;
        }
        Ok([own, self.stopped].into_iter().flatten().min())
    }

    /// The losses of a set.
    ///
    /// # Errors
    /// If its log cannot be read.
    pub(super) fn losses(&self, set: &KernelSet<'_>) -> Result<(PathBuf, Vec<EpochLosses>), Error> {
        let folder = self.settings.folder_of(set.scope);
        Ok((folder.path().to_owned(), read_log(&folder)?))
    }

    fn is_to_stop(&self) -> bool {
        self.progress.is_interrupted() || self.stopped.is_some()
    }

    /// Takes what other ranks have sent, waiting this long for each.
    fn look(&mut self, patience: Duration) -> Result<(), Error> {
        let ranks = &self.settings.ranks;
        for rank in self.busy.clone() {
            let mut said = ranks.poll_for(rank, patience)?;
            if said.is_none() && ranks.is_silent(rank) {
                return Err(ranks.silence_of(rank).into());
            }
            while let Some(one) = said {
                self.take(rank, one)?;
                said = ranks.poll(rank)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, rank: usize, said: Said) -> Result<(), Error> {
        match said {
            Said::File { set, name, bytes } => {
                let folder = self.settings.folder_of(self.sets[set].scope);
                files::create_folders(folder.path())?;
                files::write_atomically(&folder.path().join(name), &bytes)?;
            }
            Said::Epoch { set, epoch, line } => {
                self.progress.line(&line);
                let kernels = self.settings.folder_of(self.sets[set].scope).checkpoint_path(epoch);
                self.pictures(&self.sets[set])?.draw(epoch, &ToyKernels::load(&kernels)?)?;
            }
            Said::Finished { set } => self.complete(&self.sets[set])?,
            Said::Stopped(stop) => {
                self.save_events(&self.sets[stop.set])?;
                self.stopped = Some(self.stopped.map_or(stop, |other| other.min(stop)));
            }
            Said::Over => {
                self.busy.remove(&rank);
            }
        }
        Ok(())
    }

    fn pictures(&self, set: &'a KernelSet<'a>) -> Result<Pictures<'a>, Error> {
        let folder = self.settings.folder_of(set.scope);
        Pictures::new(folder.path(), &set.label, &set.images, self.target, self.settings.steps.epochs)
    }

    /// What a finished set has beside its kernels.
    fn complete(&self, set: &'a KernelSet<'a>) -> Result<(), Error> {
        self.pictures(set)?.complete(&self.settings.folder_of(set.scope))?;
        self.save_events(set)
    }

    fn save_events(&self, set: &KernelSet<'_>) -> Result<(), Error> {
        let (folder, epochs) = self.losses(set)?;
        events::save(&folder, &pictures::folder(&folder), &epochs).map(drop)
    }
}

impl Side for First<'_> {
    /// Goes on with the fit in the set's folder, where there is one.
    fn begin(&mut self, set: &KernelSet<'_>) -> Result<KernelFolder, Error> {
        let (set, epochs) = (&self.sets[set.index], self.settings.steps.epochs);
        let reporter = Reporter::new(self.progress, epochs, Lines::new(&set.label, set.images.len()));
        self.current = Some((reporter, self.pictures(set)?));
        let folder = self.settings.folder_of(set.scope);
        let start = if folder.state_path().exists() { Start::Resume } else { Start::Fresh };
        Ok(KernelFolder::begin(folder.path(), start)?)
    }

    fn see(&mut self, _set: &KernelSet<'_>, event: &FitEvent<'_>) -> Result<bool, Error> {
        if let Some((reporter, pictures)) = &mut self.current {
            reporter.see(event);
            if let FitEvent::Epoch { losses, kernels } = event {
                pictures.draw(losses.epoch, kernels)?;
            }
        }
        self.look(Duration::ZERO)?;
        Ok(self.is_to_stop())
    }

    fn finish(&mut self, set: &KernelSet<'_>) -> Result<(), Error> {
        self.current = None;
        self.complete(&self.sets[set.index])
    }
}

/// The epochs that are finished; none where a fit was stopped in the first one.
fn read_log(folder: &KernelFolder) -> Result<Vec<EpochLosses>, Error> {
    let path = folder.log_path();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let bytes = files::read(&path)?;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(Error::damaged(&path, "log of losses"))).collect()
}
