//! Claims of Yin et al. (NeurIPS 2019) on adversarial training and corruptions.

use super::{
    measure::{Measure, Unit},
    networks::{last, mean},
    statement::{Outcome, Statement, Untested},
};
use crate::findings::Findings;

const STANDARD: &str = "standard";
const ADVERSARIAL: &str = "adversarially trained";
/// Rings of low frequencies: those up to this radius.
const LOW: usize = 4;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "adversarial-lower",
        figures: &["sensitivity_all", "heat_map_standard", "heat_map_adversarial"],
        title: "Adversarial training moves what a network looks at to lower frequencies.",
        paper: "Adversarially trained networks are more robust against noise of high frequencies, and less against that of the lowest ones.",
        rule: "After the last epoch, the centre of the Fourier sensitivity is lower than without adversarial training.",
        test: adversarial_lower,
    },
    Statement {
        id: "attacks-lower",
        figures: &["standard_attack-spectrum", "adversarial_attack-spectrum"],
        title: "An adversary then changes lower frequencies.",
        paper: "Of naturally trained networks adversarial changes are spread over frequencies, of adversarially trained ones they are in the lower ones.",
        rule: "For changes of the same length, the mean amplitude at radii 1 to 4 is higher than without adversarial training.",
        test: attacks_lower,
    },
    Statement {
        id: "noise-helped",
        figures: &["standard_corruptions", "adversarial_corruptions"],
        title: "It helps against noise.",
        paper: "Adversarial training improves on corruptions in high frequencies, as noise, and degrades on those in low ones, as fog and contrast.",
        rule: "What Gaussian noise adds to the error, over all severities, is less than without adversarial training.",
        test: noise_helped,
    },
    Statement {
        id: "corruptions-predicted",
        figures: &["standard_corruptions"],
        title: "Frequencies say which corruptions a network fails on.",
        paper: "The error under a corruption goes with the frequencies that it changes and how sensitive the network is to them.",
        rule: "For the standard network, over corruptions and severities, the rank correlation of the error with Σ D(r)·S(r) is above zero.",
        test: corruptions_predicted,
    },
];

fn both(of: impl Fn(&'static str) -> Result<Measure, Untested>) -> Result<[Measure; 2], Untested> {
    Ok([of(STANDARD)?, of(ADVERSARIAL)?])
}

fn adversarial_lower(findings: &Findings) -> Outcome {
    let [standard, adversarial] = both(|network| {
        last(findings, network, "sensitivity")?.number("centre of the sensitivity", "centre", Unit::Radius)
    })?;
    let holds = standard.above(&adversarial);
    Ok((vec![standard, adversarial], holds))
}

fn attacks_lower(findings: &Findings) -> Outcome {
    let [standard, adversarial] = both(|network| {
        let found = last(findings, network, "attack-spectrum")?;
        let change = found.list("change")?;
        let (value, interval) = mean(&change[..LOW.min(change.len())]);
        let label = found.label("amplitude of the change at ρ = 1 to 4");
        Ok(Measure { interval: Some(interval), ..Measure::plain(label, Unit::Scaled, value) })
    })?;
    let holds = adversarial.above(&standard);
    Ok((vec![standard, adversarial], holds))
}

fn noise_helped(findings: &Findings) -> Outcome {
    let [standard, adversarial] = both(|network| {
        let found = last(findings, network, "corruptions")?;
        let all = findings.measured.get(&(network.to_owned(), "corruptions".to_owned()));
        let names: Option<Vec<String>> = all.and_then(|all| all.shared("corruptions"));
        let place = names.and_then(|names| names.iter().position(|name| name == "gaussian_noise"));
        let errors: Option<Vec<Vec<f64>>> = found.row.get("error");
        let intervals: Option<Vec<Vec<[f64; 2]>>> = found.row.get("error_interval");
        let severities = place.zip(errors).zip(intervals).and_then(|((place, errors), intervals)| {
            Some(errors.get(place)?.iter().copied().zip(intervals.get(place)?.iter().copied()).collect())
        });
        let severities: Vec<_> = severities.ok_or_else(|| found.lacks("gaussian_noise"))?;
        let (value, interval) = mean(&severities);
        let noisy = Measure::share(String::new(), value, interval);
        let clean = found.share("", "clean_error")?;
        Ok(Measure::difference(found.label("error added by Gaussian noise"), &noisy, &clean))
    })?;
    let holds = standard.above(&adversarial);
    Ok((vec![standard, adversarial], holds))
}

fn corruptions_predicted(findings: &Findings) -> Outcome {
    let found = last(findings, STANDARD, "corruptions")?;
    let name = "rank_correlation_with_frequencies";
    let correlation: f64 = found.row.get(name).ok_or_else(|| found.lacks(name))?;
    let interval = found.row.get("rank_correlation_interval");
    let label = found.label("rank correlation over corruptions and severities");
    let correlation = Measure { interval, ..Measure::plain(label, Unit::Ratio, correlation) };
    let holds = correlation.interval.is_some() && correlation.exceeds(0.0);
    Ok((vec![correlation], holds))
}
