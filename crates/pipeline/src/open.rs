//! Networks, fresh or out of checkpoints.

use std::path::Path;

use datasets::ImageSet;
use models::{Architecture, Backend, Classifier, Frozen, Normaliser};
use runs::{StoredCheckpoint, StoredWeights, Wanted};

use crate::{
    DatasetProfile, Error, GivenNetwork, MeasuredNetwork, OnnxFile, OnnxNetwork, Session,
    measured::Usual,
    restriction::{Restriction, changes_nothing},
    trained_on::TrainedOn,
};

/// Which network a checkpoint is expected to hold, and what it is measured on.
#[derive(Debug, Clone)]
pub struct NetworkSpec<'a> {
    /// Its architecture, or the ONNX file that it is.
    pub network: MeasuredNetwork,
    /// The images that it is measured on. Their classes are those of its head, or some of them: see [`ImageSet::outputs`].
    pub images: &'a ImageSet,
    /// The normaliser, whatever the file says.
    pub given_normaliser: Option<Normaliser>,
    /// The normaliser, where neither it is given nor the file names one: the data set's usual one.
    pub usual_normaliser: Normaliser,
    /// The name of the data set that it is measured on.
    pub dataset: &'a str,
    /// Where that is, if it is on disk.
    pub root: Option<&'a Path>,
}

impl<'a> NetworkSpec<'a> {
    /// A network for these images.
    pub fn new(
        network: impl Into<MeasuredNetwork>,
        images: &'a ImageSet,
        profile: &'a DatasetProfile,
    ) -> Self {
        Self {
            network: network.into(),
            images,
            given_normaliser: profile.given_normaliser,
            usual_normaliser: profile.normaliser,
            dataset: &profile.name,
            root: profile.root.as_deref(),
        }
    }

    fn classes(&self) -> usize {
        self.images.classes().len()
    }

    fn usual(&self) -> Usual<'a> {
        Usual { given: self.given_normaliser, usual: self.usual_normaliser, dataset: self.dataset }
    }
}

/// What a network out of a file is, and what of it was taken from where: it stands in results under `network`.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkDescription {
    /// The architecture's name, or that of the ONNX file.
    pub arch: String,
    /// The ONNX file that it is, if it is one.
    pub onnx: Option<OnnxFile>,
    /// How many classes it has, as it is measured.
    pub classes: usize,
    /// Which outputs of its head these are, where it has more.
    pub restriction: Option<Restriction>,
    /// The normaliser's mean per channel.
    pub mean: [f32; 3],
    /// The normaliser's standard deviation per channel.
    pub std: [f32; 3],
    /// Where the normaliser is from, in words.
    pub normaliser_from: String,
    /// Whether nobody named it: neither the caller, nor the file, nor what lies beside it.
    pub normaliser_is_guessed: bool,
    /// What was done to find the weights in the file, a sentence each.
    pub notes: Vec<String>,
}

impl NetworkDescription {
    fn of_onnx(network: &OnnxNetwork, spec: &NetworkSpec<'_>) -> Result<Self, Error> {
        let (normaliser, from) = network.normaliser(spec.usual());
        Ok(Self {
            arch: network.name().to_owned(),
            onnx: Some(network.file().clone()),
            classes: spec.classes(),
            restriction: network.restriction(spec.images)?,
            mean: normaliser.mean(),
            std: normaliser.std(),
            normaliser_from: from,
            normaliser_is_guessed: network.has_no_normaliser(spec.usual()),
            notes: network.notes().to_vec(),
        })
    }

    fn of_given(given: &GivenNetwork) -> Self {
        Self {
            arch: given.name.clone(),
            onnx: None,
            classes: given.network.classes(),
            restriction: None,
            mean: [0.0; 3],
            std: [1.0; 3],
            normaliser_from: "none: the network takes pixels in [0, 1]".to_owned(),
            normaliser_is_guessed: false,
            notes: Vec::new(),
        }
    }

