//! What is written of corruptions.

use evaluation::Accuracy;
use plots::{Axes, Curve, LineChart, Spread};
use serde_json::{Value, json};
use spectral::Array;

use super::{
    reference::{Reference, mean_of},
    row::{CorruptedRates, CorruptionsRow},
};
use crate::{
    Error,
    measuring::{Findings, Picture, fraction, interval_json, of_last, rate_curve, ring_axes},
};

/// Corruptions that a figure shows, the worst first.
const MOST_SHOWN: usize = 8;

/// What images were corrupted by, and beside whom.
#[derive(Clone, Copy)]
pub(super) struct Corrupted<'a> {
    pub(super) names: &'a [String],
    pub(super) radii: &'a [usize],
    pub(super) reference: Option<&'a Reference>,
}

/// Errors over those of a reference: of each corruption, and their mean.
pub(super) struct Relative {
    each: Vec<Option<f64>>,
    pub(super) mean: Option<f64>,
}

/// All are absent without a reference.
pub(super) fn relative(reference: Option<&Reference>, names: &[String], row: &CorruptionsRow) -> Relative {
    let errors = row.by_corruption();
    let each = reference.map_or_else(|| vec![None; names.len()], |of| of.ratios(names, &errors));
    Relative { mean: mean_of(&each), each }
}

/// All rows together.
pub(super) fn of(
    corrupted: Corrupted<'_>,
    rows: &[&CorruptionsRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Findings, Error> {
    let mut findings = Findings {
        rows: rows.iter().map(|row| row_json(corrupted, row)).collect(),
        arrays: arrays(corrupted, rows),
        scalars: rows.iter().map(|row| scalars(corrupted, row)).collect(),
        pictures: pictures(corrupted, rows, epochs, subject)?,
        ..Findings::default()
    };
    findings.shared.insert("corruptions".to_owned(), json!(corrupted.names));
    findings.shared.insert("radii".to_owned(), json!(corrupted.radii));
    Ok(findings)
}

fn scalars(corrupted: Corrupted<'_>, row: &CorruptionsRow) -> Vec<(&'static str, f64)> {
    let relative = relative(corrupted.reference, corrupted.names, row);
    vec![
        ("clean_error", fraction(row.rate(row.clean_errors))),
        ("mean_corruption_error", row.mean_error()),
        ("mce", relative.mean.unwrap_or(f64::NAN)),
        ("rank_correlation_with_frequencies", row.rank_correlation.unwrap_or(f64::NAN)),
    ]
}

fn row_json(corrupted: Corrupted<'_>, row: &CorruptionsRow) -> Value {
    let table = |of: &dyn Fn(&CorruptedRates) -> Value| -> Value {
        row.corrupted.iter().map(|all| all.iter().map(of).collect::<Value>()).collect()
    };
    let relative = relative(corrupted.reference, corrupted.names, row);
    json!({
        "clean_error": fraction(row.rate(row.clean_errors)),
        "clean_error_interval": row.rate(row.clean_errors).interval(),
        "error": table(&|of| json!(fraction(row.rate(of.errors)))),
        "error_interval": table(&|of| json!(row.rate(of.errors).interval())),
        "mean_error": row.by_corruption(),
        "mean_corruption_error": row.mean_error(),
        "ce": relative.each,
        "mce": relative.mean,
        "change": table(&|of| json!(of.change)),
        "sensitivity": row.sensitivity,
        "predicted": table(&|of| json!(of.predicted)),
        "rank_correlation_with_frequencies": row.rank_correlation,
        "rank_correlation_interval": interval_json(row.rank_correlation_interval),
    })
}

fn arrays(corrupted: Corrupted<'_>, rows: &[&CorruptionsRow]) -> Vec<Array> {
    let severities = rows.first().and_then(|row| row.corrupted.first()).map_or(0, Vec::len);
    let shape = [rows.len(), corrupted.names.len(), severities];
    let table = |name: &str, of: &dyn Fn(&CorruptionsRow, &CorruptedRates) -> f64| {
        let row = |row: &&CorruptionsRow| {
            row.corrupted.iter().flatten().map(|all| of(row, all)).collect::<Vec<_>>()
        };
        Array::new(name, &shape, rows.iter().flat_map(row).collect())
    };
    let changes = rows.iter().flat_map(|row| row.corrupted.iter().flatten());
    let changes = changes.flat_map(|of| of.change.iter().copied()).collect();
    let rings = corrupted.radii.len();
    vec![
        table("error", &|row, of| fraction(row.rate(of.errors))),
        table("error_low", &|row, of| row.rate(of.errors).interval()[0]),
        table("error_high", &|row, of| row.rate(of.errors).interval()[1]),
        table("predicted", &|_, of| of.predicted),
        Array::new("change", &[shape[0], shape[1], shape[2], rings], changes),
        Array::new(
            "sensitivity",
            &[rows.len(), rings],
            rows.iter().flat_map(|row| row.sensitivity.iter().copied()).collect(),
        ),
        Array::new(
            "clean_error",
            &[rows.len()],
            rows.iter().map(|row| fraction(row.rate(row.clean_errors))).collect(),
        ),
    ]
}

fn pictures(
    corrupted: Corrupted<'_>,
    rows: &[&CorruptionsRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Vec<(&'static str, Picture)>, Error> {
    let Some(last) = rows.last() else { return Ok(Vec::new()) };
    let errors = last.by_corruption();
    let mut order: Vec<usize> = (0..errors.len()).collect();
    order.sort_by(|&a, &b| errors[b].total_cmp(&errors[a]).then(a.cmp(&b)));
    order.truncate(MOST_SHOWN);
    let severities = last.corrupted.first().map_or(0, Vec::len);
    let by_severity = |&at: &usize| {
        let rates: Vec<Accuracy> = last.corrupted[at].iter().map(|of| last.rate(of.errors)).collect();
        rate_curve(corrupted.names[at].replace('_', " "), &rates)
    };
    let chart = LineChart::new(
        "Errors on corrupted images",
        format!(
            "{}; {:.1} % wrong without corruption",
            of_last(subject, epochs),
            100.0 * fraction(last.rate(last.clean_errors))
        ),
        Axes { right: "severity".to_owned(), up: "error rate, %".to_owned() },
        (1..=severities).collect(),
        order.iter().map(by_severity).collect(),
    )?;
    let spectrum = |&at: &usize| Curve {
        label: corrupted.names[at].replace('_', " "),
        mean: mean_change(&last.corrupted[at], corrupted.radii.len()),
        spread: Spread::None,
    };
    let spectra = LineChart::new(
        "What corruptions change, by ring of frequencies",
        format!("{subject}; means over severities"),
        ring_axes("mean amplitude, in units of pixels"),
        corrupted.radii.to_vec(),
        order.iter().map(spectrum).collect(),
    )?;
    Ok(vec![("", Picture::Lines(chart)), ("spectra", Picture::Lines(spectra))])
}

fn mean_change(all: &[CorruptedRates], rings: usize) -> Vec<f64> {
    let mean = |ring: usize| all.iter().map(|of| of.change[ring]).sum::<f64>() / all.len().max(1) as f64;
    (0..rings).map(mean).collect()
}
