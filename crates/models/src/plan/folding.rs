//! Batch-norms that join the convolutions before them while statistics stand still.

use std::collections::{BTreeMap, BTreeSet};

use super::step::{Epilogue, Kind, Slot, Step};

/// Steps without those that are gone, and the slots that stand for those of others.
pub(super) struct Folded {
    pub(super) steps: Vec<Step>,
    same_as: BTreeMap<Slot, Slot>,
}

impl Folded {
    /// Each batch-norm that is a convolution's only reader joins it, and nothing is dropped.
    pub(super) fn from_steps(steps: &[Step]) -> Self {
        let mut readers: BTreeMap<Slot, usize> = BTreeMap::new();
        steps
            .iter()
            .flat_map(|step| step.kind.reads())
            .for_each(|slot| *readers.entry(slot).or_default() += 1);
        let kinds: BTreeMap<Slot, &Kind> = steps.iter().map(|step| (step.out, &step.kind)).collect();
        let fold = |step: &Step| match &step.kind {
            Kind::BatchNorm { x, .. } if readers[x] == 1 => Some((*x, joined(kinds[x], &step.kind)?)),
            _ => None,
        };
        let joined: BTreeMap<Slot, (Slot, Kind)> =
            steps.iter().filter_map(|step| Some((step.out, fold(step)?))).collect();
        let gone: BTreeSet<Slot> = joined.values().map(|(convolution, _)| *convolution).collect();
        let mut folded = Self { steps: Vec::new(), same_as: BTreeMap::new() };
        for step in steps.iter().filter(|step| !gone.contains(&step.out)) {
            let mut kind = joined.get(&step.out).map_or_else(|| step.kind.clone(), |(_, kind)| kind.clone());
            kind.reads_mut().into_iter().for_each(|slot| *slot = folded.slot(*slot));
            match kind {
                Kind::Dropout { x, .. } => drop(folded.same_as.insert(step.out, x)),
                kind => folded.steps.push(Step { out: step.out, kind }),
            }
        }
        folded
    }

    /// The slot that holds what a slot held.
    pub(super) fn slot(&self, slot: Slot) -> Slot {
        self.same_as.get(&slot).copied().unwrap_or(slot)
    }
}

/// A convolution with the batch-norm after it.
fn joined(convolution: &Kind, norm: &Kind) -> Option<Kind> {
    let Kind::Convolution { x, module: Some(module), shape, epilogue: None } = convolution else {
        return None;
    };
    let Kind::BatchNorm { norm, residual, relu, .. } = norm else { return None };
    let epilogue = Epilogue {
        norm: Some(norm.module.clone()),
        bias: norm.bias.is_some(),
        residual: *residual,
        relu: *relu,
    };
    Some(Kind::Convolution { x: *x, module: Some(module.clone()), shape: *shape, epilogue: Some(epilogue) })
}
