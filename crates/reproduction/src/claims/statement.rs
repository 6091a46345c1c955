//! Claims before and after they are tested.

use serde::Serialize;

use super::measure::Measure;
use crate::findings::Findings;

/// Whether a claim is reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Its rule holds.
    #[serde(rename = "reproduced")]
    Reproduced,
    /// Its rule does not hold, or not beyond the intervals.
    #[serde(rename = "not reproduced")]
    NotReproduced,
    /// Something that it needs was not measured, or the networks learned too little.
    #[serde(rename = "not tested at this scale")]
    NotTested,
}

impl Verdict {
    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::NotTested => "not tested at this scale",
        }
    }
}

/// A claim of the paper and what was found about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// Its name in links and tables.
    pub id: &'static str,
    /// The figures that show it: [`Figure::id`](crate::Figure::id).
    pub figures: &'static [&'static str],
    /// The claim in a sentence.
    pub title: &'static str,
    /// What the paper reports.
    pub paper: &'static str,
    /// When it counts as reproduced.
    pub rule: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not tested.
    pub reason: Option<String>,
    /// What was measured.
    pub measures: Vec<Measure>,
}

/// What a claim says, before it is tested.
pub(super) struct Statement {
    pub(super) id: &'static str,
    pub(super) figures: &'static [&'static str],
    pub(super) title: &'static str,
    pub(super) paper: &'static str,
    pub(super) rule: &'static str,
    pub(super) test: fn(&Findings) -> Outcome,
}

/// The measures and whether the rule holds; or why it cannot be tested.
pub(super) type Outcome = Result<(Vec<Measure>, bool), Untested>;

/// Why a claim cannot be tested, with the measures that show it.
pub(super) struct Untested {
    pub(super) reason: String,
    pub(super) measures: Vec<Measure>,
}

impl Untested {
    /// Something was not measured.
    pub(super) fn missing(what: &str) -> Self {
        Self { reason: format!("{what} is not measured yet"), measures: Vec::new() }
    }
}

impl Statement {
    pub(super) fn test(&self, findings: &Findings) -> Claim {
        let (verdict, reason, measures) = match (self.test)(findings) {
            Ok((measures, true)) => (Verdict::Reproduced, None, measures),
            Ok((measures, false)) => (Verdict::NotReproduced, None, measures),
            Err(Untested { reason, measures }) => (Verdict::NotTested, Some(reason), measures),
        };
        let Self { id, figures, title, paper, rule, .. } = *self;
        Claim { id, figures, title, paper, rule, verdict, reason, measures }
    }
}
