//! The loop: checkpoints, batches, steps.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use models::Frozen;
use progress::Pass;
use ranks::Ranks;
use runs::StoredCheckpoint;
use serde::{Deserialize, Serialize};

use super::{
    measure::Measure,
    pass::{Position, Work},
    subject::Subject,
};
use crate::{
    Error,
    partial::{KEEP_EVERY, PartialMeasure, read},
    sharing::check_same,
};

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

/// What rank 0 has to be measured: a checkpoint's number, what finished numbers of it hold for, and how far it is measured.
type Task = (usize, String, String);

/// Measures each checkpoint, resumable: what is measured is kept in the folder `output` until [`PartialMeasure::remove`] is called.
///
/// On rank 0 of several, all others must call [`help_measure`] with the same measure, subject and checkpoints.
///
/// # Errors
/// If a checkpoint cannot be read or measured; [`Error::MeasureInterrupted`] if the interrupt flag was set.
pub fn resume_measure<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    checkpoints: &[StoredCheckpoint],
    output: &Path,
) -> Result<(Rows<M>, PartialMeasure), Error> {
    let mut partial = PartialMeasure::open(subject.images, output, M::NAME, settings_of(measure, subject));
    let mut rows: Rows<M> = Vec::new();
    for (index, checkpoint) in checkpoints.iter().enumerate() {
        let label = format!("epoch {} ({}/{})", checkpoint.epoch, index + 1, checkpoints.len());
        let finished = of_checkpoint(measure, subject, (index, checkpoint), &label, &mut partial);
        let Finished { images, row } = finished.map_err(|error| {
            let finished = rows.len();
            if error.is_interrupted() { Error::MeasureInterrupted { finished } } else { error }
        })?;
        subject.session.progress.line(&format!("epoch {:3}  {}", checkpoint.epoch, measure.line(&row)));
        let (epoch, checkpoint) = (checkpoint.epoch, checkpoint.path.clone());
        rows.push(MeasuredRow { epoch, checkpoint, images, row });
    }
    subject.session.ranks.announce(&None::<Task>)?;
    Ok((rows, partial))
}

/// Computes what falls to this rank, one of several and not the first, while rank 0 is in [`resume_measure`]. Nothing is written.
///
/// # Errors
/// If a checkpoint cannot be read or measured or is not what rank 0 has, or the interrupt flag was set: whoever called this says so to rank
/// 0. [`ranks::Error::Ended`] if rank 0 has ended the work.
pub fn help_measure<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    checkpoints: &[StoredCheckpoint],
) -> Result<(), Error> {
    let (ranks, settings) = (&subject.session.ranks, settings_of(measure, subject));
    let mut open: Option<(usize, Frozen)> = None;
    while let Some((index, of_first, position)) = ranks.await_from::<Option<Task>>(0)? {
        let Some(checkpoint) = checkpoints.get(index) else {
            return check_same(format!("{} checkpoints", checkpoints.len()), of_first);
        };
        check_same(identity(&settings, subject.checksum(checkpoint)?), of_first)?;
        let network = match open.take().filter(|(of, _)| *of == index) {
            Some((_, network)) => network,
            None => subject.open(checkpoint)?,
        };
        let mut position = serde_json::from_str(&position)?;
        Work { measure, subject, network: &network, ranks }.help(&mut position)?;
        open = Some((index, network));
    }
    Ok(())
}

fn settings_of<M: Measure>(measure: &M, subject: &Subject<'_>) -> String {
    format!("{} {}", subject.identity(), measure.settings())
}

/// What numbers of a checkpoint hold for.
fn identity(settings: &str, checksum: u32) -> String {
    format!("{settings} of {checksum:08x}")
}

/// Measures a network as it is, on this rank alone.
///
/// # Errors
/// If it does not suit the images, or the interrupt flag was set.
pub fn measure_network<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    network: &Frozen,
) -> Result<M::Row, Error> {
    let mut position = Position::start(measure.start());
    let work = Work { measure, subject, network, ranks: &Ranks::default() };
    go_on(&work, "network", &mut position, &|_| Ok(()), &mut |_| Ok(()))?;
    measure.row(position.sums, "the network")
}

fn of_checkpoint<M: Measure>(
    measure: &M,
    subject: &Subject<'_>,
    (index, checkpoint): (usize, &StoredCheckpoint),
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
            let (network, ranks) = (subject.open(checkpoint)?, &subject.session.ranks);
            let of_task = identity(partial.settings(), checksum);
            let announce = |position: &Position<M::Sums>| {
                if !ranks.is_alone() {
                    ranks.announce(&Some((index, of_task.clone(), serde_json::to_string(position)?)))?;
                }
                Ok(())
            };
            let work = Work { measure, subject, network: &network, ranks };
            go_on(&work, label, &mut position, &announce, &mut |position| {
                partial.keep(checksum, epoch, serde_json::to_value(position)?)
            })?;
            let row = measure.row(position.sums, &checkpoint.path.display().to_string())?;
            Finished { images: position.measured, row }
        }
    };
    partial.push(checksum, epoch, serde_json::to_value(&finished)?)?;
    Ok(finished)
}

/// Says to other ranks where the work stands.
type Announce<'a, Sums> = dyn Fn(&Position<Sums>) -> Result<(), Error> + 'a;

/// Measures from a position to the end. Each time before the images are gone through, others hear by `announce` where the work stands.
/// `keep` is called now and then, and when the work is stopped.
fn go_on<M: Measure>(
    work: &Work<'_, M>,
    label: &str,
    position: &mut Position<M::Sums>,
    announce: &Announce<'_, M::Sums>,
    keep: &mut Keep<'_, M::Sums>,
) -> Result<(), Error> {
    let (passes, count) = (work.measure.passes(), work.subject.images.len());
    let all = passes.iter().fold(0usize, |sum, &steps| sum.saturating_add(count.saturating_mul(steps)));
    let pass = work.subject.session.progress.pass(label, all);
    set_position(&pass, work, position);
    let mut kept = Instant::now();
    while position.pass < passes.len() {
        announce(position)?;
        let done = work.one_pass(position, &pass, &mut |position| {
            if kept.elapsed() > KEEP_EVERY {
                keep(position)?;
                kept = Instant::now();
            }
            Ok(())
        });
        if let Err(error) = done {
            if error.is_interrupted() {
                keep(position)?;
            }
            return Err(error);
        }
        position.pass += 1;
        position.measured = position.measured.max(position.images);
        // Of a pass that was broken off, because all is known, the rest is done, too.
        let until: usize = passes.iter().take(position.pass).map(|steps| count * steps).sum();
        pass.set_position(until as u64);
        if position.pass < passes.len() {
            work.measure.next_pass(&mut position.sums);
            (position.batch, position.images) = (0, 0);
        }
    }
    Ok(())
}

/// Shows how far a measurement is that is resumed.
fn set_position<M: Measure>(pass: &Pass<'_>, work: &Work<'_, M>, position: &Position<M::Sums>) {
    if (position.pass, position.batch, position.step) == (0, 0, 0) {
        return;
    }
    let (passes, count) = (work.measure.passes(), work.subject.images.len());
    let before: usize = passes.iter().take(position.pass).map(|steps| count * steps).sum();
    let steps = passes.get(position.pass).copied().unwrap_or(0);
    let own = position.images * steps + position.step * work.subject.profile.batch_size.max(1);
    pass.set_position((before + own) as u64);
}
