//! Claims of Ricci, Merger & Goldt (ICML 2026): amplitude first, then phase.

use super::{
    networks::{Found, last},
    statement::{Outcome, Statement, Untested},
};
use crate::findings::Findings;

const NETWORK: &str = "standard";
const MEASURE: &str = "phase-amplitude";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "amplitude-first",
        figures: &["standard_phase-amplitude"],
        title: "At first a network goes by amplitude.",
        paper: "Networks that learn to classify images first rely on amplitudes, which are correlations of pairs of pixels.",
        rule: "After the first epoch in which the network is right beyond chance, images with the phase of one class and the amplitude of \
               another are taken for the class of the amplitude more often than for that of the phase.",
        test: amplitude_first,
    },
    Statement {
        id: "phase-later",
        figures: &["standard_phase-amplitude"],
        title: "Later it goes by phase.",
        paper: "Only then they exploit phases, which hold edges and correlations of higher order.",
        rule: "After the last epoch, such images are taken for the class of the phase more often than for that of the amplitude.",
        test: phase_later,
    },
];

fn amplitude_first(findings: &Findings) -> Outcome {
    let found = last(findings, NETWORK, MEASURE)?;
    let all = findings.measured.get(&(NETWORK.to_owned(), MEASURE.to_owned()));
    let learned = |row| {
        let accuracy = found.at(row).accuracy();
        accuracy.is_some_and(|accuracy| accuracy.exceeds(100.0 * row.chance()))
    };
    let first = all.into_iter().flat_map(|found| found.rows()).find(|&row| learned(row));
    let [amplitude, phase] = both(first.map_or(found, |row| found.at(row)))?;
    let holds = amplitude.above(&phase);
    Ok((vec![amplitude, phase], holds))
}

fn phase_later(findings: &Findings) -> Outcome {
    let [amplitude, phase] = both(last(findings, NETWORK, MEASURE)?)?;
    let holds = phase.above(&amplitude);
    Ok((vec![phase, amplitude], holds))
}

fn both(found: Found<'_>) -> Result<[super::Measure; 2], Untested> {
    Ok([
        found.share("taken for the class of the amplitude", "by_amplitude")?,
        found.share("taken for the class of the phase", "by_phase")?,
    ])
}
