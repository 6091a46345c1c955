//! The paper's claims, each a function from findings to a verdict. A claim is reproduced where its rule holds with 95 %
//! intervals that do not overlap; it says itself what it needs, and where that is missing it is not tested.

mod accuracy;
mod measure;
mod spectra;

use serde::Serialize;

pub(crate) use measure::{Measure, Unit};

use super::findings::Findings;

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Verdict {
    /// Its rule holds.
    #[serde(rename = "reproduced")]
    Reproduced,
    /// Its rule does not hold, or not beyond the intervals.
    #[serde(rename = "not reproduced")]
    NotReproduced,
    /// What it needs was not measured, or the networks learned too little.
    #[serde(rename = "not tested at this scale")]
    NotTested,
}

impl Verdict {
    /// As people read it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::NotTested => "not tested at this scale",
        }
    }
}

/// A claim of the paper and what was found of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Claim {
    /// For links.
    pub id: &'static str,
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
struct Statement {
    id: &'static str,
    title: &'static str,
    paper: &'static str,
    rule: &'static str,
    test: fn(&Findings) -> Outcome,
}

/// Measures and whether the rule holds; or why it cannot be tested, with the measures that say so.
type Outcome = Result<(Vec<Measure>, bool), Untested>;

/// Why a claim cannot be tested.
struct Untested {
    reason: String,
    measures: Vec<Measure>,
}

impl Untested {
    fn missing(what: &str) -> Self {
        Self { reason: format!("{what} is not measured yet"), measures: Vec::new() }
    }
}

impl Statement {
    fn test(&self, findings: &Findings) -> Claim {
        let (verdict, reason, measures) = match (self.test)(findings) {
            Ok((measures, true)) => (Verdict::Reproduced, None, measures),
            Ok((measures, false)) => (Verdict::NotReproduced, None, measures),
            Err(Untested { reason, measures }) => (Verdict::NotTested, Some(reason), measures),
        };
        let Self { id, title, paper, rule, .. } = *self;
        Claim { id, title, paper, rule, verdict, reason, measures }
    }
}

/// Tests all claims, in the paper's order.
pub(crate) fn test(findings: &Findings) -> Vec<Claim> {
    let statements = spectra::STATEMENTS.iter().chain(accuracy::STATEMENTS);
    statements.map(|statement| statement.test(findings)).collect()
}
