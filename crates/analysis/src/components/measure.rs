//! What networks get right, on images and on what is left of them at low or high frequencies (Lin, Gao & Sang, IJCAI 2022,
//! hypothesis II).

use std::path::Path;

use candle_core::Tensor;
use datasets::ImageSet;
use evaluation::{Axis, Features, Scores, Separation};
use models::{Architecture, Attack, Frozen};
use pipeline::{
    DatasetProfile, DeviceBatches, DeviceFeed, MeasuredNetwork, NetworkDescription, NetworkSpec, Session,
    attacked, check_attack, describe_networks, on_host, open_network, out_of_memory, rank_batches,
};
use ranks::Ranks;
use runs::StoredCheckpoint;
use spectral::Filter;

use super::{
    component::{Component, ComponentPlan, ComponentRequest},
    densities::Densities,
};
use crate::{
    Error,
    sharing::{SharedBatches, check_same},
};

/// What is measured of a network. The default is what it gets right on the images themselves.
#[derive(Debug, Clone, Default)]
pub struct EvaluationSettings {
    /// On which frequency components.
    pub components: ComponentRequest,
    /// On images that an adversary changed, too. Components stay those of unchanged images.
    pub attack: Option<Attack>,
    /// Also how the features before the linear layer separate classes.
    pub features: bool,
    /// What the densities of features are drawn over.
    pub projection: Projection,
}

/// One number of an image's features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Projection {
    /// The coordinate along the first principal axis of a component's features.
    #[default]
    Pc1,
    /// The mean activation.
    Mean,
}

impl EvaluationSettings {
    /// All components, in the order in which they are measured.
    pub fn plan(&self) -> ComponentPlan {
        let plan = self.components.plan(self.features);
        if self.attack.is_some() { plan.attacked() } else { plan }
    }
}

/// What was measured of a checkpoint.
#[derive(Debug)]
pub struct EvaluatedCheckpoint {
    /// The file.
    pub checkpoint: StoredCheckpoint,
    /// What figures call it.
    pub label: String,
    /// What it is, and what of it was taken from where.
    pub network: NetworkDescription,
    /// In the order of the plan.
    pub parts: Vec<EvaluatedComponent>,
}

/// What was measured of a network on one component.
#[derive(Debug)]
pub struct EvaluatedComponent {
    /// Which images.
    pub component: Component,
    /// What was right.
    pub scores: Scores,
    /// How features separate classes, where that is asked for.
    pub separation: Option<Separation>,
    /// Densities of features, where they are drawn.
    pub densities: Option<Densities>,
}

/// Evaluates networks on the same images.
///
/// ```
/// use analysis::{ComponentRequest, EvaluationSettings, Evaluator, Side};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session, fresh_network};
///
/// let test = Synthetic { seed: 0, train: 0, test: 20 }.generate().test;
/// let (profile, session) = (DatasetProfile::synthetic(), Session::default());
/// let network = fresh_network("resnet20".parse()?, 10, profile.normaliser, 0, &session.backend)?.freeze()?;
/// let components = ComponentRequest { sides: vec![Side::Low], radii: vec![4, 8], ..ComponentRequest::default() };
/// let settings = EvaluationSettings { components, ..EvaluationSettings::default() };
/// let parts = Evaluator::new(&settings, &test, &profile, "resnet20".parse()?, &session)?.of_network(&network)?;
/// assert_eq!(parts.iter().map(|part| part.component.name()).collect::<Vec<_>>(), ["original", "rescaled only", "low r = 4", "low r = 8"]);
/// assert_eq!(parts[2].scores.accuracy().of, 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Evaluator<'a> {
    settings: &'a EvaluationSettings,
    plan: ComponentPlan,
    images: &'a ImageSet,
    profile: &'a DatasetProfile,
    network: MeasuredNetwork,
    session: &'a Session,
    feed: DeviceFeed,
}

/// What rank 0 has to be evaluated: a checkpoint's number, and what numbers of it hold for.
type Task = (usize, String);

/// Labels, logits, and where they are asked for the width of features, and features.
type Outputs = (Vec<u32>, Vec<f32>, Option<(usize, Vec<f32>)>);

/// A mean loss that no network which learns has: the class that it takes is e^1000 times as likely to it as the right one.
const DIVERGED: f64 = 1000.0;

impl<'a> Evaluator<'a> {
    /// On these images, for networks of an architecture.
    ///
    /// # Errors
    /// If a component would hold none of the frequencies of the images or a band all of them, the attack may go farther than images reach, or
    /// features are asked for of images of one class.
    pub fn new(
        settings: &'a EvaluationSettings,
        images: &'a ImageSet,
        profile: &'a DatasetProfile,
        architecture: Architecture,
        session: &'a Session,
    ) -> Result<Self, Error> {
        Self::of_networks(settings, images, profile, architecture.into(), session)
    }

