//! The loop: checkpoints, batches, steps.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use datasets::BatchOptions;
use models::Frozen;
use progress::Pass;
use runs::StoredCheckpoint;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{measure::Measure, partial::PartialMeasure, subject::Subject};
use crate::Error;

/// How long work may take until it is kept: what a power failure costs.
const KEEP_EVERY: Duration = Duration::from_secs(20);

/// What was found of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredRow<Row> {
    /// 0-based.
    pub epoch: usize,
    /// The file.
    pub checkpoint: PathBuf,
    /// How many images were measured: all but damaged ones.
    pub images: usize,
    /// What was found.
    pub row: Row,
}

/// How far a network is measured.
#[derive(Debug, Serialize, Deserialize)]
struct Position<Sums> {
    /// How often the images were gone through.
    pass: usize,
    /// The batch that is measured, and the next step of it.
    batch: usize,
    step: usize,
    /// Images of finished batches.
    images: usize,
    /// The most that a finished pass went through: one that knows enough may end early.
    measured: usize,
    sums: Sums,
}

/// A finished row as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Finished<Row> {
    images: usize,
    row: Row,
}

/// All rows of a measure.
type Rows<M> = Vec<MeasuredRow<<M as Measure>::Row>>;

/// Writes how far a network is measured.
type Keep<'a, Sums> = dyn FnMut(&Position<Sums>) -> Result<(), Error> + 'a;

impl<Sums> Position<Sums> {
    fn start(sums: Sums) -> Self {
        Self { pass: 0, batch: 0, step: 0, images: 0, measured: 0, sums }
    }
}

/// Measures each checkpoint, resumable: what is measured is kept in the folder `output` until [`PartialMeasure::remove`] is called.
///
/// # Errors
/// If a checkpoint cannot be read or measured; [`Error::MeasureInterrupted`] if the interrupt flag was set.
pub fn resume_measure<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    checkpoints: &[StoredCheckpoint],
    output: &Path,
) -> Result<(Rows<M>, PartialMeasure), Error> {
    let settings = format!("{} {}", subject.identity(), measure.settings());
    let mut partial = PartialMeasure::open(output, M::NAME, settings);
    let mut rows: Rows<M> = Vec::new();
    for (index, checkpoint) in checkpoints.iter().enumerate() {
        let label = format!("epoch {} ({}/{})", checkpoint.epoch, index + 1, checkpoints.len());
        let finished = of_checkpoint(measure, subject, checkpoint, &label, &mut partial);
        let Finished { images, row } = finished.map_err(|error| match error {
            Error::Interrupted(_) => Error::MeasureInterrupted { finished: rows.len() },
            error => error,
        })?;
        subject.session.progress.line(&format!("epoch {:3}  {}", checkpoint.epoch, measure.line(&row)));
        let (epoch, checkpoint) = (checkpoint.epoch, checkpoint.path.clone());
        rows.push(MeasuredRow { epoch, checkpoint, images, row });
    }
    Ok((rows, partial))
}

/// Measures a network as it is.
///
/// # Errors
/// If it does not suit the images, or the interrupt flag was set.
pub fn measure_network<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    network: &Frozen,
) -> Result<M::Row, Error> {
    let mut position = Position::start(measure.start());
    go_on(measure, subject, network, "network", &mut position, &mut |_| Ok(()))?;
    measure.row(position.sums, "the network")
}

