//! Accuracies as measures, and whether a network has learned enough to say anything about it.

use super::{measure::Measure, statement::Untested};
use crate::{
    findings::{Component, Evaluation, Findings},
    training_set::TrainingSet,
};

/// The evaluation of a network.
pub(super) fn evaluation(findings: &Findings, set: TrainingSet) -> Result<&Evaluation, Untested> {
    let missing = || Untested::missing(&format!("the accuracy of the network trained on {}", set.label()));
    findings.evaluations.get(&set).ok_or_else(missing)
}

/// Nothing can be said about a network that has learned nothing: on the images themselves its accuracy must be 1.5 times that of
/// guessing, beyond the interval.
pub(super) fn must_have_learned(findings: &Findings, set: TrainingSet) -> Result<(), Untested> {
    let found = evaluation(findings, set)?;
    let label = format!("network trained on {}, test images", set.label());
    let accuracy = Measure::accuracy(label, part(found.original(), "the images themselves")?);
    let bound = 1.5 * found.chance();
    if accuracy.exceeds(bound) {
        return Ok(());
    }
    let reason = format!(
        "the network trained on {} has learned too little to say: it had to be right on more than {bound} % of its test images",
        set.label()
    );
    Err(Untested { reason, measures: vec![accuracy] })
}

/// Accuracy on high-pass images.
pub(super) fn high(findings: &Findings, set: TrainingSet, r: usize) -> Result<Measure, Untested> {
    let found = part(evaluation(findings, set)?.high(r), "high-pass images")?;
    Ok(Measure::accuracy(format!("trained on {}, high-pass images of r = {r}", set.label()), found))
}

/// Accuracy on low-pass images.
pub(super) fn low(findings: &Findings, set: TrainingSet, r: usize) -> Result<Measure, Untested> {
    let found = part(evaluation(findings, set)?.low(r), "low-pass images")?;
    Ok(Measure::accuracy(format!("trained on {}, low-pass images of r = {r}", set.label()), found))
}

fn part<'a>(found: Option<&'a Component>, what: &str) -> Result<&'a Component, Untested> {
    found.ok_or_else(|| Untested::missing(&format!("accuracy on {what}")))
}
