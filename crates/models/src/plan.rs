//! A network as it runs: what every engine has in common, decided once.
//!
//! A graph is [lowered](lowering) to steps; for passes that change no statistics, batch-norms [join](folding) the convolutions before
//! them. A [`Plan`] adds [who reads what](reads): when a value can be freed, and which step completes a gradient. Engines run the
//! steps and decide nothing.

mod blocks;
mod filters;
mod folding;
mod lowering;
mod norms;
mod purpose;
mod reads;
mod step;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Graph;
pub(crate) use blocks::{Block, Grid};
pub(crate) use filters::filter;
use folding::Folded;
pub(crate) use norms::Weights;
pub(crate) use purpose::{Mode, Purpose};
pub(crate) use step::{Dropped, Epilogue, Kind, Norm, Slot, Step};

/// The plans of a network, by what a pass is for.
#[derive(Debug, Clone)]
pub(crate) struct Plans {
    /// Of passes that give the gradients of parameters: batch-norms by themselves.
    parameters: Plan,
    /// Of passes that change nothing: batch-norms are part of the convolutions.
    folded: Plan,
    /// The one size of images, if there is only one.
    image: Option<[usize; 2]>,
}

impl Plans {
    /// The plans of a graph.
    pub(crate) fn new(graph: &Graph) -> Self {
        let (slots, results) = (graph.nodes.len(), [graph.latent.0, graph.logits.0]);
        let parameters = Plan::new(lowering::lower(graph), slots, results);
        let folded = Folded::from_steps(&parameters.steps);
        let results = results.map(|slot| folded.slot(slot));
        Self { folded: Plan::new(folded.steps, slots, results), parameters, image: graph.image }
    }

    /// The plan of a pass.
    pub(crate) fn plan_for(&self, purpose: Purpose) -> &Plan {
        if purpose == Purpose::Parameters { &self.parameters } else { &self.folded }
    }

    /// Whether every window of the network fits on what reaches it from images of this many rows and columns.
    pub(crate) fn fits(&self, image: [usize; 2]) -> bool {
        self.image.is_none_or(|only| only == image) && self.parameters.fits(image)
    }
}

/// The steps of a network, and what follows from their order.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// How many values there are.
    pub(crate) slots: usize,
    pub(crate) latent: Slot,
    pub(crate) logits: Slot,
    /// Where blocks end.
    pub(crate) blocks: Vec<Block>,
    /// The normalised pixels.
    pixels: Option<Slot>,
    frees: Vec<Vec<Slot>>,
    /// The values that gradients are computed from, even where no parameter's is wanted.
    needed: BTreeSet<Slot>,
    gates: BTreeMap<Slot, Slot>,
}

impl Plan {
    fn new(steps: Vec<Step>, slots: usize, [latent, logits]: [Slot; 2]) -> Self {
        let (frees, gates) = (reads::frees(&steps, &[latent, logits]), reads::gates(&steps));
        let pixels = steps.iter().find(|step| matches!(step.kind, Kind::Normalise)).map(|step| step.out);
        let blocks = blocks::blocks(&steps);
        let needed = steps.iter().flat_map(|step| step.kind.needs_on_the_way_back()).collect();
        Self { steps, slots, latent, logits, blocks, pixels, frees, needed, gates }
    }

    /// The values that nobody reads after the step with this index, unless gradients need them.
    pub(crate) fn frees_after(&self, index: usize, purpose: Purpose) -> impl Iterator<Item = Slot> {
        let slots: &[Slot] = if purpose.keeps_values() { &[] } else { &self.frees[index] };
        let is_free = move |slot: &Slot| !(purpose.goes_back() && self.needed.contains(slot));
        slots.iter().copied().filter(is_free)
    }

    /// Whether the gradient of a value is wanted: that of the pixels only in a pass that is for it.
    pub(crate) fn wants_gradient(&self, x: Slot, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Evaluation => false,
            Purpose::Pixels => true,
            Purpose::Parameters => self.pixels != Some(x),
        }
    }

    /// Whether the gradient that the convolution of step `out` leaves to `x` completes that of another convolution with ReLU.
    pub(crate) fn completes(&self, out: Slot, x: Slot) -> bool {
        self.gates.get(&out) == Some(&x)
    }

    fn fits(&self, image: [usize; 2]) -> bool {
        let mut sizes = vec![image; self.slots];
        self.steps.iter().all(|step| {
            let from = step.kind.reads().first().map_or(image, |&slot| sizes[slot]);
            let found = step.kind.size(from);
            sizes[step.out] = found.unwrap_or(image);
            found.is_some()
        })
    }
}
