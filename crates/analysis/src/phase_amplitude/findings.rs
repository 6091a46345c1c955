//! What is written of phase and amplitude.

use evaluation::Accuracy;
use plots::{Axes, Curve, LineChart};
use serde_json::{Value, json};
use spectral::Array;

use super::row::PhaseAmplitudeRow;
use crate::{
    Error,
    measuring::{Findings, Picture, fraction, rate_curve},
};

/// What figures call each rate, in the order of [`PhaseAmplitudeRow::rates`].
const NAMES: [&str; 3] =
    ["images as they are", "recombined: class of the phase", "recombined: class of the amplitude"];

/// All rows together.
pub(super) fn of(
    rows: &[&PhaseAmplitudeRow],
    epochs: &[usize],
    donors: &[usize],
    subject: &str,
) -> Result<Findings, Error> {
    let axes = Axes { right: "epoch".to_owned(), up: "share of images, %".to_owned() };
    let title = "Phase or amplitude: which of two images a network sees";
    let curves = (0..NAMES.len()).map(|which| curve(rows, which)).collect();
    let chart = LineChart::new(title, subject, axes, epochs.to_vec(), curves)?;
    Ok(Findings {
        rows: rows.iter().map(|row| row_json(row)).collect(),
        arrays: arrays(rows, donors),
        scalars: rows
            .iter()
            .map(|row| row.rates().map(|(name, rate)| (name, fraction(rate))).to_vec())
            .collect(),
        pictures: vec![("", Picture::Lines(chart))],
        ..Findings::default()
    })
}

fn row_json(row: &PhaseAmplitudeRow) -> Value {
    let mut json = json!({ "n_images": row.images });
    for (name, rate) in row.rates() {
        json[name] = json!(fraction(rate));
        json[format!("{name}_interval")] = json!(rate.interval());
    }
    json
}

/// A rate and the ends of its interval each, by row; and which image gives each one its amplitude.
fn arrays(rows: &[&PhaseAmplitudeRow], donors: &[usize]) -> Vec<Array> {
    let names = PhaseAmplitudeRow::default().rates().map(|(name, _)| name);
    let each = names.iter().enumerate().map(|(which, name)| {
        let of = |row: &&PhaseAmplitudeRow| {
            let rate = row.rates()[which].1;
            [fraction(rate), rate.interval()[0], rate.interval()[1]]
        };
        Array::new(*name, &[rows.len(), 3], rows.iter().flat_map(of).collect())
    });
    let donors = donors.iter().map(|&donor| donor as f64).collect::<Vec<_>>();
    each.chain([Array::new("amplitude_of", &[donors.len()], donors.clone())]).collect()
}

fn curve(rows: &[&PhaseAmplitudeRow], which: usize) -> Curve {
    let rates: Vec<Accuracy> = rows.iter().map(|row| row.rates()[which].1).collect();
    rate_curve(NAMES[which], &rates)
}
