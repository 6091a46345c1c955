//! What is written of layer spectra.

use plots::{Axes, Curve, LineChart, Spread};
use serde_json::{Value, json};
use spectral::Array;

use super::row::{BlockSpectrum, LayerSpectraRow};
use crate::{
    Error,
    measuring::{Findings, Picture, chosen, interval_json, of_last},
};

/// Curves that a figure shows.
const MOST_SHOWN: usize = 6;
/// Parts of π at which curves of blocks of several sizes are drawn.
const TENTHS: usize = 10;

/// All rows together; they are of one network, whose blocks are the same in each.
pub(super) fn of(rows: &[&LayerSpectraRow], epochs: &[usize], subject: &str) -> Result<Findings, Error> {
    let mut findings = Findings {
        rows: rows.iter().map(|row| row_json(row)).collect(),
        arrays: arrays(rows),
        scalars: rows.iter().map(|row| scalars(row)).collect(),
        pictures: pictures(rows, epochs, subject)?,
        ..Findings::default()
    };
    if let Some(first) = rows.first() {
        let of_block = |block: &BlockSpectrum| json!({ "name": block.name, "size": block.size });
        findings.shared.insert("blocks".to_owned(), first.blocks.iter().map(of_block).collect());
    }
    Ok(findings)
}

fn scalars(row: &LayerSpectraRow) -> Vec<(&'static str, f64)> {
    let delta = |block: Option<&BlockSpectrum>| block.and_then(|block| block.delta).unwrap_or(f64::NAN);
    vec![("delta_of_first", delta(row.blocks.first())), ("delta_of_last", delta(row.blocks.last()))]
}

fn row_json(row: &LayerSpectraRow) -> Value {
    let each = |of: fn(&BlockSpectrum) -> Value| row.blocks.iter().map(of).collect::<Value>();
    json!({
        "delta": each(|block| json!(block.delta)),
        "delta_interval": each(|block| interval_json(block.delta_interval)),
        "log_amplitude": each(|block| json!(block.log_amplitude)),
    })
}

/// What is not known is not a number.
fn arrays(rows: &[&LayerSpectraRow]) -> Vec<Array> {
    let Some(first) = rows.first() else { return Vec::new() };
    let deltas = |name: &str, of: fn(&BlockSpectrum) -> Option<f64>| {
        let values = rows.iter().flat_map(|row| &row.blocks).map(|block| of(block).unwrap_or(f64::NAN));
        Array::new(name, &[rows.len(), first.blocks.len()], values.collect())
    };
    let mut arrays = vec![
        deltas("delta", |block| block.delta),
        deltas("delta_low", |block| block.delta_interval.map(|ends| ends[0])),
        deltas("delta_high", |block| block.delta_interval.map(|ends| ends[1])),
    ];
    for (at, block) in first.blocks.iter().enumerate() {
        let values = rows.iter().flat_map(|row| &row.blocks[at].log_amplitude);
        let values = values.map(|value| value.unwrap_or(f64::NAN)).collect();
        arrays.push(Array::new(
            format!("log_amplitude_{at}"),
            &[rows.len(), block.log_amplitude.len()],
            values,
        ));
    }
    arrays
}

fn pictures(
    rows: &[&LayerSpectraRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Vec<(&'static str, Picture)>, Error> {
    let Some(last) = rows.last() else { return Ok(Vec::new()) };
    let shown = chosen(rows.len(), MOST_SHOWN);
    let deltas = LineChart::new(
        "What each block leaves of the highest frequencies",
        format!("{subject}; Δ log amplitude along the diagonal"),
        Axes { right: "block".to_owned(), up: "A(π) − A(0), nats".to_owned() },
        (1..=last.blocks.len()).collect(),
        shown.into_iter().map(|at| of_epoch(rows[at], epochs[at])).collect(),
    )?;
    let spectra = LineChart::new(
        "Spectra of what blocks leave",
        of_last(subject, epochs),
        Axes {
            right: "frequency along the diagonal, % of π".to_owned(), up: "A(ω) − A(0), nats".to_owned()
        },
        (0..=TENTHS).map(|tenth| tenth * 100 / TENTHS).collect(),
        chosen(last.blocks.len(), MOST_SHOWN)
            .into_iter()
            .map(|at| of_block(at + 1, &last.blocks[at]))
            .collect(),
    )?;
    Ok(vec![("", Picture::Lines(deltas)), ("spectra", Picture::Lines(spectra))])
}

fn of_epoch(row: &LayerSpectraRow, epoch: usize) -> Curve {
    let mean: Vec<f64> = row.blocks.iter().map(|block| block.delta.unwrap_or(0.0)).collect();
    let ends: Option<Vec<[f64; 2]>> = row.blocks.iter().map(|block| block.delta_interval).collect();
    Curve { label: format!("epoch {epoch}"), mean, spread: ends.map_or(Spread::None, Spread::Interval) }
}

/// Straight lines between the frequencies that a block has.
fn of_block(number: usize, block: &BlockSpectrum) -> Curve {
    let values = &block.log_amplitude;
    let at = |tenth: usize| {
        let place = (tenth * (values.len() - 1)) as f64 / TENTHS as f64;
        let (below, part) = (place as usize, place.fract());
        let value = |at: usize| values[at.min(values.len() - 1)].unwrap_or(0.0);
        value(below) + part * (value(below + 1) - value(below))
    };
    Curve {
        label: format!("{number}: {}", block.name),
        mean: (0..=TENTHS).map(at).collect(),
        spread: Spread::None,
    }
}
