//! What a rank that helps does with its fits: all goes to rank 0.

use std::path::Path;

use cdes::{FitEvent, ImageSource, KernelFolder};
use progress::Progress;
use ranks::Ranks;

use super::{fitter::Side, reporter::Lines, said::Said, sets::KernelSet, settings::KernelFit};
use crate::Error;

/// Sends everything to rank 0, and stops when rank 0 says so.
pub(super) struct Helper<'a> {
    settings: &'a KernelFit,
    progress: &'a Progress,
    lines: Lines,
    is_asked_to_stop: bool,
}

impl<'a> Helper<'a> {
    /// Of fits that this flag stops, too.
    pub(super) fn new(settings: &'a KernelFit, progress: &'a Progress) -> Self {
        Self { settings, progress, lines: Lines::new("", 0), is_asked_to_stop: false }
    }

    fn ranks(&self) -> &Ranks {
        &self.settings.ranks
    }

    /// Whatever rank 0 says while sets are fitted, it says to stop.
    fn is_to_stop(&mut self) -> Result<bool, Error> {
        self.is_asked_to_stop |= self.ranks().poll::<()>(0)?.is_some();
        Ok(self.is_asked_to_stop || self.progress.is_interrupted())
    }
}

impl Side for Helper<'_> {
    fn begin(&mut self, set: &KernelSet<'_>) -> Result<KernelFolder, Error> {
        let (ranks, index) = (self.ranks().clone(), set.index);
        self.lines = Lines::new(&set.label, set.images.len());
        Ok(self.settings.folder_of(set.scope).written_by(move |path, bytes| {
            Ok(ranks.send(0, &Said::File { set: index, name: name(path), bytes })?)
        }))
    }

    fn see(&mut self, set: &KernelSet<'_>, event: &FitEvent<'_>) -> Result<bool, Error> {
        if let FitEvent::Epoch { losses, .. } = event {
            let line = self.lines.next(losses);
            self.ranks().send(0, &Said::Epoch { set: set.index, epoch: losses.epoch, line })?;
        }
        self.is_to_stop()
    }

    fn finish(&mut self, set: &KernelSet<'_>) -> Result<(), Error> {
        Ok(self.ranks().send(0, &Said::Finished { set: set.index })?)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
