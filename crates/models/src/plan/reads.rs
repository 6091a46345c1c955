//! Who reads what: when a value can be freed, and who completes a gradient.

use std::collections::BTreeMap;

use super::step::{Kind, Slot, Step};

/// By step, in the steps' order: the values that nobody reads after it. Results are read after all steps.
pub(super) fn frees(steps: &[Step], results: &[Slot]) -> Vec<Vec<Slot>> {
    let mut frees = vec![Vec::new(); steps.len()];
    let last_reads: BTreeMap<Slot, usize> = reads(steps).collect();
    let others = last_reads.into_iter().filter(|(slot, _)| !results.contains(slot));
    others.for_each(|(slot, index)| frees[index].push(slot));
    frees
}

/// By convolution that is the first to read the results of another that has ReLU: what it reads. On the way back its gradient is the
/// last to be added, and can go through that ReLU at once.
pub(super) fn gates(steps: &[Step]) -> BTreeMap<Slot, Slot> {
    let first_reads: BTreeMap<Slot, usize> = reads(steps).rev().collect();
    let gate = |made: &Step| {
        let reader = &steps[*first_reads.get(&made.out)?];
        let Kind::Convolution { x, epilogue, .. } = &reader.kind else { return None };
        // Where it adds what it reads to its results, another gradient follows.
        let adds = epilogue.as_ref().and_then(|epilogue| epilogue.residual) == Some(made.out);
        (*x == made.out && !adds).then_some((reader.out, made.out))
    };
    steps.iter().filter(|step| has_relu(&step.kind)).filter_map(gate).collect()
}

fn has_relu(kind: &Kind) -> bool {
    matches!(kind, Kind::Convolution { epilogue: Some(epilogue), .. } if epilogue.relu)
}

/// Which slots are read by which step, in the steps' order.
fn reads(steps: &[Step]) -> impl DoubleEndedIterator<Item = (Slot, usize)> {
    let of_step =
        |(index, step): (usize, &Step)| step.kind.reads().into_iter().map(move |slot| (slot, index));
    steps.iter().enumerate().flat_map(of_step)
}
