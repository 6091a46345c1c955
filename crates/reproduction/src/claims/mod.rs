//! The paper's claims. Each is a function from findings to a verdict: it names the findings that it needs, and is not tested where
//! they are missing. A claim is reproduced where its rule holds with 95 % intervals that do not overlap.

mod frequencies;
mod groups;
mod measure;
mod scores;
mod spectra;
mod statement;

pub use measure::{Measure, Unit};
pub use statement::{Claim, Verdict};

use crate::findings::Findings;

/// Tests all claims of the paper, in its order.
///
/// ```
/// let claims = reproduction::test_claims(&reproduction::Findings::default());
/// assert_eq!(claims.len(), 13);
/// assert!(claims.iter().all(|claim| claim.verdict == reproduction::Verdict::NotTested));
/// ```
pub fn test_claims(findings: &Findings) -> Vec<Claim> {
    let statements = spectra::STATEMENTS.iter().chain(frequencies::STATEMENTS);
    statements.map(|statement| statement.test(findings)).collect()
}

#[cfg(test)]
mod tests {
    use spectral::{SpectrumRow, SpectrumTable};

    use super::*;
    use crate::{radii::RADII, training_set::TrainingSet};

    /// A network with these mean gradients, an epoch each, that is right on `prec1` % of 1000 images of ten classes.
    fn network(findings: &mut Findings, set: TrainingSet, epochs: &[fn(usize) -> f64], prec1: f64) {
        let mut table = SpectrumTable::new("synthetic", "resnet20", 1000, (1..=20).collect());
        for (epoch, mean) in epochs.iter().enumerate() {
            let mean = (1..=20).map(mean).collect();
            table.rows.push(SpectrumRow {
                epoch,
                mean,
                std: vec![0.1; 20],
                nat_prec1: prec1,
                ..SpectrumRow::default()
            });
        }
        findings.spectra.insert(set, table);
        let component = |name: &str, r: Option<usize>, prec1: f64| {
            serde_json::json!({ "component": name, "r": r, "prec1": prec1, "prec1_interval": [prec1 - 3.0, prec1 + 3.0],
                "features": { "ratio": prec1 / 10.0 } })
        };
        let mut components = vec![component("original", None, prec1)];
        for r in RADII {
            components.push(component("low", Some(r), 10.0 + prec1 * r as f64 / 20.0));
            components.push(component("high", Some(r), 10.0 + prec1 * (20 - r) as f64 / 20.0));
        }
        let evaluation = serde_json::json!({ "classes": vec!["c"; 10],
            "checkpoints": [{ "components": components, "inter_class_variance_accuracy_correlation": 0.9 }] });
        findings.evaluations.insert(set, serde_json::from_value(evaluation).expect("an evaluation"));
    }

    fn verdict(findings: &Findings, id: &str) -> Verdict {
        let claims = test_claims(findings);
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
        let claims = test_claims(&Findings::default());
        assert_eq!(claims.len(), 13);
        assert!(claims.iter().all(|claim| claim.verdict == Verdict::NotTested && claim.reason.is_some()));
    }

    #[test]
    fn a_rule_that_holds_is_reproduced_and_its_opposite_is_not() {
        let mut findings = Findings::default();
        network(&mut findings, TrainingSet::Original, &[falling, rising], 80.0);
        assert_eq!(verdict(&findings, "low-first"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "upward"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "finest-dark"), Verdict::NotReproduced);
        assert_eq!(verdict(&findings, "by-radius"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "correlation"), Verdict::Reproduced);
        network(&mut findings, TrainingSet::Original, &[rising, falling], 80.0);
        assert_eq!(verdict(&findings, "low-first"), Verdict::NotReproduced);
        assert_eq!(verdict(&findings, "upward"), Verdict::NotReproduced);
        assert_eq!(verdict(&findings, "finest-dark"), Verdict::Reproduced);
        network(&mut findings, TrainingSet::Original, &[|_| 0.5, |_| 0.5], 80.0);
        assert_eq!(verdict(&findings, "low-first"), Verdict::NotReproduced, "equal is not above");
    }

    #[test]
    fn networks_are_compared_beyond_their_intervals() {
        let mut findings = Findings::default();
        network(&mut findings, TrainingSet::Original, &[falling, falling], 60.0);
        network(&mut findings, TrainingSet::Wcr, &[falling, falling], 50.0);
        network(&mut findings, TrainingSet::Scr, &[falling, rising], 90.0);
        for id in ["scr-high", "wcr-dark", "scr-table"] {
            assert_eq!(verdict(&findings, id), Verdict::Reproduced, "{id}");
        }
        network(&mut findings, TrainingSet::Scr, &[falling, falling], 62.0);
        for id in ["scr-high", "wcr-dark", "scr-table"] {
            assert_eq!(verdict(&findings, id), Verdict::NotReproduced, "{id}");
        }
    }

    #[test]
    fn nothing_is_said_of_a_network_that_has_learned_nothing() {
        let mut findings = Findings::default();
        network(&mut findings, TrainingSet::Original, &[falling, rising], 60.0);
        network(&mut findings, TrainingSet::Hars, &[falling, rising], 17.0);
        let claims = test_claims(&findings);
        let hars = claims.iter().find(|claim| claim.id == "hars-high").expect("a claim");
        assert_eq!((hars.verdict, hars.measures.len()), (Verdict::NotTested, 1));
        assert!(hars.reason.as_deref().is_some_and(|reason| reason.contains("15 %")), "{hars:?}");
        network(&mut findings, TrainingSet::Hars, &[falling, rising], 90.0);
        assert_eq!(verdict(&findings, "hars-high"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "hars-low"), Verdict::NotReproduced);
    }
}
