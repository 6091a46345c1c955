//! What is written of critical bands.

use evaluation::Accuracy;
use plots::{Axes, Curve, LineChart, Spread};
use serde_json::{Value, json};
use spectral::Array;

use super::row::{Channel, CriticalBandsRow};
use crate::{
    Error,
    measuring::{Findings, Picture, chosen, fraction, interval_json, of_last, rate_curve},
};

/// Epochs that a figure shows.
const MOST_SHOWN: usize = 6;

/// What was added to images.
#[derive(Clone, Copy)]
pub(super) struct Noise<'a> {
    pub(super) centres: &'a [f64],
    /// 0 is the first.
    pub(super) strengths: &'a [f64],
    pub(super) criterion: f64,
    /// Of the images.
    pub(super) contrast: f64,
}

/// All rows together.
pub(super) fn of(
    noise: Noise<'_>,
    rows: &[&CriticalBandsRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Findings, Error> {
    let mut findings = Findings {
        rows: rows.iter().map(|row| row_json(row)).collect(),
        arrays: arrays(noise, rows),
        scalars: rows.iter().map(|row| scalars(row)).collect(),
        pictures: pictures(noise, rows, epochs, subject)?,
        ..Findings::default()
    };
    findings.shared.insert("octave_centres".to_owned(), json!(noise.centres));
    findings.shared.insert("noise".to_owned(), json!(noise.strengths));
    Ok(findings)
}

fn scalars(row: &CriticalBandsRow) -> Vec<(&'static str, f64)> {
    let of = |number: fn(&Channel) -> f64| row.channel.as_ref().map_or(f64::NAN, number);
    vec![
        ("accuracy", fraction(row.accuracy(row.clean))),
        ("centre", of(|channel| channel.centre)),
        ("width_in_octaves", of(|channel| channel.width)),
    ]
}

fn row_json(row: &CriticalBandsRow) -> Value {
    let table = row.accuracies();
    let rates: Vec<Vec<f64>> =
        table.iter().map(|all| all.iter().map(|&rate| fraction(rate)).collect()).collect();
    let ends: Vec<Vec<[f64; 2]>> =
        table.iter().map(|all| all.iter().map(|rate| rate.interval()).collect()).collect();
    let thresholds: Vec<Value> = row.threshold_intervals.iter().map(|&ends| interval_json(ends)).collect();
    let channel = row.channel.map(|channel| {
        json!({
            "peak": channel.peak,
            "centre": channel.centre,
            "centre_interval": interval_json(channel.centre_interval),
            "width_in_octaves": channel.width,
            "width_interval": interval_json(channel.width_interval),
        })
    });
    json!({
        "accuracy": rates,
        "accuracy_interval": ends,
        "threshold": row.thresholds,
        "threshold_interval": thresholds,
        "sensitivity": row.sensitivities,
        "channel": channel,
    })
}

/// What is not known is not a number.
fn arrays(noise: Noise<'_>, rows: &[&CriticalBandsRow]) -> Vec<Array> {
    let (octaves, strengths) = (noise.centres.len(), noise.strengths.len());
    let rates = |of: fn(Accuracy) -> f64| -> Vec<f64> {
        rows.iter().flat_map(|row| row.accuracies()).flatten().map(of).collect()
    };
    let table =
        |name: &str, of: fn(Accuracy) -> f64| Array::new(name, &[rows.len(), octaves, strengths], rates(of));
    let by_octave = |name: &str, of: fn(&CriticalBandsRow) -> Vec<f64>| {
        Array::new(name, &[rows.len(), octaves], rows.iter().flat_map(|row| of(row)).collect())
    };
    let channel = rows.iter().flat_map(|row| {
        row.channel.map_or([f64::NAN; 3], |channel| [channel.peak, channel.centre, channel.width])
    });
    vec![
        table("accuracy", fraction),
        table("accuracy_low", |rate| rate.interval()[0]),
        table("accuracy_high", |rate| rate.interval()[1]),
        by_octave("threshold", |row| row.thresholds.iter().map(|found| found.unwrap_or(f64::NAN)).collect()),
        by_octave("sensitivity", |row| {
            row.sensitivities.clone().unwrap_or_else(|| vec![f64::NAN; row.thresholds.len()])
        }),
        Array::new("channel", &[rows.len(), 3], channel.collect()),
    ]
}

fn pictures(
    noise: Noise<'_>,
    rows: &[&CriticalBandsRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Vec<(&'static str, Picture)>, Error> {
    let Some(last) = rows.last() else { return Ok(Vec::new()) };
    let octaves: Vec<usize> = (0..noise.centres.len()).collect();
    let right = "octave b, around 1.75·2^b cycles per image".to_owned();
    let accuracy = LineChart::new(
        "Critical bands: accuracy under noise of an octave",
        format!("{}; grey images of contrast {}", of_last(subject, epochs), noise.contrast),
        Axes { right: right.clone(), up: "accuracy, %".to_owned() },
        octaves.clone(),
        (0..noise.strengths.len()).map(|at| of_strength(last, noise.strengths, at)).collect(),
    )?;
    let of_epoch = |at: usize| {
        let row = rows[at];
        let label = format!("epoch {}{}", epochs[at], row.channel.map_or_else(String::new, words));
        Some(Curve { label, mean: row.sensitivities.clone()?, spread: Spread::None })
    };
    // Networks that see nothing without noise have no sensitivities.
    let curves: Vec<Curve> = chosen(rows.len(), MOST_SHOWN).into_iter().filter_map(of_epoch).collect();
    let mut pictures = vec![("", Picture::Lines(accuracy))];
    if !curves.is_empty() {
        let up = format!("log₁₀(σ = {} / threshold)", noise.strengths.last().copied().unwrap_or(0.0));
        let title = "Critical bands: which octaves of noise matter";
        let subtitle = format!("{subject}; thresholds at {} % right", 100.0 * noise.criterion);
        let channels = LineChart::new(title, subtitle, Axes { right, up }, octaves, curves)?;
        pictures.push(("channel", Picture::Lines(channels)));
    }
    Ok(pictures)
}

fn words(channel: Channel) -> String {
    format!(": {:.1} octaves at {:.1}", channel.width, channel.centre)
}

fn of_strength(row: &CriticalBandsRow, strengths: &[f64], at: usize) -> Curve {
    let rates: Vec<Accuracy> = row.accuracies().iter().map(|octave| octave[at]).collect();
    rate_curve(format!("σ = {}", strengths[at]), &rates)
}
