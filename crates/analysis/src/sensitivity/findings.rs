//! What is written of Fourier sensitivities.

use plots::{Curve, LineChart, Spread};
use serde_json::{Value, json};
use spectral::Array;

use super::row::SensitivityRow;
use crate::{
    Error,
    measuring::{Findings, Picture, chosen, interval_json, ring_axes},
};

/// Curves that a figure shows.
const MOST_SHOWN: usize = 6;

/// All rows together.
pub(super) fn of(
    radii: &[usize],
    rows: &[&SensitivityRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Findings, Error> {
    let curves = chosen(rows.len(), MOST_SHOWN)
        .into_iter()
        .map(|at| curve(rows[at], format!("epoch {}", epochs[at])))
        .collect();
    let figure = LineChart::new(
        "Fourier sensitivity: shares of gradient energy",
        format!("{subject}; the shares of all rings are 1 together"),
        ring_axes("share of energy, %"),
        radii.to_vec(),
        curves,
    )?;
    let mut findings = Findings {
        rows: rows.iter().map(|row| row_json(row)).collect(),
        arrays: arrays(radii.len(), rows),
        scalars: rows.iter().map(|row| scalars(row, radii)).collect(),
        pictures: vec![("", Picture::Lines(figure))],
        ..Findings::default()
    };
    findings.shared.insert("radii".to_owned(), json!(radii));
    Ok(findings)
}

/// The ring with the largest share.
pub(super) fn peak(row: &SensitivityRow, radii: &[usize]) -> usize {
    let largest = row.mean.iter().zip(radii).max_by(|a, b| a.0.total_cmp(b.0));
    largest.map_or(0, |(_, &radius)| radius)
}

fn scalars(row: &SensitivityRow, radii: &[usize]) -> Vec<(&'static str, f64)> {
    vec![
        ("centre", row.centre),
        ("strongest", peak(row, radii) as f64),
        ("accuracy", row.correct as f64 / row.images.max(1) as f64),
        ("skipped", row.skipped as f64),
    ]
}

fn row_json(row: &SensitivityRow) -> Value {
    json!({
        "mean": row.mean,
        "std": row.std,
        "interval": row.interval,
        "centre": row.centre,
        "centre_interval": interval_json(row.centre_interval),
        "accuracy": row.correct as f64 / row.images.max(1) as f64,
        "skipped": row.skipped,
    })
}

fn arrays(rings: usize, rows: &[&SensitivityRow]) -> Vec<Array> {
    let table = |name: &str, of: fn(&SensitivityRow) -> Vec<f64>| {
        Array::new(name, &[rows.len(), rings], rows.iter().flat_map(|row| of(row)).collect())
    };
    // Without an interval nothing is known of the mean: not a number.
    let end = |row: &SensitivityRow, end: usize| match &row.interval {
        Some(ends) => ends.iter().map(|ends| ends[end]).collect(),
        None => vec![f64::NAN; row.mean.len()],
    };
    let ends = |name: &str, at: usize| {
        let values = rows.iter().flat_map(|row| end(row, at)).collect();
        Array::new(name, &[rows.len(), rings], values)
    };
    vec![
        table("mean", |row| row.mean.clone()),
        table("std", |row| row.std.clone()),
        ends("low", 0),
        ends("high", 1),
    ]
}

fn curve(row: &SensitivityRow, label: String) -> Curve {
    let ends =
        row.interval.as_ref().map(|ends| ends.iter().map(|ends| ends.map(|end| 100.0 * end)).collect());
    let mean = row.mean.iter().map(|share| 100.0 * share).collect();
    Curve { label, mean, spread: ends.map_or(Spread::None, Spread::Interval) }
}
