//! What is recorded while a network learns: which checkpoints stay, and the gradient spectrum, so that not all of them need to.

use clap::Args;
use datasets::ImageSet;
use serde::{Deserialize, Serialize};
use spectral::{RunningBands, SpectrumRow, SpectrumTable};
use training::RunFolder;

use crate::{
    checkpoints::StoredCheckpoint,
    commands::{
        grad::Measurement,
        grad_report::{self, Report},
    },
    flags::at_least_one,
    interrupt::Interrupted,
    launch::UnusableFlags,
    measured,
    session::Session,
};

/// What is kept of a run as it goes on.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(crate) struct Recording {
    /// Measure the gradient spectrum during training, after every N-th epoch and the last; what `grad` writes is then in the
    /// run's folder `spectrum`, and grows with each of them
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub spectrum_every: Option<usize>,
    /// How many test images it is measured on, the first ones [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub spectrum_images: Option<usize>,
    /// Keep the checkpoint of every N-th epoch and the last [default: 1]; `checkpoint.latest` and `checkpoint.best` stay anyway
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub checkpoint_every: Option<usize>,
}

impl Recording {
    /// What the flags leave open as the run that goes on has it.
    pub(crate) fn or(&self, of_run: Self) -> Self {
        Self {
            spectrum_every: self.spectrum_every.or(of_run.spectrum_every),
            spectrum_images: self.spectrum_images.or(of_run.spectrum_images),
            checkpoint_every: self.checkpoint_every.or(of_run.checkpoint_every),
        }
    }

    /// The images that the spectrum is measured on.
    pub(crate) fn images(&self, test: &ImageSet) -> ImageSet {
        let mut images = test.clone();
        images.limit(self.spectrum_images.unwrap_or(images.len()));
        images
    }
}

/// The gradient spectrum of a run that is being trained.
///
/// It is measured from the checkpoints, as `grad` does it, while they are there. Whatever the run broke off at, the rows that
/// are missing are those of finished epochs without one.
pub(crate) struct LiveSpectrum<'a> {
    measurement: &'a Measurement<'a>,
    session: &'a Session,
    /// The density of the images, which epochs do not change.
    images: RunningBands,
    run: &'a RunFolder,
    every: usize,
    epochs: usize,
    table: SpectrumTable,
}

impl<'a> LiveSpectrum<'a> {
    /// The spectrum in the folder of a run of so many epochs, to which rows are added.
    ///
    /// # Errors
    /// If the one that is there is damaged or was measured on another number of images.
    pub(crate) fn open(
        measurement: &'a Measurement<'a>,
        (session, test): (&'a Session, &'a ImageSet),
        (run, epochs): (&'a RunFolder, usize),
        every: usize,
    ) -> anyhow::Result<Self> {
        let mut table = measurement.empty_table();
        let path = measured::live_folder(run.path()).join(measured::SPECTRUM).with_extension("json");
        if path.exists() {
            let stored = SpectrumTable::load_json(&path)?;
            if stored.n_images != table.n_images {
                let (before, now) = (stored.n_images, table.n_images);
                return Err(UnusableFlags(format!(
                    "--spectrum-images {now}: {} was measured on {before}; give --spectrum-images {before}, or remove that file",
                    path.display()
                ))
                .into());
            }
            table.rows = stored.rows;
        }
        let images = grad_report::image_density(test)?;
        Ok(Self { measurement, session, images, run, every, epochs, table })
    }

    /// Measures the finished epochs that are due and have no row yet, and writes all results. After Ctrl-C the rest is left to the
    /// run that goes on.
    ///
    /// # Errors
    /// If a checkpoint cannot be read or a result cannot be written.
    pub(crate) fn catch_up(&mut self) -> anyhow::Result<()> {
        let finished = self.run.metrics()?.len();
        let before = self.table.rows.len();
        self.table.rows.retain(|row| row.epoch < finished);
        let mut is_new = self.table.rows.len() != before;
        let (every, epochs) = (self.every, self.epochs);
        for epoch in (0..finished).filter(|&epoch| epoch.is_multiple_of(every) || epoch + 1 == epochs) {
            match self.missing(epoch) {
                Some(checkpoint) if !self.session.is_interrupted() => is_new |= self.record(&checkpoint)?,
                _ => {}
            }
        }
        if is_new { self.save() } else { Ok(()) }
    }

    /// Ends a run: rows that Ctrl-C left out are told.
    ///
    /// # Errors
    /// If there are such rows, or as [`LiveSpectrum::catch_up`].
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.catch_up()?;
        match self.session.is_interrupted() && self.missing(self.epochs - 1).is_some() {
            true => Err(Interrupted(format!(
                "stopped; all epochs are trained and kept in {}; the spectrum of the last one is missing: add --resume to measure it",
                self.run.path().display()
            ))
            .into()),
            false => Ok(()),
        }
    }

    /// The checkpoint of an epoch without a row, if it is still there.
    fn missing(&self, epoch: usize) -> Option<StoredCheckpoint> {
        let path = self.run.checkpoint_path(epoch);
        let has_row = self.table.rows.iter().any(|row| row.epoch == epoch);
        (!has_row && path.exists()).then_some(StoredCheckpoint { epoch, path })
    }

    /// Adds a row; whether it did, and was not stopped.
    fn record(&mut self, checkpoint: &StoredCheckpoint) -> anyhow::Result<bool> {
        let row = match self.measurement.row(checkpoint, format!("spectrum {}", checkpoint.epoch)) {
            Err(error) if error.is::<Interrupted>() => return Ok(false),
            measured => measured?,
        };
        self.session.terminal.note(&grad_report::line(&row, &self.table.radii));
        self.insert(row);
        Ok(true)
    }

    fn insert(&mut self, row: SpectrumRow) {
        let rows = &mut self.table.rows;
        let place = rows.partition_point(|earlier| earlier.epoch < row.epoch);
        rows.insert(place, row);
    }

    fn save(&self) -> anyhow::Result<()> {
        if self.table.rows.is_empty() {
            return Ok(());
        }
        let output = measured::live_folder(self.run.path());
        std::fs::create_dir_all(&output)
            .map_err(|error| anyhow::anyhow!("cannot create folder {}: {error}", output.display()))?;
        Report { table: &self.table, checkpoints: &[], images: &self.images }.save(&output)?;
        Ok(())
    }
}
