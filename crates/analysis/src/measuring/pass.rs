//! Going through the images once: batches and steps, on this rank and on others.

use std::cell::RefCell;

use datasets::{Batch, BatchOptions, Batches};
use models::Frozen;
use progress::Pass;
use ranks::{Dealt, Ranks, in_order};
use serde::{Deserialize, Serialize};

use super::{measure::Measure, subject::Subject};
use crate::{
    Error,
    sharing::{Found, SharedBatches},
};

/// How many steps for each rank a batch must have so that ranks share its steps, each with all batches. With fewer, ranks share the
/// batches.
const STEPS_TO_SHARE: usize = 8;

/// How far a network is measured.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Position<Sums> {
    /// How often the images were gone through.
    pub(super) pass: usize,
    /// The batch that is measured, and the next step of it.
    pub(super) batch: usize,
    pub(super) step: usize,
    /// Images of finished batches.
    pub(super) images: usize,
    /// The most that a finished pass went through: one that knows enough may end early.
    pub(super) measured: usize,
    pub(super) sums: Sums,
}

impl<Sums> Position<Sums> {
    pub(super) fn start(sums: Sums) -> Self {
        Self { pass: 0, batch: 0, step: 0, images: 0, measured: 0, sums }
    }
}

/// Who hears of each step that was added.
pub(super) type Added<'a, Sums> = dyn FnMut(&Position<Sums>) -> Result<(), Error> + 'a;

/// What is measured of a network, and by whom.
pub(super) struct Work<'a, M> {
    pub(super) measure: &'a M,
    pub(super) subject: &'a Subject<'a>,
    pub(super) network: &'a Frozen,
    pub(super) ranks: &'a Ranks,
}

impl<M: Measure> Work<'_, M> {
    /// Goes through the images from a position on, which moves with every step that is added; `added` hears of each.
    pub(super) fn one_pass(
        &self,
        position: &mut Position<M::Sums>,
        shown: &Pass<'_>,
        added: &mut Added<'_, M::Sums>,
    ) -> Result<(), Error> {
        let steps = self.steps(position);
        if !self.measure.is_shared(position.pass) {
            return self.draw(position, shown, added);
        }
        self.share(position, |position, batch, found| {
            if !self.ranks.is_alone() {
                shown.check()?;
            }
            self.measure.add(batch, position.step, found, &mut position.sums);
            position.step += 1;
            shown.advance(batch.len());
            if position.step == steps {
                position.images += batch.len();
                (position.batch, position.step) = (position.batch + 1, 0);
            }
            added(position)
        })
    }

    /// Computes what falls to this rank, for rank 0 to add.
    pub(super) fn help(&self, position: &mut Position<M::Sums>) -> Result<(), Error> {
        if !self.measure.is_shared(position.pass) {
            return Ok(());
        }
        self.share(position, |_, _, _| Ok(()))
    }

    /// Goes through the images on this rank alone, in the measure's own order, until it knows enough.
    fn draw(
        &self,
        position: &mut Position<M::Sums>,
        shown: &Pass<'_>,
        added: &mut Added<'_, M::Sums>,
    ) -> Result<(), Error> {
        let (measure, images) = (self.measure, self.subject.images);
        let (steps, batch_size) = (self.steps(position), self.subject.profile.batch_size.max(1));
        let (order, start_batch) = (measure.order(position.pass), position.batch);
        let workers = self.subject.profile.workers;
        let options = BatchOptions { batch_size, order, workers, start_batch, ..BatchOptions::default() };
        let places = order.permutation(images.len()).map(|images| inverse(&images));
        let place = |image: usize| places.as_ref().map_or(image, |places| places[image]);
        if measure.is_known(&position.sums) {
            return Ok(());
        }
        for batch in images.batches(options) {
            let batch = batch?;
            let own = batch.indices.first().map_or(position.batch, |&image| place(image) / batch_size);
            if own != position.batch {
                (position.batch, position.step) = (own, 0);
            }
            while position.step < steps {
                shown.check()?;
                let found = measure.find(self.network, &batch, position.step, &position.sums)?;
                measure.add(&batch, position.step, found, &mut position.sums);
                position.step += 1;
                shown.advance(batch.len());
                added(position)?;
            }
            position.images += batch.len();
            (position.batch, position.step) = (own + 1, 0);
            if measure.is_known(&position.sums) {
                break;
            }
        }
        Ok(())
    }

    fn steps(&self, position: &Position<M::Sums>) -> usize {
        self.measure.passes().get(position.pass).copied().unwrap_or(0)
    }

    fn share(
        &self,
        position: &mut Position<M::Sums>,
        mut add: impl FnMut(&mut Position<M::Sums>, &Batch, M::Found) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (images, session, ranks) = (self.subject.images, self.subject.session, self.ranks);
        let shared = SharedBatches { images, size: self.subject.profile.batch_size.max(1), session, ranks };
        let steps = self.steps(position);
        let run = if steps >= STEPS_TO_SHARE * ranks.size() { 1 } else { steps };
        let parts = position.batch * steps + position.step..shared.count() * steps;
        let dealt = Dealt { ranks, parts, run };
        let mut reader = Reader::new(self.subject, &dealt, steps);
        // Computing reads the sums of earlier passes, adding changes those of this one, and neither happens while the other does.
        let position = RefCell::new(position);
        let compute = |part: usize| {
            session.progress.check()?;
            let batch = reader.batch(part / steps)?;
            let found = self.measure.find(self.network, batch, part % steps, &position.borrow().sums)?;
            Ok((images.left_out_of(shared.images_of(part / steps)), found))
        };
        in_order(&dealt, compute, |part, (left_out, found): Found<M::Found>| {
            let batch = without_pixels(&shared, part / steps, &left_out);
            images.note_left_out(left_out);
            add(&mut position.borrow_mut(), &batch, found)
        })
    }
}

