//! What is written of Fourier heat maps.

use evaluation::Accuracy;
use plots::{Curve, FrequencyMap, FrequencyMaps, LineChart, Spread};
use serde_json::{Value, json};
use spectral::Array;

use super::row::FourierHeatMapRow;
use crate::{
    Error,
    measuring::{Directions, Findings, Picture, chosen, interval_json, ring_axes},
};

/// Maps and curves that a figure shows.
const MOST_SHOWN: usize = 6;

/// What was added to images.
#[derive(Clone, Copy)]
pub(super) struct Waves<'a> {
    pub(super) directions: &'a Directions,
    /// Of each ring of them.
    pub(super) radii: &'a [usize],
    /// Their length.
    pub(super) norm: f32,
}

/// All rows together.
pub(super) fn of(
    waves: Waves<'_>,
    rows: &[&FourierHeatMapRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Findings, Error> {
    let mut findings = Findings {
        rows: rows.iter().map(|row| row_json(waves.directions, row)).collect(),
        arrays: arrays(waves.directions, rows),
        scalars: rows.iter().map(|row| scalars(row)).collect(),
        ..Findings::default()
    };
    let [height, width] = waves.directions.map();
    let lowest = |side: usize| -((side / 2) as i64);
    let axis = |side: usize| (0..side as i64).map(|at| at + lowest(side)).collect::<Vec<_>>();
    findings.shared.insert("vertical_frequencies".to_owned(), json!(axis(height)));
    findings.shared.insert("horizontal_frequencies".to_owned(), json!(axis(width)));
    findings.shared.insert("radii".to_owned(), json!(waves.radii));
    findings
        .shared
        .insert("quantity".to_owned(), json!("share of images taken for another class than their own"));
    findings.shared.insert(
        "rings".to_owned(),
        json!("directions ±k by the nearest whole |k|, without zero; means over directions, intervals over images"),
    );
    if rows.iter().any(|row| !row.seen.is_empty()) {
        findings.shared.insert(
            "rings".to_owned(),
            json!("directions ±k by the nearest whole |k|, without zero; means over directions of rates and of the ends of their intervals"),
        );
    }
    let shown = chosen(rows.len(), MOST_SHOWN);
    let shown: Vec<(&FourierHeatMapRow, String)> =
        shown.into_iter().map(|at| (rows[at], format!("epoch {}", epochs[at]))).collect();
    findings.pictures = pictures(waves, &shown, subject)?;
    Ok(findings)
}

fn scalars(row: &FourierHeatMapRow) -> Vec<(&'static str, f64)> {
    let rate = |errors: f64| errors / row.images.max(1) as f64;
    let directions = row.errors.len();
    let mean = (0..directions).map(|at| row.rate(at)).sum::<f64>() / directions.max(1) as f64;
    let mut scalars = vec![
        ("clean_error", rate(row.clean_errors as f64)),
        ("mean_error", mean),
        ("rank_correlation_with_first_order", row.rank_correlation.unwrap_or(f64::NAN)),
    ];
    scalars.extend(row.drawn_share().map(|share| ("share_of_evaluations", share)));
    scalars
}

fn row_json(directions: &Directions, row: &FourierHeatMapRow) -> Value {
    let [_, width] = directions.map();
    let table = |values: Vec<f64>| directions.spread(&values).chunks(width).map(<[f64]>::to_vec).collect();
    let map = |of: &dyn Fn(usize) -> f64| -> Vec<Vec<f64>> { table(by_direction(row, of)) };
    let first_order: Vec<Vec<f64>> = table(row.first_order.clone());
    let clean = row.clean_error_rate();
    let mut json = json!({
        "clean_error": rate(clean),
        "clean_error_interval": clean.interval(),
        "error_rate": map(&|at| row.rate(at)),
        "error_rate_low": map(&|at| row.interval(at)[0]),
        "error_rate_high": map(&|at| row.interval(at)[1]),
        "first_order": first_order,
        "rank_correlation_with_first_order": row.rank_correlation,
        "ring_error_rate": row.ring_mean,
        "ring_error_rate_interval": row.ring_interval.iter().map(|&ends| interval_json(ends)).collect::<Vec<_>>(),
    });
    if let Some(evaluations) = row.evaluations() {
        let seen: Vec<Vec<u64>> = directions.spread(&row.seen).chunks(width).map(<[u64]>::to_vec).collect();
        json["images_drawn"] = json!(seen);
        json["evaluations"] = json!(evaluations);
        json["evaluations_of_all_images"] = json!(row.images * row.errors.len() as u64);
    }
    json
}

fn rate(of: Accuracy) -> f64 {
    of.fraction().unwrap_or(0.0)
}

fn by_direction(row: &FourierHeatMapRow, of: &dyn Fn(usize) -> f64) -> Vec<f64> {
    (0..row.errors.len()).map(of).collect()
}

fn arrays(directions: &Directions, rows: &[&FourierHeatMapRow]) -> Vec<Array> {
    let [height, width] = directions.map();
    let maps = |name: &str, of: &dyn Fn(&FourierHeatMapRow) -> Vec<f64>| {
        let values = rows.iter().flat_map(|row| directions.spread(&of(row))).collect();
        Array::new(name, &[rows.len(), height, width], values)
    };
    let rings = rows.first().map_or(0, |row| row.ring_mean.len());
    let ring_means = rows.iter().flat_map(|row| row.ring_mean.iter().copied()).collect();
    let mut arrays = vec![
        maps("error_rate", &|row| by_direction(row, &|at| row.rate(at))),
        maps("error_rate_low", &|row| by_direction(row, &|at| row.interval(at)[0])),
        maps("error_rate_high", &|row| by_direction(row, &|at| row.interval(at)[1])),
        maps("first_order", &|row| row.first_order.clone()),
        Array::new(
            "clean_error",
            &[rows.len()],
            rows.iter().map(|row| rate(row.clean_error_rate())).collect(),
        ),
        Array::new("ring_error_rate", &[rows.len(), rings], ring_means),
    ];
    if rows.iter().all(|row| !row.seen.is_empty()) {
        arrays.push(maps("images_drawn", &|row| row.seen.iter().map(|&seen| seen as f64).collect()));
    }
    arrays
}

fn pictures(
    waves: Waves<'_>,
    shown: &[(&FourierHeatMapRow, String)],
    subject: &str,
) -> Result<Vec<(&'static str, Picture)>, Error> {
    let directions = waves.directions;
    let maps = |of: &dyn Fn(&FourierHeatMapRow) -> Vec<f64>| -> Vec<FrequencyMap> {
        let values = |row: &FourierHeatMapRow| directions.spread(&of(row)).into_iter().map(Some).collect();
        let title = |row: &FourierHeatMapRow, label: &str| {
            format!("{label}: {:.1} % wrong", 100.0 * rate(row.clean_error_rate()))
        };
        shown
            .iter()
            .map(|(row, label)| FrequencyMap { title: title(row, label), values: values(row) })
            .collect()
    };
    let noise = format!("a wave of length {} added to each image", waves.norm);
    let errors = FrequencyMaps::new(
        "Fourier heat map: errors by frequency of noise",
        format!("{subject}; {noise}"),
        "error rate, %",
        directions.map(),
        maps(&|row| by_direction(row, &|at| 100.0 * row.rate(at))),
    )?;
    let first_order = FrequencyMaps::new(
        "What one gradient says of each frequency",
        format!("{subject}; root mean square of the loss' first-order change, {noise}"),
        "change of loss, nats",
        directions.map(),
        maps(&|row| row.first_order.iter().map(|square| square.sqrt()).collect()),
    )?;
    let mut pictures = vec![("", Picture::Maps(errors)), ("first-order", Picture::Maps(first_order))];
    if !waves.radii.is_empty() {
        let curves = shown.iter().map(|(row, label)| curve(row, label)).collect();
        let title = "Errors by ring of frequencies";
        let subtitle = format!("{subject}; {noise}");
        let rings =
            LineChart::new(title, subtitle, ring_axes("error rate, %"), waves.radii.to_vec(), curves)?;
        pictures.push(("rings", Picture::Lines(rings)));
    }
    Ok(pictures)
}

fn curve(row: &FourierHeatMapRow, label: &str) -> Curve {
    let percent = |value: &f64| 100.0 * value;
    let ends: Option<Vec<[f64; 2]>> =
        row.ring_interval.iter().map(|ends| ends.map(|ends| ends.map(|end| 100.0 * end))).collect();
    let spread = ends.map_or(Spread::None, Spread::Interval);
    Curve { label: label.to_owned(), mean: row.ring_mean.iter().map(percent).collect(), spread }
}
