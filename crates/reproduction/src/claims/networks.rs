//! Networks of other papers, as their measures found them.

use super::{
    measure::{Measure, Unit},
    statement::Untested,
};
use crate::{findings::Findings, measured::Row};

/// A number, and the ends of its 95 % interval.
pub(super) type Estimate = (f64, [f64; 2]);

/// What a measure found of a network after its last epoch.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) network: &'a str,
    pub(super) measure: &'a str,
    pub(super) row: Row<'a>,
}

/// The last row of a measure of a network that has learned something.
pub(super) fn last<'a>(
    findings: &'a Findings,
    network: &'a str,
    measure: &'a str,
) -> Result<Found<'a>, Untested> {
    let key = (network.to_owned(), measure.to_owned());
    let row = findings.measured.get(&key).and_then(|found| found.rows().next_back());
    let row = row.ok_or_else(|| Untested::missing(&format!("{measure} of the {network} network")))?;
    let found = Found { network, measure, row };
    found.must_have_learned()?;
    Ok(found)
}

impl<'a> Found<'a> {
    /// The same of another row.
    pub(super) fn at(self, row: Row<'a>) -> Self {
        Self { row, ..self }
    }

    /// Nothing can be said about a network whose accuracy is not 1.5 times that of guessing, beyond the interval. Where a measure has no
    /// accuracy, others of the same network say it.
    fn must_have_learned(self) -> Result<(), Untested> {
        let Some(accuracy) = self.accuracy() else { return Ok(()) };
        let bound = 150.0 * self.row.chance();
        if accuracy.exceeds(bound) {
            return Ok(());
        }
        let reason = format!(
            "the {} network has learned too little to say: it had to be right on more than {bound} % of its test images",
            self.network
        );
        Err(Untested { reason, measures: vec![accuracy] })
    }

    /// The accuracy on images as they are.
    pub(super) fn accuracy(self) -> Option<Measure> {
        let (accuracy, interval) = self.row.accuracy()?;
        let label = format!("{} network, test images, epoch {}", self.network, self.row.epoch());
        Some(Measure::share(label, accuracy, interval))
    }

    /// A share, `name` in the file and its interval `name_interval`.
    pub(super) fn share(self, what: &str, name: &str) -> Result<Measure, Untested> {
        let (value, interval) = self.pair(name)?;
        Ok(Measure::share(self.label(what), value, interval))
    }

    /// A number with its interval, likewise.
    pub(super) fn number(self, what: &str, name: &str, unit: Unit) -> Result<Measure, Untested> {
        let (value, interval) = self.pair(name)?;
        Ok(Measure { interval: Some(interval), ..Measure::plain(self.label(what), unit, value) })
    }

    /// A list of numbers with their intervals, likewise.
    pub(super) fn list(self, name: &str) -> Result<Vec<Estimate>, Untested> {
        let values: Option<Vec<f64>> = self.row.get(name);
        let intervals: Option<Vec<[f64; 2]>> = self.row.get(&interval_of(name));
        match values.zip(intervals) {
            Some((values, intervals)) if !values.is_empty() && values.len() == intervals.len() => {
                Ok(values.into_iter().zip(intervals).collect())
            }
            _ => Err(self.lacks(name)),
        }
    }

    pub(super) fn label(self, what: &str) -> String {
        format!("{} network, {what}, epoch {}", self.network, self.row.epoch())
    }

    pub(super) fn lacks(self, name: &str) -> Untested {
        Untested::missing(&format!("{name} of the {} network ({})", self.network, self.measure))
    }

    fn pair(self, name: &str) -> Result<Estimate, Untested> {
        let interval = self.row.get(&interval_of(name));
        self.row.get(name).zip(interval).ok_or_else(|| self.lacks(name))
    }
}

fn interval_of(name: &str) -> String {
    format!("{name}_interval")
}

/// The mean of numbers, with an interval that is at least as wide as the true one: the mean of all lower ends to that of all upper ones.
pub(super) fn mean(of: &[Estimate]) -> Estimate {
    let over = |number: fn(&Estimate) -> f64| of.iter().map(number).sum::<f64>() / of.len().max(1) as f64;
    (over(|of| of.0), [over(|of| of.1[0]), over(|of| of.1[1])])
}
