//! What networks get right, on images and on what is left of them at low or high frequencies (Lin, Gao & Sang, IJCAI 2022,
//! hypothesis II).

use std::{path::Path, time::Instant};

use candle_core::Tensor;
use datasets::ImageSet;
use evaluation::{Axis, Features, Scores};
use models::{Architecture, Frozen};
use pipeline::{
    DatasetProfile, DeviceBatches, DeviceFeed, MeasuredNetwork, NetworkSpec, Session, attacked, check_attack,
    describe_networks, on_host, open_network, out_of_memory, rank_batches,
};
use ranks::Ranks;
use runs::StoredCheckpoint;
use serde_json::Value;
use spectral::Filter;

use super::{
    component::{Component, ComponentPlan},
    densities::Densities,
    evaluated::{EvaluatedCheckpoint, EvaluatedComponent, Keep, KeptComponent, Position},
    settings::{EvaluationSettings, Projection},
};
use crate::{
    Error,
    partial::{KEEP_EVERY, PartialMeasure, read},
    sharing::{SharedBatches, check_same},
};

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

/// What rank 0 has to be evaluated: a checkpoint's number, what numbers of it hold for, which component of the plan, and the first batch
/// that is not measured yet.
type Task = (usize, String, usize, usize);

/// Labels, logits, and where they are asked for the width of features, and features.
type Outputs = (Vec<u32>, Vec<f32>, Option<(usize, Vec<f32>)>);

