//! The claims of papers. Each is a function from findings to a verdict: it names the findings that it needs, and is not tested where
//! they are missing. A claim is reproduced where its rule holds with 95 % intervals that do not overlap.

mod amplitude_phase;
mod frequencies;
mod groups;
mod measure;
mod networks;
mod robustness;
mod scores;
mod shortcuts;
mod spectra;
mod statement;
mod transformers;

pub use measure::{Measure, Unit};
pub use statement::{Claim, Verdict};

use statement::Statement;

use crate::{findings::Findings, paper::Paper};

/// Tests all claims of a paper, in its order.
///
/// ```
/// use reproduction::{Findings, Paper, Verdict, test_claims};
/// let claims = test_claims(Paper::FrequencyBias, &Findings::default());
/// assert_eq!(claims.len(), 13);
/// assert!(claims.iter().all(|claim| claim.verdict == Verdict::NotTested));
/// ```
pub fn test_claims(paper: Paper, findings: &Findings) -> Vec<Claim> {
    let all: [&[Statement]; 2] = match paper {
        Paper::FrequencyBias => [spectra::STATEMENTS, frequencies::STATEMENTS],
        Paper::AmplitudePhase => [amplitude_phase::STATEMENTS, &[]],
        Paper::Transformers => [transformers::STATEMENTS, &[]],
        Paper::Robustness => [robustness::STATEMENTS, &[]],
        Paper::Shortcuts => [shortcuts::STATEMENTS, &[]],
    };
    all.into_iter().flatten().map(|statement| statement.test(findings)).collect()
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
        let claims = test_claims(Paper::FrequencyBias, findings);
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
        let claims = test_claims(Paper::FrequencyBias, &Findings::default());
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
        let claims = test_claims(Paper::FrequencyBias, &findings);
        let hars = claims.iter().find(|claim| claim.id == "hars-high").expect("a claim");
        assert_eq!((hars.verdict, hars.measures.len()), (Verdict::NotTested, 1));
        assert!(hars.reason.as_deref().is_some_and(|reason| reason.contains("15 %")), "{hars:?}");
        network(&mut findings, TrainingSet::Hars, &[falling, rising], 90.0);
        assert_eq!(verdict(&findings, "hars-high"), Verdict::Reproduced);
        assert_eq!(verdict(&findings, "hars-low"), Verdict::NotReproduced);
    }

    /// A row of a measure of a network, of ten classes and 1000 images.
    fn measured(findings: &mut Findings, network: &str, measure: &str, mut file: serde_json::Value) {
        file["network"] = serde_json::json!({ "classes": 10 });
        file["n_images"] = serde_json::json!(1000);
        let key = (network.to_owned(), measure.to_owned());
        findings.measured.insert(key, serde_json::from_value(file).expect("a result"));
    }

    fn of(paper: Paper, findings: &Findings) -> Vec<Verdict> {
        test_claims(paper, findings).iter().map(|claim| claim.verdict).collect()
    }

    #[test]
    fn nothing_is_said_of_other_papers_before_their_networks_are_measured() {
        for paper in Paper::ALL {
            let claims = test_claims(paper, &Findings::default());
            let is_open = |claim: &Claim| claim.verdict == Verdict::NotTested && claim.reason.is_some();
            assert!(!claims.is_empty() && claims.iter().all(is_open), "{}", paper.name());
        }
    }

    #[test]
    fn amplitude_is_asked_for_where_learning_begins_and_phase_where_it_ends() {
        let rows = |late: f64| {
            let row = |epoch: usize, accuracy: f64, amplitude: f64, phase: f64| {
                serde_json::json!({ "epoch": epoch, "n_images": 1000, "accuracy": accuracy,
                    "by_amplitude": amplitude, "by_amplitude_interval": [amplitude - 0.02, amplitude + 0.02],
                    "by_phase": phase, "by_phase_interval": [phase - 0.02, phase + 0.02] })
            };
            // The first epoch is one of guessing, in which nothing is gone by.
            serde_json::json!({ "rows": [row(0, 0.1, 0.1, 0.3), row(1, 0.4, 0.3, 0.2), row(2, 0.8, 0.3, late)] })
        };
        let mut findings = Findings::default();
        measured(&mut findings, "standard", "phase-amplitude", rows(0.5));
        assert_eq!(of(Paper::AmplitudePhase, &findings), [Verdict::Reproduced; 2]);
        measured(&mut findings, "standard", "phase-amplitude", rows(0.33));
        assert_eq!(of(Paper::AmplitudePhase, &findings), [Verdict::Reproduced, Verdict::NotReproduced]);
    }

    #[test]
    fn transformers_are_compared_where_both_networks_have_learned() {
        let mut findings = Findings::default();
        let mut network = |name: &str, accuracy: f64, centre: f64, delta: f64| {
            let row = serde_json::json!({ "epoch": 7, "accuracy": accuracy, "centre": centre,
                "centre_interval": [centre - 0.1, centre + 0.1] });
            measured(&mut findings, name, "sensitivity", serde_json::json!({ "rows": [row] }));
            let blocks = serde_json::json!({ "epoch": 7, "delta": [-1.0, delta],
                "delta_interval": [[-1.1, -0.9], [delta - 0.1, delta + 0.1]] });
            measured(&mut findings, name, "layer-spectra", serde_json::json!({ "rows": [blocks] }));
            findings.clone()
        };
        network("convolutional", 0.8, 9.0, -2.0);
        let found = network("transformer", 0.6, 7.0, -3.0);
        assert_eq!(of(Paper::Transformers, &found), [Verdict::Reproduced; 2]);
        let found = network("transformer", 0.6, 8.9, -2.1);
        assert_eq!(of(Paper::Transformers, &found), [Verdict::NotReproduced; 2]);
        let found = network("transformer", 0.12, 7.0, -3.0);
        assert_eq!(of(Paper::Transformers, &found), [Verdict::NotTested; 2]);
    }

    #[test]
    fn claims_on_robustness_compare_both_networks() {
        let mut findings = Findings::default();
        let mut network = |name: &str, centre: f64, low: f64, noisy: f64| {
            let sensitivity = serde_json::json!({ "epoch": 7, "accuracy": 0.8, "centre": centre,
                "centre_interval": [centre - 0.1, centre + 0.1] });
            measured(&mut findings, name, "sensitivity", serde_json::json!({ "rows": [sensitivity] }));
            let attack = serde_json::json!({ "epoch": 7, "clean_error": 0.2, "change": vec![low; 5],
                "change_interval": vec![[low - 0.01, low + 0.01]; 5] });
            measured(&mut findings, name, "attack-spectrum", serde_json::json!({ "rows": [attack] }));
            let corruptions = serde_json::json!({ "epoch": 7, "clean_error": 0.2, "clean_error_interval": [0.18, 0.22],
                "error": [vec![0.3; 5], vec![noisy; 5]],
                "error_interval": [vec![[0.2, 0.4]; 5], vec![[noisy - 0.01, noisy + 0.01]; 5]],
                "rank_correlation_with_frequencies": 0.5, "rank_correlation_interval": [0.1, 0.7] });
            let file =
                serde_json::json!({ "rows": [corruptions], "corruptions": ["contrast", "gaussian_noise"] });
            measured(&mut findings, name, "corruptions", file);
            findings.clone()
        };
        network("standard", 9.0, 0.02, 0.6);
        let found = network("adversarially trained", 6.0, 0.06, 0.3);
        assert_eq!(of(Paper::Robustness, &found), [Verdict::Reproduced; 4]);
        let found = network("adversarially trained", 9.1, 0.02, 0.58);
        let no = Verdict::NotReproduced;
        assert_eq!(of(Paper::Robustness, &found), [no, no, no, Verdict::Reproduced]);
    }

    #[test]
    fn shortcuts_are_those_of_the_network_whose_images_have_some() {
        let mut findings = Findings::default();
        let mut network = |name: &str, accuracy: f64, tpr: f64, fpr: f64| {
            let class = serde_json::json!({ "images": 100, "accuracy": accuracy, "tpr": [0.0, 0.0, tpr, 0.9], "fpr": [0.0, 0.0, fpr, 0.9],
                "tpr_interval": [[0.0, 0.1], [0.0, 0.1], [tpr - 0.05, tpr + 0.05], [0.8, 1.0]],
                "fpr_interval": [[0.0, 0.1], [0.0, 0.1], [fpr - 0.05, fpr + 0.05], [0.8, 1.0]] });
            let row = serde_json::json!({ "epoch": 7, "classes": vec![class; 10] });
            let file = serde_json::json!({ "rows": [row], "dominant_percent": [1, 5, 10, 20] });
            measured(&mut findings, name, "shortcuts", file);
            findings.clone()
        };
        network("WCR", 0.6, 0.2, 0.1);
        let found = network("SCR", 0.9, 0.7, 0.5);
        assert_eq!(of(Paper::Shortcuts, &found), [Verdict::Reproduced; 2]);
        let found = network("SCR", 0.9, 0.7, 0.15);
        assert_eq!(of(Paper::Shortcuts, &found), [Verdict::Reproduced, Verdict::NotReproduced]);
        let found = network("SCR", 0.1, 0.7, 0.5);
        assert_eq!(of(Paper::Shortcuts, &found), [Verdict::NotTested; 2]);
    }
}