    fn new(
        stored: &StoredWeights,
        spec: &NetworkSpec<'_>,
        wanted: Architecture,
        head: Head,
    ) -> (Self, Normaliser) {
        let Head { restriction, notes: of_head } = head;
        let (normaliser, from) = match &stored.normaliser {
            Some(own) => (own.value, own.origin.clone()),
            None => usual_normaliser(architecture(stored, wanted), spec.usual_normaliser, spec.dataset),
        };
        let description = Self {
            arch: architecture(stored, wanted).name().to_owned(),
            onnx: None,
            classes: spec.classes(),
            restriction,
            mean: normaliser.mean(),
            std: normaliser.std(),
            normaliser_from: from,
            normaliser_is_guessed: stored.normaliser.is_none(),
            notes: stored
                .notes()
                .iter()
                .map(ToString::to_string)
                .chain(stored.image_words())
                .chain(stored.not_done())
                .chain(of_head)
                .collect(),
        };
        (description, normaliser)
    }

    /// The network in words.
    pub fn network_words(&self) -> String {
        let restricted = self.restriction.as_ref().map_or_else(String::new, |of| format!("; {}", of.words()));
        let file = self.onnx.as_ref().map_or_else(String::new, |of| {
            format!(" ({}, written by {}, opset {})", of.file, of.producer, of.opset)
        });
        format!("network: {}{file}, {} classes{restricted}", self.arch, self.classes)
    }

    /// The normaliser in words: its numbers, and where it is from.
    pub fn normaliser_words(&self) -> String {
        let three = |values: [f32; 3]| values.map(|value| value.to_string()).join(", ");
        format!("normaliser: mean {}; std {} ({})", three(self.mean), three(self.std), self.normaliser_from)
    }
}

/// A fresh network with seeded weights.
///
/// # Errors
/// If the weights cannot be drawn.
pub fn fresh_network(
    architecture: Architecture,
    classes: usize,
    normaliser: Normaliser,
    seed: u64,
    backend: &Backend,
) -> Result<Classifier, Error> {
    let weights = training::initialise(&architecture.graph(classes).shapes(), seed)?;
    Ok(Classifier::on(backend, architecture, classes, normaliser, &weights)?)
}

/// Checks that files hold the network that is expected, before the first is measured; what each is. Their weights are not read.
///
/// # Errors
/// If a file cannot be read or holds another network's weights; the message names it. [`Error::OtherClasses`] if it is of a run of
/// other classes.
pub fn describe_networks(
    checkpoints: &[StoredCheckpoint],
    spec: &NetworkSpec<'_>,
) -> Result<Vec<NetworkDescription>, Error> {
    let describe = |checkpoint: &StoredCheckpoint| {
        let wanted = match &spec.network {
            MeasuredNetwork::Of(architecture) => *architecture,
            MeasuredNetwork::Onnx(network) => return NetworkDescription::of_onnx(network, spec),
            MeasuredNetwork::Given(given) => return Ok(NetworkDescription::of_given(given)),
        };
        let stored = stored(checkpoint, spec, wanted)?;
        let head = head(checkpoint, &stored, spec, wanted)?;
        let classes = head.restriction.as_ref().map_or(spec.classes(), |of| of.outputs);
        let checked = architecture(&stored, wanted).check_fit(classes, &stored.shapes());
        checked.map_err(|source| runs::Error::Network { path: checkpoint.path.clone(), source })?;
        Ok(NetworkDescription::new(&stored, spec, wanted, head).0)
    };
    checkpoints.iter().map(describe).collect()
}

/// A network with the weights of a file, for evaluation and gradients. Where its head has more outputs than the images have classes, and
/// the images say which outputs these are, it is the network of these outputs alone. A note says so where it was trained on another
/// data set.
///
/// # Errors
/// As [`describe_networks`].
pub fn open_network(
    checkpoint: &StoredCheckpoint,
    spec: &NetworkSpec<'_>,
    session: &Session,
) -> Result<Frozen, Error> {
    let wanted = match &spec.network {
        MeasuredNetwork::Of(architecture) => *architecture,
        MeasuredNetwork::Onnx(network) => {
            let restriction = network.restriction(spec.images)?;
            return network.freeze(&session.backend, spec.usual(), restriction.as_ref());
        }
        MeasuredNetwork::Given(given) => return Ok(given.network.clone()),
    };
    let mut stored = stored(checkpoint, spec, wanted)?;
    let path = &checkpoint.path;
    let head = head(checkpoint, &stored, spec, wanted)?;
    let restriction = head.restriction.clone();
    let (_, normaliser) = NetworkDescription::new(&stored, spec, wanted, head);
    if let Some(other) = stored.info.dataset.as_ref().filter(|trained_on| *trained_on != spec.dataset) {
        let (path, measured_on) = (path.display(), spec.dataset);
        session.progress.note(&format!("{path} was trained on {other} and is measured on {measured_on}"));
    }
    let (architecture, mut weights) = (architecture(&stored, wanted), stored.load()?);
    let named = |source| runs::Error::Network { path: path.clone(), source };
    if let Some(Restriction { outputs, classes }) = &restriction {
        weights = architecture.restricted(*outputs, classes.indices(), weights).map_err(named)?;
    }
    let classifier = Classifier::on(&session.backend, architecture, spec.classes(), normaliser, &weights);
    Ok(classifier.map_err(named)?.freeze()?)
}

