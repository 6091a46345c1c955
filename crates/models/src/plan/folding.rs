//! What the steps of a pass that changes no statistics come to: nothing is dropped, batch-norms join the convolutions before them, and
//! so do the sums that dropping kept apart.

use std::collections::BTreeMap;

use super::step::{Epilogue, Kind, Slot, Step};

/// Steps without those that are gone, and the slots that stand for those of others.
pub(super) struct Folded {
    pub(super) steps: Vec<Step>,
    same_as: BTreeMap<Slot, Slot>,
}

impl Folded {
    /// Each batch-norm that is a convolution's only reader joins it, then each sum; and nothing is dropped.
    pub(super) fn from_steps(steps: &[Step]) -> Self {
        let mut folded = Self { steps: Vec::new(), same_as: BTreeMap::new() };
        for step in steps {
            let mut kind = step.kind.clone();
            kind.reads_mut().into_iter().for_each(|slot| *slot = folded.slot(*slot));
            match kind {
                Kind::Dropout { x, .. } => drop(folded.same_as.insert(step.out, x)),
                kind => folded.steps.push(Step { out: step.out, kind }),
            }
        }
        folded.join(with_norm);
        folded.join(with_sum);
        folded
    }

    /// The slot that holds what a slot held.
    pub(super) fn slot(&self, slot: Slot) -> Slot {
        self.same_as.get(&slot).copied().unwrap_or(slot)
    }

    /// Replaces a step and the one whose only reader it is by what `join` makes of the two, if anything; its place is the later one.
    fn join(&mut self, join: impl Fn(&Kind, &Kind) -> Option<Kind>) {
        let mut readers: BTreeMap<Slot, usize> = BTreeMap::new();
        for slot in self.steps.iter().flat_map(|step| step.kind.reads()) {
            *readers.entry(slot).or_default() += 1;
        }
        let mut gone: Vec<Slot> = Vec::new();
        let mut kinds: BTreeMap<Slot, Kind> = BTreeMap::new();
        for step in &mut self.steps {
            let first = step.kind.reads().first().copied().filter(|slot| readers[slot] == 1);
            if let Some((slot, kind)) =
                first.and_then(|slot| Some((slot, join(kinds.get(&slot)?, &step.kind)?)))
            {
                gone.push(slot);
                step.kind = kind;
            }
            kinds.insert(step.out, step.kind.clone());
        }
        self.steps.retain(|step| !gone.contains(&step.out));
    }
}

/// A convolution with the batch-norm after it.
fn with_norm(convolution: &Kind, norm: &Kind) -> Option<Kind> {
    let Kind::Convolution { x, module: Some(module), shape, epilogue: None } = convolution else {
        return None;
    };
    let Kind::BatchNorm { norm, residual, relu, .. } = norm else { return None };
    let epilogue =
        Epilogue { norm: Some(norm.clone()), bias: norm.bias.is_some(), residual: *residual, relu: *relu };
    Some(Kind::Convolution { x: *x, module: Some(module.clone()), shape: *shape, epilogue: Some(epilogue) })
}

/// A convolution with the sum after it.
fn with_sum(convolution: &Kind, sum: &Kind) -> Option<Kind> {
    let Kind::Convolution { x, module, shape, epilogue: Some(epilogue) } = convolution else { return None };
    let Kind::Sum { y, .. } = sum else { return None };
    if epilogue.relu || epilogue.residual.is_some() {
        return None;
    }
    let epilogue = Some(Epilogue { residual: Some(*y), ..epilogue.clone() });
    Some(Kind::Convolution { x: *x, module: module.clone(), shape: *shape, epilogue })
}