    /// The same for networks that may be an ONNX file's.
    ///
    /// # Errors
    /// As [`Evaluator::new`].
    pub fn of_networks(
        settings: &'a EvaluationSettings,
        images: &'a ImageSet,
        profile: &'a DatasetProfile,
        network: MeasuredNetwork,
        session: &'a Session,
    ) -> Result<Self, Error> {
        let (plan, shape) = (settings.plan(), images.shape());
        check_classes(settings, images)?;
        settings.components.check(&plan, [shape.height, shape.width])?;
        settings.attack.iter().try_for_each(|attack| check_attack(attack, shape))?;
        let feed = DeviceFeed::to(&session.backend);
        Ok(Self { settings, plan, images, profile, network, session, feed })
    }

    /// What is measured, in order.
    pub fn plan(&self) -> &ComponentPlan {
        &self.plan
    }

    pub(crate) fn settings(&self) -> &'a EvaluationSettings {
        self.settings
    }

    pub(crate) fn images(&self) -> &'a ImageSet {
        self.images
    }

    pub(crate) fn dataset(&self) -> &str {
        &self.profile.name
    }

    pub(crate) fn arch(&self) -> &str {
        self.network.name()
    }

    /// Evaluates checkpoints, each with what figures call it.
    ///
    /// On rank 0 of several, all others must call [`Evaluator::help`] with the same checkpoints.
    ///
    /// # Errors
    /// If a file cannot be read or holds another network, or the interrupt flag was set.
    pub fn of_checkpoints(
        &self,
        checkpoints: Vec<(StoredCheckpoint, String)>,
    ) -> Result<Vec<EvaluatedCheckpoint>, Error> {
        // All of a shelf before the first is measured.
        let files: Vec<StoredCheckpoint> =
            checkpoints.iter().map(|(checkpoint, _)| checkpoint.clone()).collect();
        let networks = describe_networks(&files, &self.spec())?;
        let identity = if self.session.ranks.is_alone() { String::new() } else { self.identity() };
        let each = checkpoints.into_iter().zip(networks).enumerate();
        let evaluated = each.map(|(index, ((checkpoint, label), network))| {
            Ok(EvaluatedCheckpoint {
                parts: self.of_checkpoint(&checkpoint, &label, index, &identity)?,
                checkpoint,
                label,
                network,
            })
        });
        let evaluated = evaluated.collect::<Result<Vec<_>, Error>>()?;
        self.session.ranks.announce(&None::<Task>)?;
        Ok(evaluated)
    }

    /// Computes what falls to this rank, one of several and not the first, while rank 0 is in [`Evaluator::of_checkpoints`] with the same
    /// checkpoints.
    ///
    /// # Errors
    /// If a checkpoint cannot be read or is not what rank 0 has, or the interrupt flag was set: whoever called this says so to rank 0.
    /// [`ranks::Error::Ended`] if rank 0 has ended the work.
    pub fn help(&self, checkpoints: &[StoredCheckpoint]) -> Result<(), Error> {
        let (ranks, identity) = (&self.session.ranks, self.identity());
        while let Some((index, of_first)) = ranks.await_from::<Option<Task>>(0)? {
            let Some(checkpoint) = checkpoints.get(index) else {
                return check_same(format!("{} checkpoints", checkpoints.len()), of_first);
            };
            check_same(format!("{identity} of {:08x}", self.network.checksum(checkpoint)?), of_first)?;
            let network = open_network(checkpoint, &self.spec(), self.session)?;
            for &component in &self.plan.components {
                self.share(&network, component, ranks, |_| Ok(()))?;
            }
        }
        Ok(())
    }

    /// What the numbers depend on beside the checkpoint.
    fn identity(&self) -> String {
        let (checksum, kernels) = (self.images.checksum(), self.session.kernels());
        let components: Vec<String> = self.plan.components.iter().map(|component| component.name()).collect();
        let (images, size) = (self.images.len(), self.profile.batch_size);
        format!("{images} images {checksum:08x} by {size} {kernels} {}", components.join(", "))
    }

    fn spec(&self) -> NetworkSpec<'_> {
        NetworkSpec::new(self.network.clone(), self.images, self.profile)
    }

    fn of_checkpoint(
        &self,
        checkpoint: &StoredCheckpoint,
        label: &str,
        index: usize,
        identity: &str,
    ) -> Result<Vec<EvaluatedComponent>, Error> {
        let ranks = &self.session.ranks;
        if !ranks.is_alone() {
            let checksum = self.network.checksum(checkpoint)?;
            ranks.announce(&Some((index, format!("{identity} of {checksum:08x}"))))?;
        }
        let network = open_network(checkpoint, &self.spec(), self.session)?;
        let in_place = |component: Component, error: Error| match error {
            error if error.is_interrupted() => error,
            error => Error::Component {
                path: checkpoint.path.clone(),
                component: component.name(),
                source: Box::new(error),
            },
        };
        let measure = |&component: &Component| {
            let part = self.component(&network, component, index, ranks);
            let part = part.map_err(|error| in_place(component, error))?;
            let percent = 100.0 * part.scores.accuracy().fraction().unwrap_or(0.0);
            self.session.progress.line(&format!("{label}  {:12} {percent:6.2} %", component.name()));
            Ok(part)
        };
        let parts = self.plan.components.iter().map(measure).collect::<Result<Vec<_>, Error>>()?;
        self.note_divergence(&checkpoint.path, &parts);
        Ok(parts)
    }

    /// Evaluates a network as it is.
    ///
    /// # Errors
    /// If it does not suit the images, or the interrupt flag was set.
    pub fn of_network(&self, network: &Frozen) -> Result<Vec<EvaluatedComponent>, Error> {
        let alone = Ranks::default();
        let components = self.plan.components.iter();
        components.map(|&component| self.component(network, component, 0, &alone)).collect()
    }

    /// A number for the loss of a network that has diverged looks like one of a network that has learned little.
    fn note_divergence(&self, path: &Path, parts: &[EvaluatedComponent]) {
        let loss = parts.first().and_then(|part| part.scores.loss());
        if let Some(loss) = loss.filter(|loss| *loss > DIVERGED) {
            self.session.progress.note(&format!(
                "{}: the loss is {loss:.1e}, where a guess has {:.1}: the network has diverged; train it anew with a smaller learning rate",
                path.display(),
                (self.images.classes().len() as f64).ln()
            ));
        }
    }

    /// The images of a component → logits and features → scores.
    fn component(
        &self,
        network: &Frozen,
        component: Component,
        index: usize,
        ranks: &Ranks,
    ) -> Result<EvaluatedComponent, Error> {
        let mut scores = Scores::new(self.images.classes().len())?;
        let mut features: Option<Features> = None;
        let label = format!("{}: {}", index + 1, component.name());
        let pass = self.session.progress.pass(&label, self.images.len());
        self.share(network, component, ranks, |(labels, logits, latent)| {
            scores.push(&logits, &labels)?;
            if let Some((width, latent)) = latent {
                let rows = match features.take() {
                    Some(rows) => rows,
                    None => Features::new(width)?,
                };
                features.insert(rows).push(&latent, &labels)?;
            }
            pass.advance(labels.len());
            Ok(pass.check()?)
        })?;
        let separation = features.as_ref().map(Features::separation).transpose()?;
        let drawn = features.filter(|_| self.plan.drawn.contains(&component));
        let densities = drawn.map(|features| self.densities(&features)).transpose()?;
        Ok(EvaluatedComponent { component, scores, separation, densities })
    }

    /// The outputs of this rank's batches; `add` hears of those of all ranks, on rank 0.
    fn share(
        &self,
        network: &Frozen,
        component: Component,
        ranks: &Ranks,
        add: impl FnMut(Outputs) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let attack = self.settings.attack.filter(|_| component == Component::Adversarial);
        let mut batches = self.batches(component, attack.is_some(), ranks)?;
        let (images, size) = (self.images, self.profile.batch_size);
        let next = || {
            let batch = batches.next().expect("each part is a batch")?;
            let images = match attack {
                Some(attack) => attacked(&attack, network, &batch),
                None => Ok(batch.images.clone()),
            };
            let found = images.and_then(|images| network.evaluate(&images, &batch.labels));
            let found = found.map_err(|error| out_of_memory(error, batch.len()))?;
            let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
            let latent = self.settings.features.then_some(&found.latent);
            let latent =
                latent.map(|latent| Ok::<_, Error>((latent.dim(1)?, numbers(latent)?))).transpose()?;
            Ok((batch.labels, numbers(&found.logits)?, latent))
        };
        SharedBatches { images, size, session: self.session, ranks }.each(0, next, add)
    }

    /// The images of a component on their way to the device; those that an adversary changes stay with it.
    fn batches(
        &self,
        component: Component,
        is_attacked: bool,
        ranks: &Ranks,
    ) -> Result<DeviceBatches<'_, Error>, Error> {
        let filter = self.filter(component)?;
        let batches = rank_batches(self.images, self.profile.batch_size, self.profile.workers, 0, ranks);
        let batches = batches.map(move |batch| {
            let mut batch = batch?;
            if let Some(filter) = &filter {
                batch.images = filter.apply(&batch.images)?;
            }
            Ok(batch)
        });
        if is_attacked { Ok(Box::new(on_host(batches))) } else { Ok(self.feed.batches(batches)?) }
    }

    fn filter(&self, component: Component) -> Result<Option<Filter>, Error> {
        let shape = self.images.shape();
        Ok(self.settings.components.filter_of(component, [shape.height, shape.width])?)
    }

    fn densities(&self, features: &Features) -> Result<Densities, Error> {
        let values = match self.settings.projection {
            Projection::Mean => features.mean_activation(),
            Projection::Pc1 => match Axis::from_features(features) {
                Ok(axis) => axis.project(features)?,
                // Black images all have the same features; the panel says so.
                Err(evaluation::Error::NoSpread { .. }) => vec![0.0; features.len()],
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Densities::new(&values, features.labels(), self.images.classes().len()))
    }
}

/// Features separate classes only where there are two.
fn check_classes(settings: &EvaluationSettings, images: &ImageSet) -> Result<(), Error> {
    let labels = images.labels();
    if !settings.features || labels.iter().any(|&label| label != labels[0]) {
        return Ok(());
    }
    Err(Error::OneClass { images: labels.len() })
}