/// The normaliser of a file that names none, and where it is from, in words.
fn usual_normaliser(architecture: Architecture, usual: Normaliser, dataset: &str) -> (Normaliser, String) {
    let published = architecture.published_normaliser().filter(|_| usual == Normaliser::IMAGENET);
    let (normaliser, whose) = match published {
        Some(published) => (published, format!("that of the published weights of {}", architecture.name())),
        None => (usual, format!("the usual one of {dataset}")),
    };
    (normaliser, format!("{whose}, for the file names none"))
}

/// How the outputs of a head are the classes of the images.
struct Head {
    /// The outputs that are left of it, where it has more than there are classes, or has them in another order.
    restriction: Option<Restriction>,
    /// What to say of that.
    notes: Vec<String>,
}

/// How the outputs of a file's head are the classes of the images. A run says which classes it was trained on: they are the same.
fn head(
    checkpoint: &StoredCheckpoint,
    stored: &StoredWeights,
    spec: &NetworkSpec<'_>,
    wanted: Architecture,
) -> Result<Head, Error> {
    let trained_on = TrainedOn::of(checkpoint)?;
    let (classes, of_classes) = (spec.images.classes(), spec.images.outputs());
    // The outputs of a network that was trained with a class map are the classes that the map made.
    let of_head = of_classes.filter(|of| !trained_on.as_ref().is_some_and(|run| run.has_map_of(of)));
    let outputs = architecture(stored, wanted).classes(&stored.shapes());
    let restriction = Restriction::new(outputs, classes.len(), of_head, classes)?;
    let mut notes = Vec::new();
    if restriction.is_none() {
        notes.extend(changes_nothing(of_head));
    }
    if let Some(run) = &trained_on {
        run.check_classes(classes, restriction.as_ref().map(|left| &left.classes))?;
        notes.extend(run.other_place(spec.root));
    }
    Ok(Head { restriction, notes })
}

/// The architecture of the weights: the one that is asked for, or a variant of it.
fn architecture(stored: &StoredWeights, wanted: Architecture) -> Architecture {
    stored.fits().first().map_or(wanted, |(architecture, _)| *architecture)
}

fn stored(
    checkpoint: &StoredCheckpoint,
    spec: &NetworkSpec<'_>,
    wanted: Architecture,
) -> Result<StoredWeights, Error> {
    let wanted = Wanted { architecture: Some(wanted), weights: checkpoint.weights.as_deref() };
    Ok(StoredWeights::open(&checkpoint.path, wanted, spec.given_normaliser)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_weights_may_want_a_normaliser_of_their_own() -> Result<(), models::Error> {
        let of = |name: &str, usual: Normaliser, dataset: &str| {
            Ok::<_, models::Error>(usual_normaliser(name.parse()?, usual, dataset))
        };
        let (normaliser, from) = of("inception_v3", Normaliser::IMAGENET, "imagenet")?;
        assert_eq!(normaliser, Normaliser::HALF);
        assert_eq!(from, "that of the published weights of inception_v3, for the file names none");
        let (normaliser, from) = of("inception_v3", Normaliser::CIFAR10, "cifar10")?;
        assert_eq!(normaliser, Normaliser::CIFAR10);
        assert_eq!(from, "the usual one of cifar10, for the file names none");
        assert_eq!(of("resnet50", Normaliser::IMAGENET, "imagenet")?.0, Normaliser::IMAGENET);
        Ok(())
    }
}