/// What the file of an unfinished evaluation is called.
const PARTIAL: &str = "evaluation";

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
        self.evaluate(checkpoints, None)
    }

    /// The same, resumable: finished components, and where no features are asked for the counts of the one that is measured, are kept in
    /// the folder `output` until [`PartialMeasure::remove`] is called. They hold for the same file, images and settings only.
    ///
    /// # Errors
    /// As [`Evaluator::of_checkpoints`]; [`Error::MeasureInterrupted`] if the interrupt flag was set.
    pub fn resume(
        &self,
        checkpoints: Vec<(StoredCheckpoint, String)>,
        output: &Path,
    ) -> Result<(Vec<EvaluatedCheckpoint>, PartialMeasure), Error> {
        let mut partial = PartialMeasure::open(self.images, output, PARTIAL, self.identity());
        Ok((self.evaluate(checkpoints, Some(&mut partial))?, partial))
    }

    fn evaluate(
        &self,
        checkpoints: Vec<(StoredCheckpoint, String)>,
        mut partial: Option<&mut PartialMeasure>,
    ) -> Result<Vec<EvaluatedCheckpoint>, Error> {
        // All of a shelf before the first is measured.
        let files: Vec<StoredCheckpoint> =
            checkpoints.iter().map(|(checkpoint, _)| checkpoint.clone()).collect();
        let networks = describe_networks(&files, &self.spec())?;
        let (identity, mut evaluated) = (self.identity(), Vec::with_capacity(files.len()));
        for (index, ((checkpoint, label), network)) in checkpoints.into_iter().zip(networks).enumerate() {
            let parts = self.of_checkpoint(&checkpoint, (index, &label), &identity, partial.as_deref_mut());
            let parts = parts.map_err(|error| match error.is_interrupted() && partial.is_some() {
                true => Error::MeasureInterrupted { finished: index },
                false => error,
            })?;
            evaluated.push(EvaluatedCheckpoint { checkpoint, label, network, parts });
        }
        self.session.ranks.announce(&None::<Task>)?;
        Ok(evaluated)
    }

    /// Computes what falls to this rank, one of several and not the first, while rank 0 is in [`Evaluator::of_checkpoints`] or
    /// [`Evaluator::resume`] with the same checkpoints.
    ///
    /// # Errors
    /// If a checkpoint cannot be read or is not what rank 0 has, or the interrupt flag was set: whoever called this says so to rank 0.
    /// [`ranks::Error::Ended`] if rank 0 has ended the work.
    pub fn help(&self, checkpoints: &[StoredCheckpoint]) -> Result<(), Error> {
        let (ranks, identity) = (&self.session.ranks, self.identity());
        let mut open: Option<(usize, Frozen)> = None;
        while let Some((index, of_first, number, from)) = ranks.await_from::<Option<Task>>(0)? {
            let Some(checkpoint) = checkpoints.get(index) else {
                return check_same(format!("{} checkpoints", checkpoints.len()), of_first);
            };
            check_same(format!("{identity} of {:08x}", self.network.checksum(checkpoint)?), of_first)?;
            let network = match open.take().filter(|(of, _)| *of == index) {
                Some((_, network)) => network,
                None => open_network(checkpoint, &self.spec(), self.session)?,
            };
            // The same identity has the same components.
            if let Some(&component) = self.plan.components.get(number) {
                self.share(&network, component, ranks, from, |_| Ok(()))?;
            }
            open = Some((index, network));
        }
        Ok(())
    }

    /// What the numbers depend on beside the checkpoint.
    fn identity(&self) -> String {
        let (checksum, kernels) = (self.images.checksum(), self.session.kernels());
        let components: Vec<String> = self.plan.components.iter().map(|component| component.name()).collect();
        let (images, size, arch) = (self.images.len(), self.profile.batch_size, self.network.name());
        let given = self.profile.given_normaliser.map(|given| (given.mean(), given.std()));
        let outputs = self.images.outputs().map(|outputs| outputs.indices().to_vec());
        let (components, settings) = (components.join(", "), self.settings);
        format!(
            "{arch} {images} images {checksum:08x} by {size} {kernels} {components} {settings:?} {given:?} outputs {outputs:?}"
        )
    }

    fn spec(&self) -> NetworkSpec<'_> {
        NetworkSpec::new(self.network.clone(), self.images, self.profile)
    }

    fn of_checkpoint(
        &self,
        checkpoint: &StoredCheckpoint,
        (index, label): (usize, &str),
        identity: &str,
        mut partial: Option<&mut PartialMeasure>,
    ) -> Result<Vec<EvaluatedComponent>, Error> {
        let (ranks, classes) = (&self.session.ranks, self.images.classes().len());
        let checksum = self.network.checksum(checkpoint)?;
        let (mut network, mut parts) = (None, Vec::with_capacity(self.plan.components.len()));
        for (number, &component) in self.plan.components.iter().enumerate() {
            let kept = partial.as_deref().and_then(|partial| partial.row(checksum, number)).and_then(read);
            let kept = kept.and_then(|kept: KeptComponent| kept.into_evaluated(component, classes));
            let part = match kept {
                Some(part) => part,
                None => {
                    if network.is_none() {
                        network = Some(open_network(checkpoint, &self.spec(), self.session)?);
                    }
                    let network = network.as_ref().expect("it was opened");
                    let begun = partial.as_deref().and_then(|partial| self.begun(partial, checksum, number));
                    let begun = begun.unwrap_or_default();
                    if !ranks.is_alone() {
                        let of_task = format!("{identity} of {checksum:08x}");
                        ranks.announce(&Some((index, of_task, number, begun.batch)))?;
                    }
                    let named = format!("{}: {}", index + 1, component.name());
                    let part = self.component(network, (component, &named), ranks, begun, &mut |position| {
                        let Some(partial) = partial.as_deref_mut() else { return Ok(()) };
                        partial.keep(checksum, number, serde_json::to_value(position)?)
                    });
                    part.map_err(|error| in_place(checkpoint, component, error))?
                }
            };
            if let Some(partial) = partial.as_deref_mut() {
                partial.push(checksum, number, part.kept())?;
            }
            let percent = 100.0 * part.scores.accuracy().fraction().unwrap_or(0.0);
            self.session.progress.line(&format!("{label}  {:12} {percent:6.2} %", component.name()));
            parts.push(part);
        }
        self.note_divergence(&checkpoint.path, &parts);
        Ok(parts)
    }

    /// How far a component was measured.
    fn begun(&self, partial: &PartialMeasure, checksum: u32, number: usize) -> Option<Position> {
        // What the images are is not known before the first: anything may be kept.
        read(partial.progress(checksum, number, &Value::Null)?)
    }

    /// Evaluates a network as it is.
    ///
    /// # Errors
    /// If it does not suit the images, or the interrupt flag was set.
    pub fn of_network(&self, network: &Frozen) -> Result<Vec<EvaluatedComponent>, Error> {
        let each = self.plan.components.iter().map(|&component| {
            let (label, start) = (component.name(), Position::default());
            self.component(network, (component, &label), &Ranks::default(), start, &mut |_| Ok(()))
        });
        each.collect()
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

    /// The images of a component → logits and features → scores, from where an earlier evaluation stopped. `keep` is called now and then,
    /// and when the work is stopped.
    fn component(
        &self,
        network: &Frozen,
        (component, label): (Component, &str),
        ranks: &Ranks,
        begun: Position,
        keep: &mut Keep<'_>,
    ) -> Result<EvaluatedComponent, Error> {
        let Position { mut batch, scores } = begun;
        let mut scores = Scores::from_counts(self.images.classes().len(), &scores)?;
        let mut features: Option<Features> = None;
        let pass = self.session.progress.pass(label, self.images.len());
        if batch > 0 {
            pass.set_position(batch.saturating_mul(self.profile.batch_size).min(self.images.len()) as u64);
        }
        let mut kept = Instant::now();
        let done = self.share(network, component, ranks, batch, |(labels, logits, latent)| {
            scores.push(&logits, &labels)?;
            batch += 1;
            if let Some((width, latent)) = latent {
                let rows = match features.take() {
                    Some(rows) => rows,
                    None => Features::new(width)?,
                };
                features.insert(rows).push(&latent, &labels)?;
            } else if kept.elapsed() > KEEP_EVERY {
                keep(&Position { batch, scores: scores.counts() })?;
                kept = Instant::now();
            }
            pass.advance(labels.len());
            Ok(pass.check()?)
        });
        if done.as_ref().is_err_and(Error::is_interrupted) && !self.settings.features {
            keep(&Position { batch, scores: scores.counts() })?;
        }
        done?;
        let separation = features.as_ref().map(Features::separation).transpose()?;
        let drawn = features.filter(|_| self.plan.drawn.contains(&component));
        let densities = drawn.map(|features| self.densities(&features)).transpose()?;
        Ok(EvaluatedComponent { component, scores, separation, densities })
    }

    /// The outputs of this rank's batches from one on; `add` hears of those of all ranks, on rank 0.
    fn share(
        &self,
        network: &Frozen,
        component: Component,
        ranks: &Ranks,
        from: usize,
        add: impl FnMut(Outputs) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let attack = self.settings.attack.filter(|_| component == Component::Adversarial);
        let mut batches = self.batches(component, attack.is_some(), from, ranks)?;
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
        SharedBatches { images, size, session: self.session, ranks }.each(from, next, add)
    }

    /// The images of a component on their way to the device; those that an adversary changes stay with it.
    fn batches(
        &self,
        component: Component,
        is_attacked: bool,
        from: usize,
        ranks: &Ranks,
    ) -> Result<DeviceBatches<'_, Error>, Error> {
        let filter = self.filter(component)?;
        let batches = rank_batches(self.images, self.profile.batch_size, self.profile.workers, from, ranks);
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

/// Names the checkpoint and the component of an error.
fn in_place(checkpoint: &StoredCheckpoint, component: Component, error: Error) -> Error {
    if error.is_interrupted() {
        return error;
    }
    Error::Component { path: checkpoint.path.clone(), component: component.name(), source: Box::new(error) }
}

/// Features separate classes only where there are two.
fn check_classes(settings: &EvaluationSettings, images: &ImageSet) -> Result<(), Error> {
    let labels = images.labels();
    if !settings.features || labels.iter().any(|&label| label != labels[0]) {
        return Ok(());
    }
    Err(Error::OneClass { images: labels.len() })
}
