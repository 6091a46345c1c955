//! Claims about what networks get right on low and high frequencies.

use evaluation::correlation_interval;

use super::{
    measure::{Measure, Unit},
    scores::{evaluation, high, low, must_have_learned},
    statement::{Outcome, Statement, Untested},
};
use crate::{
    findings::{Component, Findings},
    radii::{HYBRID_RADIUS, RADII},
    training_set::TrainingSet,
};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "scr-table",
        figures: &["high_pass_all"],
        title: "Only a network trained on SCR images can tell classes by high frequencies.",
        paper: "Accuracy on high-pass images of r = 10, 12, 14: SCR 79.0, 68.2, 42.4 %; WCR 20.4, 15.5, 12.8 %; original images 43.2, \
                27.2, 14.3 %.",
        rule: "At r = 10, 12 and 14 the SCR network is right more often than the WCR network and than that trained on original \
               images.",
        test: scr_table,
    },
    Statement {
        id: "by-radius",
        figures: &["accuracy_original"],
        title: "Accuracy rises with r for low-pass images and falls for high-pass ones.",
        paper: "Both, for networks trained on original images.",
        rule: "From the smallest to the largest r it rises and falls, and no step goes the other way beyond its intervals.",
        test: by_radius,
    },
    Statement {
        id: "correlation",
        figures: &["accuracy_original"],
        title: "Accuracy on a component goes with how far its features separate classes.",
        paper: "Accuracy and the variance of features between classes correlate.",
        rule: "Their correlation over components is above 0.5, interval and all.",
        test: correlation,
    },
    Statement {
        id: "features",
        figures: &["features_original"],
        title: "Features separate classes on low and middle frequencies, and overlap on high ones.",
        paper: "Densities of features by class, for low, middle and high components.",
        rule: "The ratio of variances between and within classes falls from the low to the middle to the high component. (It has no \
               interval.)",
        test: features,
    },
    Statement {
        id: "hars-high",
        figures: &["high_pass_all", "heat_map_hars"],
        title: "Training on hybrids (HARS) raises accuracy on high frequencies.",
        paper: "High-pass accuracy is above the baseline's.",
        rule: "On high-pass images of the hybrids' radius, r = 12, the network trained on hybrids is right more often than that trained \
               on original images.",
        test: hars_high,
    },
    Statement {
        id: "hars-low",
        figures: &[],
        title: "It lowers accuracy on low ones.",
        paper: "Low-pass accuracy is below the baseline's.",
        rule: "On low-pass images of r = 12 the network trained on hybrids is right less often than that trained on original images.",
        test: hars_low,
    },
];

/// The paper's table: accuracy on high-pass images, %, by r.
const PAPER: [(usize, [f64; 3]); 5] = [
    (10, [79.0, 20.4, 43.2]),
    (12, [68.2, 15.5, 27.2]),
    (14, [42.4, 12.8, 14.3]),
    (16, [30.4, 10.0, 10.5]),
    (18, [30.9, 10.0, 8.3]),
];

/// The columns of that table.
const PAPER_COLUMNS: [TrainingSet; 3] = [TrainingSet::Scr, TrainingSet::Wcr, TrainingSet::Original];

fn scr_table(findings: &Findings) -> Outcome {
    for set in PAPER_COLUMNS {
        must_have_learned(findings, set)?;
    }
    let (mut measures, mut holds) = (Vec::new(), true);
    for (r, paper) in PAPER {
        let row = PAPER_COLUMNS.iter().zip(paper);
        let row: Vec<Measure> = row
            .map(|(&set, paper)| Ok(high(findings, set, r)?.beside(paper)))
            .collect::<Result<_, Untested>>()?;
        holds &= r > 14 || row[0].above(&row[1]) && row[0].above(&row[2]);
        measures.extend(row);
    }
    Ok((measures, holds))
}

fn by_radius(findings: &Findings) -> Outcome {
    must_have_learned(findings, TrainingSet::Original)?;
    let all = |of: fn(&Findings, TrainingSet, usize) -> Result<Measure, Untested>| {
        RADII.iter().map(|&r| of(findings, TrainingSet::Original, r)).collect::<Result<Vec<_>, Untested>>()
    };
    let (low, mut high) = (all(low)?, all(high)?);
    let rises = |values: &[Measure]| {
        let ends = values.first().zip(values.last());
        ends.is_some_and(|(first, last)| last.above(first))
            && values.windows(2).all(|pair| !pair[0].above(&pair[1]))
    };
    high.reverse();
    let holds = rises(&low) && rises(&high);
    high.reverse();
    Ok(([low, high].concat(), holds))
}

fn correlation(findings: &Findings) -> Outcome {
    must_have_learned(findings, TrainingSet::Original)?;
    let found = evaluation(findings, TrainingSet::Original)?.correlation();
    let (value, components) = found.ok_or_else(|| Untested::missing("the variance of features"))?;
    let label = format!("correlation over {components} components");
    let interval = correlation_interval(value, components);
    let measure = Measure { interval, ..Measure::plain(label, Unit::Ratio, value) };
    let holds = measure.exceeds(0.5);
    Ok((vec![measure], holds))
}

fn features(findings: &Findings) -> Outcome {
    must_have_learned(findings, TrainingSet::Original)?;
    let found = evaluation(findings, TrainingSet::Original)?;
    let ratio = |label: &str, of: Option<&Component>| {
        let ratio = of.and_then(|component| component.features).and_then(|features| features.ratio);
        let missing = || Untested::missing("the variance of features");
        Ok(Measure::plain(label, Unit::Ratio, ratio.ok_or_else(missing)?))
    };
    let low = ratio("low-pass images of r = 10", found.low(10))?;
    let middle = ratio("what is from 10 to below 14", found.band())?;
    let high = ratio("high-pass images of r = 14", found.high(14))?;
    let holds = low.above(&middle) && middle.above(&high);
    Ok((vec![low, middle, high], holds))
}

fn hars_high(findings: &Findings) -> Outcome {
    let radii = RADII.iter().copied().filter(|r| (8..=14).contains(r));
    compare(findings, high, radii, |hybrids, baseline| hybrids.above(baseline))
}

fn hars_low(findings: &Findings) -> Outcome {
    compare(findings, low, [HYBRID_RADIUS].into_iter(), |hybrids, baseline| baseline.above(hybrids))
}

/// Networks trained on hybrids and on original images at some radii; the rule is about the hybrids' own.
fn compare(
    findings: &Findings,
    accuracy: fn(&Findings, TrainingSet, usize) -> Result<Measure, Untested>,
    radii: impl Iterator<Item = usize>,
    rule: fn(&Measure, &Measure) -> bool,
) -> Outcome {
    must_have_learned(findings, TrainingSet::Hars)?;
    must_have_learned(findings, TrainingSet::Original)?;
    let (mut measures, mut holds) = (Vec::new(), false);
    for r in radii {
        let (hybrids, baseline) =
            (accuracy(findings, TrainingSet::Hars, r)?, accuracy(findings, TrainingSet::Original, r)?);
        holds |= r == HYBRID_RADIUS && rule(&hybrids, &baseline);
        measures.extend([hybrids, baseline]);
    }
    Ok((measures, holds))
}
