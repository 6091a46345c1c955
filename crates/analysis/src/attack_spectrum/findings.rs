//! What is written of the spectra of attacks.

use evaluation::Accuracy;
use plots::{Axes, Curve, LineChart, Spread};
use serde_json::{Value, json};
use spectral::Array;

use super::row::AttackSpectrumRow;
use crate::{
    Error,
    measuring::{Findings, Picture, chosen, fraction, rate_curve, ring_axes},
};

/// Epochs that the figure of spectra shows: two curves each.
const MOST_SHOWN: usize = 2;

/// Under which attacks, and by what.
#[derive(Clone, Copy)]
pub(super) struct Attacked<'a> {
    pub(super) radii: &'a [usize],
    pub(super) octaves: &'a [[usize; 2]],
    /// The attack in words.
    pub(super) caption: &'a str,
}

/// All rows together.
pub(super) fn of(
    attacked: Attacked<'_>,
    rows: &[&AttackSpectrumRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Findings, Error> {
    let attack = attacked.caption;
    let shown = chosen(rows.len(), MOST_SHOWN);
    let spectra = LineChart::new(
        "What an adversary changes, by ring of frequencies",
        format!("{subject}; {attack}; gradients are scaled to the length of the change"),
        ring_axes("mean amplitude, in units of pixels"),
        attacked.radii.to_vec(),
        shown.iter().flat_map(|&at| curves(rows[at], epochs[at])).collect(),
    )?;
    let mut findings = Findings {
        rows: rows.iter().map(|row| row_json(row)).collect(),
        arrays: arrays(attacked, rows),
        scalars: rows.iter().map(|row| scalars(row)).collect(),
        pictures: vec![
            ("", Picture::Lines(spectra)),
            ("octaves", Picture::Lines(octaves(attacked, rows, epochs, subject)?)),
        ],
        ..Findings::default()
    };
    findings.shared.insert("radii".to_owned(), json!(attacked.radii));
    findings.shared.insert("octaves".to_owned(), json!(attacked.octaves));
    Ok(findings)
}

/// Radii in words.
pub(super) fn range(first: usize, last: usize) -> String {
    if first == last { first.to_string() } else { format!("{first}–{last}") }
}

fn scalars(row: &AttackSpectrumRow) -> Vec<(&'static str, f64)> {
    vec![
        ("clean_error", fraction(row.rate(row.clean_errors))),
        ("attacked_error", fraction(row.rate(row.attacked_errors))),
        ("skipped", row.skipped as f64),
    ]
}

fn row_json(row: &AttackSpectrumRow) -> Value {
    let rates = |errors: &[u64]| errors.iter().map(|&errors| fraction(row.rate(errors))).collect::<Vec<_>>();
    let ends = |errors: &[u64]| errors.iter().map(|&errors| row.rate(errors).interval()).collect::<Vec<_>>();
    let both = [row.clean_errors, row.attacked_errors];
    json!({
        "clean_error": rates(&both)[0],
        "clean_error_interval": ends(&both)[0],
        "attacked_error": rates(&both)[1],
        "attacked_error_interval": ends(&both)[1],
        "octave_error": rates(&row.octave_errors),
        "octave_error_interval": ends(&row.octave_errors),
        "change": row.change_mean,
        "change_interval": row.change_interval,
        "gradient": row.gradient_mean,
        "gradient_interval": row.gradient_interval,
        "skipped": row.skipped,
    })
}

fn arrays(attacked: Attacked<'_>, rows: &[&AttackSpectrumRow]) -> Vec<Array> {
    let table = |name: &str, columns: usize, of: &dyn Fn(&AttackSpectrumRow) -> Vec<f64>| {
        Array::new(name, &[rows.len(), columns], rows.iter().flat_map(|row| of(row)).collect())
    };
    let (rings, octaves) = (attacked.radii.len(), attacked.octaves.len());
    vec![
        table("change", rings, &|row| row.change_mean.clone()),
        table("gradient", rings, &|row| row.gradient_mean.clone()),
        table("octave_error", octaves, &|row| {
            row.octave_errors.iter().map(|&errors| fraction(row.rate(errors))).collect()
        }),
        table("attacked_error", 1, &|row| vec![fraction(row.rate(row.attacked_errors))]),
        table("clean_error", 1, &|row| vec![fraction(row.rate(row.clean_errors))]),
    ]
}

fn curves(row: &AttackSpectrumRow, epoch: usize) -> [Curve; 2] {
    let curve = |what: &str, mean: &[f64], ends: &Option<Vec<[f64; 2]>>| Curve {
        label: format!("{what}, epoch {epoch}"),
        mean: mean.to_vec(),
        spread: ends.clone().map_or(Spread::None, Spread::Interval),
    };
    [
        curve("change", &row.change_mean, &row.change_interval),
        curve("gradient", &row.gradient_mean, &row.gradient_interval),
    ]
}

/// Error rates over epochs: a curve for each octave, without its interval, which would cover the others; and one for the whole attack.
fn octaves(
    attacked: Attacked<'_>,
    rows: &[&AttackSpectrumRow],
    epochs: &[usize],
    subject: &str,
) -> Result<LineChart, plots::Error> {
    let curve = |label: String, errors: &dyn Fn(&AttackSpectrumRow) -> u64| {
        let rates: Vec<Accuracy> = rows.iter().map(|row| row.rate(errors(row))).collect();
        rate_curve(label, &rates)
    };
    let alone = |curve: Curve| Curve { spread: Spread::None, ..curve };
    let own = attacked.octaves.iter().enumerate().map(|(at, [first, last])| {
        alone(curve(format!("r = {}", range(*first, *last)), &move |row| row.octave_errors[at]))
    });
    let all = [
        curve("not attacked".to_owned(), &|row| row.clean_errors),
        curve("all frequencies".to_owned(), &|row| row.attacked_errors),
    ];
    let axes = Axes { right: "epoch".to_owned(), up: "error rate, %".to_owned() };
    let title = "Errors where an adversary has an octave of frequencies alone";
    let subtitle = format!("{subject}; {}", attacked.caption);
    LineChart::new(title, subtitle, axes, epochs.to_vec(), all.into_iter().chain(own).collect())
}
