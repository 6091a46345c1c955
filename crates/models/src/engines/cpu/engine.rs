//! A network as the CPU runs it.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use kernels::{
    Precision,
    blocked::{Arena, BlockSums, Blocked, Convolution, InstructionSet},
};

use super::leaving::{Leaving, Named};
use crate::{
    dropout::StepKey,
    error::Error,
    graph::{Graph, parameter},
    normaliser::Normaliser,
    plan::{Kind, Mode, Plan, Plans, Purpose, Slot, Weights, filter},
    sharing::Share,
    stopwatch::Stopwatch,
};

/// A network as it runs: its plans and its buffers.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) plans: Plans,
    pub(super) arena: Arena,
    pub(super) instructions: InstructionSet,
    pub(super) normaliser: Normaliser,
    pub(super) stopwatch: OnceLock<Arc<Stopwatch>>,
    precision: Precision,
}

/// A pass over a network: with which weights, and what for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) weights: &'a Weights<'a>,
    pub(super) packed: &'a Packed,
    pub(super) mode: Mode,
    pub(super) purpose: Purpose,
    /// What decides which values dropout keeps.
    pub(super) key: StepKey,
    /// The share of the batch that this process has, if it has not all.
    pub(super) share: Option<&'a Share<'a>>,
}

impl Pass<'_> {
    /// Sums that batch-norm's statistics are made of, and of how many images: of the whole batch, or of the `own` images.
    pub(super) fn statistics(&self, sums: BlockSums, own: usize) -> Result<(BlockSums, usize), Error> {
        match self.share {
            Some(share) if !share.has_own_statistics() => Ok((share.sums(&sums)?, share.images)),
            _ => Ok((sums, own)),
        }
    }

    /// Gradients from what was made of [`Pass::statistics`], whose images are all, or those of each process.
    pub(super) fn of_statistics<'b>(
        &self,
        sums: Vec<f64>,
        made: impl FnOnce(&BlockSums) -> Named + 'b,
    ) -> Leaving<'b> {
        let sums = BlockSums::new(sums.len(), sums);
        match self.share {
            Some(share) if share.has_own_statistics() => Leaving::OneEach(sums, Box::new(made)),
            _ => Leaving::Whole(made(&sums)),
        }
    }

    pub(super) fn weight(&self, module: &str, name: &str) -> &[f32] {
        self.weights[parameter(module, name).as_str()]
    }
}

/// The convolutions of a network with their weights packed, by slot, and what is added to the results of those with an epilogue.
#[derive(Debug, Default)]
pub(super) struct Packed {
    pub(super) convolutions: BTreeMap<Slot, Convolution>,
    pub(super) shifts: BTreeMap<Slot, Vec<f32>>,
}

impl Engine {
    /// An engine for a graph.
    pub(super) fn new(graph: &Graph, normaliser: Normaliser, precision: Precision) -> Self {
        Self {
            plans: Plans::new(graph),
            arena: Arena::default(),
            instructions: InstructionSet::current(),
            normaliser,
            stopwatch: OnceLock::new(),
            precision,
        }
    }

    pub(super) fn plan(&self, purpose: Purpose) -> &Plan {
        self.plans.plan_for(purpose)
    }

    /// Packs the weights of all convolutions; with those of the input gradient if the pass wants it.
    pub(super) fn pack(&self, weights: &Weights<'_>, purpose: Purpose, mode: Mode) -> Packed {
        let (mut packed, plan) = (Packed::default(), self.plan(purpose));
        for step in &plan.steps {
            let Kind::Convolution { x, module, shape, epilogue } = &step.kind else { continue };
            let (weight, shift) = filter(weights, module.as_deref(), *shape, epilogue.as_ref());
            let pack = match mode {
                Mode::Train => Convolution::for_training,
                Mode::Evaluate => Convolution::with,
            };
            let convolution =
                pack(self.precision, &weight, *shape, plan.wants_gradient(*x, purpose), self.instructions);
            packed.convolutions.insert(step.out, convolution);
            packed.shifts.extend(shift.map(|shift| (step.out, shift)));
        }
        packed
    }

    /// Packs other weights of the network, for the gradients of its parameters, into the same memory.
    pub(super) fn repack(&self, weights: &Weights<'_>, mut packed: Packed) -> Packed {
        for step in &self.plan(Purpose::Parameters).steps {
            if let Kind::Convolution { module: Some(module), shape, epilogue, .. } = &step.kind
                && let Some(convolution) = packed.convolutions.get_mut(&step.out)
            {
                let (weight, shift) = filter(weights, Some(module), *shape, epilogue.as_ref());
                convolution.repack(&weight);
                packed.shifts.extend(shift.map(|shift| (step.out, shift)));
            }
        }
        packed
    }

    /// Gives a buffer back.
    pub(super) fn recycle(&self, value: Option<Blocked>) {
        if let Some(planes) = value {
            self.arena.recycle(planes);
        }
    }
}
