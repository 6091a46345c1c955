//! What networks are measured on.

use datasets::ImageSet;
use models::Frozen;
use pipeline::{
    DatasetProfile, MeasuredNetwork, NetworkDescription, NetworkSpec, Session, describe_networks,
    open_network,
};
use runs::StoredCheckpoint;

use crate::Error;

/// Images, how they are used, and what runs the networks.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The images that networks are measured on.
    pub images: &'a ImageSet,
    /// What their data set is called, and how they come in batches.
    pub profile: &'a DatasetProfile,
    /// What the networks are: those of an architecture out of checkpoints, or the one of an ONNX file.
    pub network: MeasuredNetwork,
    /// What runs them, and who hears of progress.
    pub session: &'a Session,
}

impl Subject<'_> {
    /// What each checkpoint is, and that it is of the network that is measured; no weights are read.
    ///
    /// # Errors
    /// If a file cannot be read or holds another network's weights.
    pub fn describe(&self, checkpoints: &[StoredCheckpoint]) -> Result<Vec<NetworkDescription>, Error> {
        Ok(describe_networks(checkpoints, &self.spec())?)
    }

    /// In words, for figures: the network, the data set, how many images.
    pub fn words(&self) -> String {
        let (arch, dataset, images) = (self.network.name(), &self.profile.label, self.images.len());
        format!("{arch} on {dataset}, {images} test images")
    }

    /// What tells the weights of a checkpoint from others.
    pub(super) fn checksum(&self, checkpoint: &StoredCheckpoint) -> Result<u32, Error> {
        Ok(self.network.checksum(checkpoint)?)
    }

    pub(super) fn open(&self, checkpoint: &StoredCheckpoint) -> Result<Frozen, Error> {
        Ok(open_network(checkpoint, &self.spec(), self.session)?)
    }

    /// What finished numbers hold for: these images, in these batches, this network, these kernels.
    pub(super) fn identity(&self) -> String {
        let (dataset, arch, images) = (&self.profile.name, self.network.name(), self.images.len());
        let (checksum, kernels) = (self.images.checksum(), self.session.kernels());
        let given = self.profile.given_normaliser;
        let given = given.map_or_else(String::new, |given| format!(" {:?} {:?}", given.mean(), given.std()));
        let outputs = self.images.outputs();
        let outputs = outputs.map_or_else(String::new, |outputs| format!(" outputs {:?}", outputs.indices()));
        let batch = self.profile.batch_size;
        format!("{dataset} {arch} {images} images {checksum:08x} by {batch} {kernels}{given}{outputs}")
    }

    fn spec(&self) -> NetworkSpec<'_> {
        NetworkSpec::new(self.network.clone(), self.images, self.profile)
    }
}
