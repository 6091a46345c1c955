//! Claims of Wang et al. (ICCV 2023), on images whose spectra were made to depend on the class.

use serde::Deserialize;

use super::{
    measure::Measure,
    networks::{Estimate, last, mean},
    statement::{Outcome, Statement, Untested},
};
use crate::findings::Findings;

/// The share of frequencies, %, that rates are compared at.
const SHARE: usize = 10;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "shortcut-enough",
        figures: &["scr_shortcuts", "wcr_shortcuts"],
        title: "Where spectra depend on the class, few frequencies are enough to tell it.",
        paper: "Networks find few frequencies that go with a class, whatever they are, and classify by these alone.",
        rule: "With only the dominant 10 % of frequencies left, the SCR network is right on more images of a class (TPR, mean over classes) \
               than the WCR network.",
        test: |findings| compared(findings, "tpr", "TPR"),
    },
    Statement {
        id: "shortcut-misleads",
        figures: &["scr_shortcuts", "wcr_shortcuts"],
        title: "Images of other classes are taken for a class by its frequencies.",
        paper: "A class with a shortcut has high rates of both true and false positives on images of its dominant frequencies.",
        rule: "With only a class's dominant 10 % of frequencies left, the SCR network takes more images of other classes for it (FPR, mean \
               over classes) than the WCR network.",
        test: |findings| compared(findings, "fpr", "FPR"),
    },
];

/// What is found of a class.
#[derive(Deserialize)]
struct Class {
    tpr: Vec<f64>,
    tpr_interval: Vec<[f64; 2]>,
    fpr: Vec<f64>,
    fpr_interval: Vec<[f64; 2]>,
    accuracy: f64,
    images: u64,
}

impl Class {
    fn rate(&self, name: &str, share: usize) -> Option<Estimate> {
        let (values, intervals) =
            if name == "tpr" { (&self.tpr, &self.tpr_interval) } else { (&self.fpr, &self.fpr_interval) };
        Some((*values.get(share)?, *intervals.get(share)?))
    }
}

fn compared(findings: &Findings, name: &str, label: &str) -> Outcome {
    let [scr, wcr] = [rate(findings, "SCR", name, label)?, rate(findings, "WCR", name, label)?];
    let holds = scr.above(&wcr);
    Ok((vec![scr, wcr], holds))
}

/// The mean over classes of a rate of a network that has learned something.
fn rate(findings: &Findings, network: &str, name: &str, label: &str) -> Result<Measure, Untested> {
    let found = last(findings, network, "shortcuts")?;
    let classes: Vec<Class> = found.row.get("classes").ok_or_else(|| found.lacks("classes"))?;
    let images: u64 = classes.iter().map(|class| class.images).sum();
    let correct: f64 = classes.iter().map(|class| class.accuracy * class.images as f64).sum();
    let accuracy = evaluation::Accuracy { correct: correct.round() as u64, of: images };
    let share = accuracy.fraction().ok_or_else(|| found.lacks("images"))?;
    let accuracy = Measure::share(found.label("test images"), share, accuracy.interval());
    if !accuracy.exceeds(150.0 * found.row.chance()) {
        let reason = format!("the {network} network has learned too little to say");
        return Err(Untested { reason, measures: vec![accuracy] });
    }
    let all = findings.measured.get(&(network.to_owned(), "shortcuts".to_owned()));
    let shares: Vec<usize> = all.and_then(|all| all.shared("dominant_percent")).unwrap_or_default();
    let place = shares.iter().position(|&share| share == SHARE);
    let rates = place.map(|place| classes.iter().map(|class| class.rate(name, place)).collect());
    let rates: Option<Vec<_>> = rates.flatten();
    let (value, interval) = mean(&rates.ok_or_else(|| found.lacks(name))?);
    Ok(Measure::share(found.label(&format!("{label} at {SHARE} % of frequencies")), value, interval))
}
