//! What is recorded while a network learns: which checkpoints stay, and the gradient spectrum, so that not all of them need to.

use datasets::ImageSet;
use pipeline::{Session, Trained, TrainingRun};
use runs::{KnownSettings, StoredCheckpoint};
use training::RunFolder;

use super::{GradientSpectrum, recorded::RecordedSpectrum, report};
use crate::{Error, network};

/// What is kept of a run as it goes on. What is absent is as the run that is resumed has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recording {
    /// Measure the gradient spectrum during training, after every so-manieth epoch and the last, into the run's folder `spectrum`.
    pub spectrum_every: Option<usize>,
    /// On so many test images, the first ones; on all where it is absent.
    pub spectrum_images: Option<usize>,
    /// Keep the checkpoint of every so-manieth epoch, and of the last; of all where it is absent.
    pub checkpoint_every: Option<usize>,
}

impl Recording {
    /// What is left open as the run that is resumed has it.
    fn or(self, earlier: &KnownSettings) -> Self {
        Self {
            spectrum_every: self.spectrum_every.or(earlier.spectrum_every),
            spectrum_images: self.spectrum_images.or(earlier.spectrum_images),
            checkpoint_every: self.checkpoint_every.or(earlier.checkpoint_every),
        }
    }

    /// The images that the spectrum is measured on.
    fn images(&self, test: &ImageSet) -> ImageSet {
        let mut images = test.clone();
        images.limit(self.spectrum_images.unwrap_or(images.len()));
        images
    }
}

/// Trains a network and records its gradient spectrum on the way, byte for byte what [`GradientSpectrum`] measures of its checkpoints.
///
/// ```
/// use analysis::{Recording, train_recording};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, TrainingRun};
///
/// let folder = tempfile::tempdir()?;
/// let dataset = Synthetic { seed: 0, train: 64, test: 32 }.generate();
/// let profile = DatasetProfile::synthetic();
/// let run = TrainingRun { epochs: 1, ..TrainingRun::new("resnet20".parse()?, &dataset, &profile, folder.path()) };
/// let recording = Recording { spectrum_every: Some(1), ..Recording::default() };
/// let trained = train_recording(run, recording, &Session::default())?;
/// assert!(trained.folder.join("spectrum/gradient_spectrum.png").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`TrainingRun::train`]; if the spectrum that is there is damaged or of another number of images; and if the interrupt flag was set
/// before the last epoch's row was measured.
pub fn train_recording(
    run: TrainingRun<'_>,
    recording: Recording,
    session: &Session,
) -> Result<Trained, Error> {
    let recording = match run.earlier()? {
        Some(earlier) => recording.or(&earlier.settings),
        None => recording,
    };
    let settings = run
        .settings
        .resolved([
            ("spectrum_every", recording.spectrum_every.into()),
            ("spectrum_images", recording.spectrum_images.into()),
            ("checkpoint_every", recording.checkpoint_every.into()),
        ])
        .map_err(pipeline::Error::from)?;
    let run = TrainingRun { settings, checkpoint_every: recording.checkpoint_every.unwrap_or(1), ..run };
    let mut prepared = run.prepare(session)?;
    let images = recording.images(&run.dataset.test);
    let spectrum = GradientSpectrum::new(&images, run.profile, run.architecture, session)?;
    let Some(every) = recording.spectrum_every else {
        return Ok(prepared.train(session, &mut || Ok(()))?);
    };
    let folder = RunFolder::at(prepared.folder().path());
    if !session.ranks.is_first() {
        let help = || spectrum.help_with(|epoch| checkpoint_of(&folder, epoch));
        let trained = prepared.train(session, &mut || Ok(help()?)).map_err(own)?;
        help()?;
        return Ok(trained);
    }
    let mut live = LiveSpectrum::open(&spectrum, &folder, every, run.epochs)?;
    let trained = prepared.train(session, &mut || Ok(live.catch_up()?)).map_err(own)?;
    live.finish()?;
    Ok(trained)
}

