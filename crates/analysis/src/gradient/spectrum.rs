//! The gradient spectrum of a network (Lin, Gao & Sang, IJCAI 2022).
//!
//! For each batch: the gradient of the cross-entropy with respect to the pixels → summed over channels, |DFT|, radial average, scaled
//! to [0, 1] per image → running mean and standard deviation over images. The shares of the gradient's energy by ring
//! ([`Sensitivity`](crate::Sensitivity)) come of the same transforms.

use std::{path::Path, time::Instant};

use datasets::ImageSet;
use models::{Architecture, Frozen};
use pipeline::{
    DatasetProfile, DeviceFeed, MeasuredNetwork, NetworkDescription, NetworkSpec, Session, describe_networks,
    open_network, out_of_memory, rank_batches,
};
use progress::Pass;
use ranks::Ranks;
use runs::{StoredCheckpoint, results};
use spectral::{SpectrumRow, SpectrumTable};

use super::{
    position::{Keep, Position},
    profiler::GradientProfiler,
    report,
    sums::{BatchProfiles, RowSums, SpectrumGroups},
};
use crate::{
    Error, network,
    partial::{KEEP_EVERY, PartialMeasure, read},
    sharing::{SharedBatches, check_same},
};

/// Measures gradient spectra of networks on the same images.
///
/// ```
/// use analysis::GradientSpectrum;
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let test = Synthetic { seed: 0, train: 0, test: 20 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let network = fresh_network("resnet20".parse()?, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let spectrum = GradientSpectrum::new(&test, &profile, "resnet20".parse()?, &session)?;
/// let row = spectrum.of_network(&network, 0)?;
/// assert_eq!(row.mean.len(), 20); // bands ρ = 1 … 20
/// assert!(row.mean.iter().all(|value| (0.0..=1.0).contains(value)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GradientSpectrum<'a> {
    images: &'a ImageSet,
    profile: &'a DatasetProfile,
    network: MeasuredNetwork,
    session: &'a Session,
    profiler: GradientProfiler,
    feed: DeviceFeed,
    groups: SpectrumGroups,
}

impl<'a> GradientSpectrum<'a> {
    /// On these images, for networks of an architecture.
    ///
    /// # Errors
    /// If the images are too small to have bands.
    pub fn new(
        images: &'a ImageSet,
        profile: &'a DatasetProfile,
        architecture: Architecture,
        session: &'a Session,
    ) -> Result<Self, Error> {
        Self::of_networks(images, profile, architecture.into(), session)
    }

    /// The same for networks that may be an ONNX file's.
    ///
    /// # Errors
    /// As [`GradientSpectrum::new`].
    pub fn of_networks(
        images: &'a ImageSet,
        profile: &'a DatasetProfile,
        network: MeasuredNetwork,
        session: &'a Session,
    ) -> Result<Self, Error> {
        let profiler = GradientProfiler::new(images.shape(), &session.backend)?;
        let feed = DeviceFeed::to(&session.backend);
        let groups = SpectrumGroups::default();
        Ok(Self { images, profile, network, session, profiler, feed, groups })
    }

    /// The same, with spectra of groups of images beside that of all.
    ///
    /// ```
    /// # use analysis::{GradientSpectrum, SpectrumGroups};
    /// # use datasets::synthetic::Synthetic;
    /// # use pipeline::{DatasetProfile, Session, fresh_network};
    /// # let test = Synthetic { seed: 0, train: 0, test: 20 }.generate().test;
    /// # let (profile, session) = (DatasetProfile::synthetic(), Session::default());
    /// # let network = fresh_network("resnet20".parse()?, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
    /// let spectrum = GradientSpectrum::new(&test, &profile, "resnet20".parse()?, &session)?;
    /// let spectrum = spectrum.with_groups(SpectrumGroups { per_class: true, ..SpectrumGroups::default() });
    /// let row = spectrum.of_network(&network, 0)?;
    /// // Two images of each class, whose means have the mean of all.
    /// assert_eq!(row.details.classes.iter().map(|class| class.images).collect::<Vec<_>>(), [2; 10]);
    /// let mean = row.details.classes.iter().map(|class| class.mean[4]).sum::<f64>() / 10.0;
    /// assert!((mean - row.mean[4]).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_groups(self, groups: SpectrumGroups) -> Self {
        Self { groups, ..self }
    }

    /// The images that it is measured on.
    pub(crate) fn images(&self) -> &ImageSet {
        self.images
    }

    /// What it is measured with.
    pub(crate) fn session(&self) -> &Session {
        self.session
    }

    /// A table without rows: which images, which network, which bands.
    pub fn empty_table(&self) -> SpectrumTable {
        let radii = self.profiler.radii().to_vec();
        let classes = if self.groups.per_class { self.images.classes().to_vec() } else { Vec::new() };
        SpectrumTable {
            rings: self.profiler.rings().to_vec(),
            difference: self.groups.difference,
            classes,
            ..SpectrumTable::new(self.profile.label.clone(), self.network.name(), self.images.len(), radii)
        }
    }

    /// The same, of these networks.
    fn table_of(&self, networks: &[NetworkDescription]) -> SpectrumTable {
        SpectrumTable { network: Some(network::json(networks)), ..self.empty_table() }
    }

    /// The spectrum of each checkpoint, a row each.
    ///
    /// # Errors
    /// As [`GradientSpectrum::of_checkpoint`].
    pub fn of_checkpoints(&self, checkpoints: &[StoredCheckpoint]) -> Result<SpectrumTable, Error> {
        let mut table = self.table_of(&self.describe(checkpoints)?);
        for (index, checkpoint) in checkpoints.iter().enumerate() {
            let row = self.labelled(checkpoint, &place(checkpoint, index, checkpoints.len()))?;
            table.push(row)?;
        }
        Ok(table)
    }

    /// The same, resumable: finished rows and the sums of the one that is measured are kept in the folder `output` until
    /// [`PartialMeasure::remove`] is called, so that a measurement that was stopped goes on with the next batch. They hold for the same
    /// file and the same images only. `networks` is what [`GradientSpectrum::describe`] found the checkpoints to be, before the first
    /// is measured.
    ///
    /// On rank 0 of several, all others must call [`GradientSpectrum::help`] with the same checkpoints.
    ///
    /// # Errors
    /// As [`GradientSpectrum::of_checkpoint`]; [`Error::MeasureInterrupted`] if the interrupt flag was set.
    pub fn resume(
        &self,
        checkpoints: &[StoredCheckpoint],
        networks: &[NetworkDescription],
        output: &Path,
    ) -> Result<(SpectrumTable, PartialMeasure), Error> {
        let mut table = self.table_of(networks);
        let mut partial = PartialMeasure::open(self.images, output, results::SPECTRUM, self.identity(&table));
        for (index, checkpoint) in checkpoints.iter().enumerate() {
            let (checksum, epoch) = (self.network.checksum(checkpoint)?, checkpoint.epoch);
            let row = match partial.row(checksum, epoch).and_then(read) {
                Some(row) => row,
                None => {
                    let label = place(checkpoint, index, checkpoints.len());
                    let row = self.go_on(checkpoint, (index, &label), checksum, &mut partial);
                    row.map_err(|error| stopped(error, table.rows.len()))?
                }
            };
            partial.push(checksum, epoch, serde_json::to_value(&row)?)?;
            self.session.progress.line(&report::line(&row, &table.radii));
            table.push(row)?;
        }
        self.end_sharing()?;
        Ok((table, partial))
    }

    /// Measures a checkpoint from where an earlier measurement stopped, keeping how far it is.
    fn go_on(
        &self,
        checkpoint: &StoredCheckpoint,
        named: (usize, &str),
        checksum: u32,
        partial: &mut PartialMeasure,
    ) -> Result<SpectrumRow, Error> {
        let (epoch, start) = (checkpoint.epoch, self.start());
        let found = partial.progress(checksum, epoch, &serde_json::to_value(&start)?).and_then(read);
        let position = found.filter(|found: &Position| found.is_of(&start)).unwrap_or(start);
        self.from(checkpoint, named, position, &mut |position| {
            partial.keep(checksum, epoch, serde_json::to_value(position)?)
        })
    }

    /// The spectrum of a checkpoint, with the help of the other ranks, who know it by this number.
    pub(crate) fn shared(
        &self,
        checkpoint: &StoredCheckpoint,
        named: (usize, &str),
    ) -> Result<SpectrumRow, Error> {
        self.from(checkpoint, named, self.start(), &mut |_| Ok(()))
    }

    /// The same, of which so much is measured.
    fn from(
        &self,
        checkpoint: &StoredCheckpoint,
        (number, label): (usize, &str),
        position: Position,
        keep: &mut Keep<'_>,
    ) -> Result<SpectrumRow, Error> {
        let ranks = &self.session.ranks;
        if !ranks.is_alone() {
            ranks.announce(&Some((number, self.task(checkpoint)?, position.batch)))?;
        }
        self.on(checkpoint, label, ranks, position, keep)
    }

    /// Nothing is measured yet.
    fn start(&self) -> Position {
        let sums = RowSums::new(&self.profiler, self.groups, self.images.classes().len());
        Position { size: self.profile.gradient_batch_size, batch: 0, sums }
    }

    /// Says to other ranks that there is nothing more for them to do.
    pub(crate) fn end_sharing(&self) -> Result<(), Error> {
        Ok(self.session.ranks.announce(&None::<Task>)?)
    }

    /// What all ranks must measure: these images with this file.
    fn task(&self, checkpoint: &StoredCheckpoint) -> Result<String, Error> {
        let identity = self.identity(&self.empty_table());
        Ok(format!("{identity} of {:08x}", self.network.checksum(checkpoint)?))
    }

    /// Computes what falls to this rank, one of several and not the first, while rank 0 is in [`GradientSpectrum::resume`] with the same
    /// checkpoints. Nothing is written.
    ///
    /// # Errors
    /// If a checkpoint cannot be read or is not what rank 0 has, or the interrupt flag was set: whoever called this says so to rank 0.
    /// [`ranks::Error::Ended`] if rank 0 has ended the work.
    pub fn help(&self, checkpoints: &[StoredCheckpoint]) -> Result<(), Error> {
        while let Some((index, of_first, from)) = self.next_task()? {
            let Some(checkpoint) = checkpoints.get(index) else {
                return check_same(format!("{} checkpoints", checkpoints.len()), of_first);
            };
            self.help_one(checkpoint, of_first, from)?;
        }
        Ok(())
    }

    /// The same while rank 0 calls [`GradientSpectrum::shared`]; `find` has the checkpoint of a number.
    pub(crate) fn help_with(&self, find: impl Fn(usize) -> StoredCheckpoint) -> Result<(), Error> {
        while let Some((number, of_first, from)) = self.next_task()? {
            self.help_one(&find(number), of_first, from)?;
        }
        Ok(())
    }

    fn next_task(&self) -> Result<Option<Task>, Error> {
        Ok(self.session.ranks.await_from(0)?)
    }

    fn help_one(&self, checkpoint: &StoredCheckpoint, of_first: String, from: usize) -> Result<(), Error> {
        check_same(self.task(checkpoint)?, of_first)?;
        let network = open_network(checkpoint, &self.spec(), self.session)?;
        self.share(&network, &self.session.ranks, from, |_| Ok(()))
    }

    fn spec(&self) -> NetworkSpec<'_> {
        NetworkSpec::new(self.network.clone(), self.images, self.profile)
    }

    /// What each checkpoint is, and that it is of the network that is measured; no weights are read.
    ///
    /// # Errors
    /// If a file cannot be read or holds another network's weights.
    pub fn describe(&self, checkpoints: &[StoredCheckpoint]) -> Result<Vec<NetworkDescription>, Error> {
        Ok(describe_networks(checkpoints, &self.spec())?)
    }

    /// What finished rows hold for: these images, this network, these kernels.
    fn identity(&self, table: &SpectrumTable) -> String {
        let (dataset, arch, images) = (&table.dataset, &table.arch, self.images.len());
        let (checksum, kernels) = (self.images.checksum(), self.session.kernels());
        let given = self.profile.given_normaliser;
        let given = given.map_or_else(String::new, |given| format!(" {:?} {:?}", given.mean(), given.std()));
        let outputs = self.images.outputs();
        let outputs = outputs.map_or_else(String::new, |outputs| format!(" outputs {:?}", outputs.indices()));
        let groups = self.groups.identity();
        format!(
            "{dataset} {arch} {images} images {checksum:08x} {kernels}{given}{outputs} with shares{groups}"
        )
    }

    /// The spectrum of a checkpoint.
    ///
    /// # Errors
    /// If it cannot be read or gives no gradients, or the interrupt flag was set.
    pub fn of_checkpoint(&self, checkpoint: &StoredCheckpoint) -> Result<SpectrumRow, Error> {
        self.labelled(checkpoint, &format!("epoch {}", checkpoint.epoch))
    }

    /// The same, under a label for the progress.
    pub(crate) fn labelled(&self, checkpoint: &StoredCheckpoint, label: &str) -> Result<SpectrumRow, Error> {
        self.on(checkpoint, label, &Ranks::default(), self.start(), &mut |_| Ok(()))
    }

    fn on(
        &self,
        checkpoint: &StoredCheckpoint,
        label: &str,
        ranks: &Ranks,
        mut position: Position,
        keep: &mut Keep<'_>,
    ) -> Result<SpectrumRow, Error> {
        let network = open_network(checkpoint, &self.spec(), self.session)?;
        let pass = self.session.progress.pass(label, self.images.len());
        self.add_rest(&network, &pass, ranks, &mut position, keep)?;
        position.sums.row(checkpoint.epoch, &checkpoint.path.display().to_string())
    }

    /// The spectrum of a network as it is, as a row of this epoch.
    ///
    /// # Errors
    /// If it gives no gradients, or the interrupt flag was set.
    pub fn of_network(&self, network: &Frozen, epoch: usize) -> Result<SpectrumRow, Error> {
        let label = format!("epoch {epoch}");
        let pass = self.session.progress.pass(&label, self.images.len());
        let mut position = self.start();
        self.add_rest(network, &pass, &Ranks::default(), &mut position, &mut |_| Ok(()))?;
        position.sums.row(epoch, &label)
    }

    /// Adds the batches that are not measured yet. `keep` is called now and then, and when the work is stopped.
    fn add_rest(
        &self,
        network: &Frozen,
        pass: &Pass<'_>,
        ranks: &Ranks,
        position: &mut Position,
        keep: &mut Keep<'_>,
    ) -> Result<(), Error> {
        if position.batch > 0 {
            pass.set_position(position.images(self.images.len()) as u64);
        }
        let mut kept = Instant::now();
        let done = self.share(network, ranks, position.batch, |found| {
            let images = found.len();
            position.sums.add(found);
            position.batch += 1;
            pass.advance(images);
            if kept.elapsed() > KEEP_EVERY {
                keep(position)?;
                kept = Instant::now();
            }
            Ok(pass.check()?)
        });
        if done.as_ref().is_err_and(Error::is_interrupted) {
            keep(position)?;
        }
        done
    }

    /// For each batch of this rank from one on: input gradient → radial profiles; `add` hears of those of all ranks, on rank 0.
    fn share(
        &self,
        network: &Frozen,
        ranks: &Ranks,
        from: usize,
        mut add: impl FnMut(BatchProfiles) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (images, size) = (self.images, self.profile.gradient_batch_size);
        let batches = rank_batches(images, size, self.profile.workers, from, ranks);
        let mut batches = self.feed.batches(batches.map(|batch| batch.map_err(Error::from)))?;
        let shared = SharedBatches { images, size, session: self.session, ranks };
        shared.each(
            from,
            || {
                let batch = batches.next().expect("each part is a batch")?;
                let found = network.scaled_input_gradient(&batch.images, &batch.labels);
                let found = found.map_err(|error| out_of_memory(error, batch.len()))?;
                let profiles = self.profiler.profiles(&found.gradient)?;
                Ok(BatchProfiles::new(&profiles, &found.logits, &batch.labels)?.into_parts())
            },
            |parts| add(BatchProfiles::from(parts)),
        )
    }
}

/// What rank 0 has to be measured: a checkpoint's number, what finished rows of it hold for, and the first batch that is not measured.
type Task = (usize, String, usize);

fn place(checkpoint: &StoredCheckpoint, index: usize, count: usize) -> String {
    format!("epoch {} ({}/{count})", checkpoint.epoch, index + 1)
}

/// A measurement that is stopped says how much of it is finished.
fn stopped(error: Error, finished: usize) -> Error {
    if error.is_interrupted() { Error::MeasureInterrupted { finished } } else { error }
}
