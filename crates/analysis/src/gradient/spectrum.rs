//! The gradient spectrum of a network (Lin, Gao & Sang, IJCAI 2022).
//!
//! For each batch: the gradient of the cross-entropy with respect to the pixels → summed over channels, |DFT|, radial average, scaled
//! to [0, 1] per image → running mean and standard deviation over images. The shares of the gradient's energy by ring
//! ([`Sensitivity`](crate::Sensitivity)) come of the same transforms.

use std::path::Path;

use datasets::ImageSet;
use models::{Architecture, Frozen};
use pipeline::{
    DatasetProfile, DeviceFeed, MeasuredNetwork, NetworkDescription, NetworkSpec, Session, describe_networks,
    open_network, out_of_memory, test_batches,
};
use progress::Interrupted;
use runs::StoredCheckpoint;
use spectral::{SpectrumRow, SpectrumTable};

use super::{
    partial::PartialRows,
    profiler::GradientProfiler,
    report,
    sums::{RowSums, SpectrumGroups},
};
use crate::{Error, network};

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

    /// The same, resumable: finished rows are kept in the folder `output` until [`PartialRows::remove`] is called, so that a
    /// measurement that was stopped goes on with the next one. A row holds for the same file and the same images only. `networks` is
    /// what [`GradientSpectrum::describe`] found the checkpoints to be, before the first is measured.
    ///
    /// # Errors
    /// As [`GradientSpectrum::of_checkpoint`]; [`Error::SpectrumInterrupted`] if the interrupt flag was set.
    pub fn resume(
        &self,
        checkpoints: &[StoredCheckpoint],
        networks: &[NetworkDescription],
        output: &Path,
    ) -> Result<(SpectrumTable, PartialRows), Error> {
        let mut table = self.table_of(networks);
        let mut partial = PartialRows::open(output, self.identity(&table));
        for (index, checkpoint) in checkpoints.iter().enumerate() {
            let checksum = match &self.network {
                MeasuredNetwork::Of(_) | MeasuredNetwork::Given(_) => checkpoint.checksum()?,
                MeasuredNetwork::Onnx(network) => network.checksum(),
            };
            let row = match partial.find(checksum, checkpoint.epoch) {
                Some(row) => row,
                None => self
                    .labelled(checkpoint, &place(checkpoint, index, checkpoints.len()))
                    .map_err(|error| stopped(error, table.rows.len()))?,
            };
            partial.keep(checksum, &row)?;
            self.session.progress.line(&report::line(&row, &table.radii));
            table.push(row)?;
        }
        Ok((table, partial))
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
        let network = open_network(checkpoint, &self.spec(), self.session)?;
        self.measure(&network, checkpoint.epoch, label, &checkpoint.path.display().to_string())
    }

    /// The spectrum of a network as it is, as a row of this epoch.
    ///
    /// # Errors
    /// If it gives no gradients, or the interrupt flag was set.
    pub fn of_network(&self, network: &Frozen, epoch: usize) -> Result<SpectrumRow, Error> {
        let label = format!("epoch {epoch}");
        self.measure(network, epoch, &label, &label)
    }

    /// For each batch: input gradient → radial profiles → running statistics.
    fn measure(&self, network: &Frozen, epoch: usize, label: &str, name: &str) -> Result<SpectrumRow, Error> {
        let mut sums = RowSums::new(&self.profiler, self.groups, self.images.classes().len());
        let pass = self.session.progress.pass(label, self.images.len());
        let batches = test_batches(self.images, self.profile.gradient_batch_size, self.profile.workers);
        for batch in self.feed.batches(batches.map(|batch| batch.map_err(Error::from)))? {
            let batch = batch?;
            let found = network.scaled_input_gradient(&batch.images, &batch.labels);
            let found = found.map_err(|error| out_of_memory(error, batch.len()))?;
            sums.push(&self.profiler.profiles(&found.gradient)?, &found.logits, &batch.labels)?;
            pass.advance(batch.len());
            pass.check()?;
        }
        sums.row(epoch, name)
    }
}

fn place(checkpoint: &StoredCheckpoint, index: usize, count: usize) -> String {
    format!("epoch {} ({}/{count})", checkpoint.epoch, index + 1)
}

/// A measurement that is stopped says how much of it is finished.
fn stopped(error: Error, finished: usize) -> Error {
    match error {
        Error::Interrupted(Interrupted) => Error::SpectrumInterrupted { finished },
        error => error,
    }
}