/// What went wrong between epochs, as it was before training handed it on.
fn own(error: pipeline::Error) -> Error {
    match error {
        pipeline::Error::Training(training::Error::Observer(error)) => match error.downcast() {
            Ok(own) => *own,
            Err(other) => pipeline::Error::Training(training::Error::Observer(other)).into(),
        },
        other => other.into(),
    }
}

/// The gradient spectrum of a run that is being trained.
///
/// It is measured from the checkpoints while they are there. Whatever the run broke off at, the rows that are missing are those of
/// finished epochs without one.
struct LiveSpectrum<'a> {
    spectrum: &'a GradientSpectrum<'a>,
    run: &'a RunFolder,
    every: usize,
    epochs: usize,
    recorded: RecordedSpectrum,
}

impl<'a> LiveSpectrum<'a> {
    /// The spectrum in the folder of a run of so many epochs, to which rows are added.
    fn open(
        spectrum: &'a GradientSpectrum<'a>,
        run: &'a RunFolder,
        every: usize,
        epochs: usize,
    ) -> Result<Self, Error> {
        let images = report::image_density(spectrum.images())?;
        let recorded = RecordedSpectrum::open(run.path(), spectrum.empty_table(), images)?;
        Ok(Self { spectrum, run, every, epochs, recorded })
    }

    /// Measures the finished epochs that are due and have no row yet, and writes all results. Once the interrupt flag is set the rest
    /// is left to the run that is resumed.
    fn catch_up(&mut self) -> Result<(), Error> {
        let finished = self.run.metrics()?.len();
        // Files beside the numbers may be of other rows where a program was killed: they are written again once.
        let mut is_new = self.recorded.forget_from(finished) || !self.recorded.is_saved();
        let (every, epochs) = (self.every, self.epochs);
        for epoch in (0..finished).filter(|&epoch| epoch.is_multiple_of(every) || epoch + 1 == epochs) {
            match self.missing(epoch) {
                Some(checkpoint) if !self.is_interrupted() => is_new |= self.record(&checkpoint)?,
                _ => {}
            }
        }
        self.spectrum.end_sharing()?;
        if is_new {
            self.recorded.save()?;
        }
        Ok(())
    }

    /// Ends a run: rows that an interrupt left out are an error.
    fn finish(mut self) -> Result<(), Error> {
        self.catch_up()?;
        if self.is_interrupted() && self.missing(self.epochs - 1).is_some() {
            return Err(Error::LiveSpectrumInterrupted { folder: self.run.path().to_owned() });
        }
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.spectrum.session().progress.is_interrupted()
    }

    /// The checkpoint of an epoch without a row, if it is still there.
    fn missing(&self, epoch: usize) -> Option<StoredCheckpoint> {
        let path = self.run.checkpoint_path(epoch);
        let has_row = self.recorded.table().rows.iter().any(|row| row.epoch == epoch);
        (!has_row && path.exists()).then(|| checkpoint_of(self.run, epoch))
    }

    /// Adds a row; whether it did, and was not stopped.
    fn record(&mut self, checkpoint: &StoredCheckpoint) -> Result<bool, Error> {
        let label = format!("spectrum {}", checkpoint.epoch);
        let row = match self.spectrum.shared(checkpoint, (checkpoint.epoch, &label)) {
            // Other ranks are in the middle of it: they go on with the run that is resumed.
            Err(error) if error.is_interrupted() && !self.spectrum.session().ranks.is_alone() => {
                return Err(Error::LiveSpectrumInterrupted { folder: self.run.path().to_owned() });
            }
            Err(error) if error.is_interrupted() => return Ok(false),
            measured => measured?,
        };
        self.spectrum.session().progress.line(&report::line(&row, &self.recorded.table().radii));
        let networks = self.spectrum.describe(std::slice::from_ref(checkpoint))?;
        self.recorded.describe(network::json(&networks));
        self.recorded.insert(row);
        Ok(true)
    }
}

fn checkpoint_of(run: &RunFolder, epoch: usize) -> StoredCheckpoint {
    StoredCheckpoint::of_run(run.path(), epoch, run.checkpoint_path(epoch))
}
