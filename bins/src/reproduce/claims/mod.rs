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
    /// The figures that show it, by what they are called in files.
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
struct Statement {
    id: &'static str,
    figures: &'static [&'static str],
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
        let Self { id, figures, title, paper, rule, .. } = *self;
        Claim { id, figures, title, paper, rule, verdict, reason, measures }
    }
}

/// Tests all claims, in the paper's order.
pub(crate) fn test(findings: &Findings) -> Vec<Claim> {
    let statements = spectra::STATEMENTS.iter().chain(accuracy::STATEMENTS);
    statements.map(|statement| statement.test(findings)).collect()
}

#[cfg(test)]
mod tests {
    use spectral::{SpectrumRow, SpectrumTable};

    use super::*;
    use crate::reproduce::plan::Diet;

    /// A network with these mean gradients, an epoch each, that is right on `prec1` % of 1000 images of ten classes.
    fn network(findings: &mut Findings, diet: Diet, epochs: &[fn(usize) -> f64], prec1: f64) {
        let mut table = SpectrumTable::new("synthetic", "resnet20", 1000, (1..=20).collect());
        for (epoch, mean) in epochs.iter().enumerate() {
            let mean = (1..=20).map(mean).collect();
            table.rows.push(SpectrumRow { epoch, mean, std: vec![0.1; 20], nat_prec1: prec1, skipped: 0 });
        }
        findings.spectra.insert(diet, table);
        let component = |name: &str, r: Option<usize>, prec1: f64| {
            serde_json::json!({ "component": name, "r": r, "prec1": prec1, "prec1_interval": [prec1 - 3.0, prec1 + 3.0],
                "features": { "ratio": prec1 / 10.0 } })
        };
        let mut components = vec![component("original", None, prec1)];
        for r in crate::reproduce::plan::RADII {
            components.push(component("low", Some(r), 10.0 + prec1 * r as f64 / 20.0));
            components.push(component("high", Some(r), 10.0 + prec1 * (20 - r) as f64 / 20.0));
        }
        let evaluation = serde_json::json!({ "classes": vec!["c"; 10],
            "checkpoints": [{ "components": components, "inter_class_variance_accuracy_correlation": 0.9 }] });
        findings.evaluations.insert(diet, serde_json::from_value(evaluation).expect("an evaluation"));
    }

    fn verdict(findings: &Findings, id: &str) -> Verdict {
        let claims = test(findings);
        claims.iter().find(|claim| claim.id == id).expect("a claim").verdict
    }

    fn falling(radius: usize) -> f64 {
        1.0 - radius as f64 / 20.0
    }

    fn rising(radius: usize) -> f64 {
        radius as f64 / 20.0
    }

    #[test]
    fn nothing_is_said_of_what_is_not_measured() {
        let claims = test(&Findings::default());
        assert_eq!(claims.len(), 13);
        assert!(claims.iter().all(|claim| claim.verdict == Verdict::NotTested && claim.reason.is_some()));
    }

    #[test]
    fn a_rule_that_holds_is_reproduced_and_its_opposite_is_not() {
        let mut findings = Findings::default();
        network(&mut findings, Diet::Original, &[falling, rising], 80.0);
        assert_eq!(verdict(&findings, "low-first"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "upward"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "finest-dark"), Verdict::NotReproduced);
        assert_eq!(verdict(&findings, "by-radius"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "correlation"), Verdict::Reproduced);
        network(&mut findings, Diet::Original, &[rising, falling], 80.0);
        assert_eq!(verdict(&findings, "low-first"), Verdict::NotReproduced);
        assert_eq!(verdict(&findings, "upward"), Verdict::NotReproduced);
        assert_eq!(verdict(&findings, "finest-dark"), Verdict::Reproduced);
        network(&mut findings, Diet::Original, &[|_| 0.5, |_| 0.5], 80.0);
        assert_eq!(verdict(&findings, "low-first"), Verdict::NotReproduced, "equal is not above");
    }

    #[test]
    fn networks_are_compared_beyond_their_intervals() {
        let mut findings = Findings::default();
        network(&mut findings, Diet::Original, &[falling, falling], 60.0);
        network(&mut findings, Diet::Wcr, &[falling, falling], 50.0);
        network(&mut findings, Diet::Scr, &[falling, rising], 90.0);
        for id in ["scr-high", "wcr-dark", "scr-table"] {
            assert_eq!(verdict(&findings, id), Verdict::Reproduced, "{id}");
        }
        network(&mut findings, Diet::Scr, &[falling, falling], 62.0);
        for id in ["scr-high", "wcr-dark", "scr-table"] {
            assert_eq!(verdict(&findings, id), Verdict::NotReproduced, "{id}");
        }
    }

    #[test]
    fn nothing_is_said_of_a_network_that_has_learned_nothing() {
        let mut findings = Findings::default();
        network(&mut findings, Diet::Original, &[falling, rising], 60.0);
        network(&mut findings, Diet::Hars, &[falling, rising], 17.0);
        let claims = test(&findings);
        let hars = claims.iter().find(|claim| claim.id == "hars-high").expect("a claim");
        assert_eq!((hars.verdict, hars.measures.len()), (Verdict::NotTested, 1));
        assert!(hars.reason.as_deref().is_some_and(|reason| reason.contains("15 %")), "{hars:?}");
        network(&mut findings, Diet::Hars, &[falling, rising], 90.0);
        assert_eq!(verdict(&findings, "hars-high"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "hars-low"), Verdict::NotReproduced);
    }
}