fn of_checkpoint<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    checkpoint: &StoredCheckpoint,
    label: &str,
    partial: &mut PartialMeasure,
) -> Result<Finished<M::Row>, Error> {
    let (checksum, epoch) = (subject.checksum(checkpoint)?, checkpoint.epoch);
    let finished = match partial.row(checksum, epoch).and_then(read) {
        Some(finished) => finished,
        None => {
            let start = Position::start(measure.start());
            let found = partial.progress(checksum, epoch, &serde_json::to_value(&start)?).and_then(read);
            let mut position = found.unwrap_or(start);
            let network = subject.open(checkpoint)?;
            go_on(measure, subject, &network, label, &mut position, &mut |position| {
                partial.keep(checksum, epoch, serde_json::to_value(position)?)
            })?;
            let row = measure.row(position.sums, &checkpoint.path.display().to_string())?;
            Finished { images: position.measured, row }
        }
    };
    partial.push(checksum, epoch, serde_json::to_value(&finished)?)?;
    Ok(finished)
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// Measures from a position to the end. `keep` is called now and then, and when the work is stopped.
fn go_on<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    network: &Frozen,
    label: &str,
    position: &mut Position<M::Sums>,
    keep: &mut Keep<'_, M::Sums>,
) -> Result<(), Error> {
    let (passes, count) = (measure.passes(), subject.images.len());
    let all = passes.iter().fold(0usize, |sum, &steps| sum.saturating_add(count.saturating_mul(steps)));
    let pass = subject.session.progress.pass(label, all);
    if (position.pass, position.batch, position.step) != (0, 0, 0) {
        let before: usize = passes.iter().take(position.pass).map(|steps| count * steps).sum();
        let steps = passes.get(position.pass).copied().unwrap_or(0);
        let own = position.images * steps + position.step * subject.profile.batch_size.max(1);
        pass.set_position((before + own) as u64);
    }
    let mut kept = Instant::now();
    while let Some(&steps) = passes.get(position.pass) {
        one_pass(
            measure,
            subject,
            network,
            steps,
            position,
            &mut Keeping { pass: &pass, kept: &mut kept, keep },
        )?;
        position.pass += 1;
        position.measured = position.measured.max(position.images);
        // Of a pass that was broken off, because all is known, the rest is done, too.
        let until: usize = passes.iter().take(position.pass).map(|steps| count * steps).sum();
        pass.set_position(until as u64);
        if position.pass < passes.len() {
            measure.next_pass(&mut position.sums);
            (position.batch, position.images) = (0, 0);
        }
    }
    Ok(())
}

/// Where the work is shown and kept.
struct Keeping<'a, 'b, Sums> {
    pass: &'a Pass<'b>,
    kept: &'a mut Instant,
    keep: &'a mut Keep<'b, Sums>,
}

/// Goes through the images from a position on.
fn one_pass<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    network: &Frozen,
    steps: usize,
    position: &mut Position<M::Sums>,
    keeping: &mut Keeping<'_, '_, M::Sums>,
) -> Result<(), Error> {
    let size = subject.profile.batch_size.max(1);
    let workers = subject.profile.workers;
    let (order, start_batch) = (measure.order(position.pass), position.batch);
    let options = BatchOptions { batch_size: size, order, workers, start_batch, ..BatchOptions::default() };
    let places = order.permutation(subject.images.len()).map(|images| inverse(&images));
    let place = |image: usize| places.as_ref().map_or(image, |places| places[image]);
    if measure.is_known(&position.sums) {
        return Ok(());
    }
    for batch in subject.images.batches(options) {
        let batch = batch?;
        let own = batch.indices.first().map_or(position.batch, |&image| place(image) / size);
        if own != position.batch {
            (position.batch, position.step) = (own, 0);
        }
        while position.step < steps {
            stop_here(keeping.pass, position, keeping.keep)?;
            measure.step(network, &batch, position.step, &mut position.sums)?;
            position.step += 1;
            keeping.pass.advance(batch.len());
            if keeping.kept.elapsed() > KEEP_EVERY {
                (keeping.keep)(position)?;
                *keeping.kept = Instant::now();
            }
        }
        position.images += batch.len();
        (position.batch, position.step) = (own + 1, 0);
        if measure.is_known(&position.sums) {
            break;
        }
    }
    Ok(())
}

/// By image: its place in an order.
fn inverse(images: &[usize]) -> Vec<usize> {
    let mut places = vec![0; images.len()];
    images.iter().enumerate().for_each(|(place, &image)| places[image] = place);
    places
}

/// Keeps what there is and ends the work, if the interrupt flag is set.
fn stop_here<Sums>(
    pass: &Pass<'_>,
    position: &Position<Sums>,
    keep: &mut Keep<'_, Sums>,
) -> Result<(), Error> {
    let Err(interrupted) = pass.check() else { return Ok(()) };
    keep(position)?;
    Err(interrupted.into())
}