/// By image: its place in an order.
fn inverse(images: &[usize]) -> Vec<usize> {
    let mut places = vec![0; images.len()];
    images.iter().enumerate().for_each(|(place, &image)| places[image] = place);
    places
}

/// A batch that any rank may have read.
fn without_pixels(shared: &SharedBatches<'_>, batch: usize, left_out: &[(usize, String)]) -> Batch {
    let is_there = |index: &usize| left_out.iter().all(|(other, _)| other != index);
    let indices: Vec<usize> = shared.images_of(batch).filter(is_there).collect();
    let labels = indices.iter().map(|&index| shared.images.labels()[index]).collect();
    Batch { images: Vec::new(), labels, indices, views: Vec::new(), shape: shared.images.shape() }
}

/// The batches that parts of this rank are of.
struct Reader {
    batches: Batches,
    /// The number of the next one, and how far they are apart.
    next: usize,
    every: usize,
    current: Option<(usize, Batch)>,
}

impl Reader {
    fn new(subject: &Subject<'_>, dealt: &Dealt<'_>, steps: usize) -> Self {
        let every = if dealt.run == steps { dealt.ranks.size() } else { 1 };
        let next = dealt.own().next().unwrap_or(dealt.parts.end) / steps.max(1);
        let (batch_size, workers) = (subject.profile.batch_size.max(1), subject.profile.workers);
        let options =
            BatchOptions { batch_size, workers, start_batch: next, every, ..BatchOptions::default() };
        Self { batches: subject.images.batches(options), next, every, current: None }
    }

    fn batch(&mut self, wanted: usize) -> Result<&Batch, Error> {
        while self.current.as_ref().is_none_or(|(number, _)| *number != wanted) {
            let batch = self.batches.next().expect("a part is of a batch")?;
            self.current = Some((self.next, batch));
            self.next += self.every;
        }
        Ok(self.current.as_ref().map(|(_, batch)| batch).expect("just read"))
    }
}
