//! The figures of a gradient spectrum beside the heat map and the densities: shares of energy, right against wrong, class by class.

use std::path::{Path, PathBuf};

use plots::{Axes, BandCurves, Curve, LineChart, Panel, SmallMultiples, Spread};
use runs::results;
use spectral::{MeanSpectrum, Outcome, Outcomes, SpectrumRow, SpectrumTable};

use crate::{
    Error,
    measuring::{chosen, ring_axes},
};

/// Curves of shares that a figure shows.
const MOST_SHOWN: usize = 6;
/// Panels of classes: of more classes those that differ most from all images.
const MOST_CLASSES: usize = 40;
const COLUMNS: usize = 5;

/// Draws what the table has into a folder; which figures there are, without extension, and their files.
pub(super) fn save(table: &SpectrumTable, folder: &Path) -> Result<(Vec<&'static str>, Vec<PathBuf>), Error> {
    let (mut names, mut files) = (Vec::new(), Vec::new());
    let mut keep = |name: &'static str, saved: [PathBuf; 2]| {
        names.push(name);
        files.extend(saved);
    };
    if let Some(chart) = shares(table)? {
        keep(results::SHARES, chart.save(&folder.join(results::SHARES))?);
    }
    if let Some(chart) = difference(table)? {
        keep(results::DIFFERENCE, chart.save(&folder.join(results::DIFFERENCE))?);
    }
    if let Some(panels) = classes(table)? {
        keep(results::CLASSES, panels.save(&folder.join(results::CLASSES))?);
    }
    Ok((names, files))
}

fn subtitle(table: &SpectrumTable, row: Option<&SpectrumRow>) -> String {
    let SpectrumTable { arch, dataset, n_images, .. } = table;
    let epoch = row.map_or_else(String::new, |row| format!(", epoch {}", row.epoch));
    format!("{arch} on {dataset}, {n_images} test images{epoch}")
}

fn shares(table: &SpectrumTable) -> Result<Option<LineChart>, Error> {
    let known = |row| Some((row, table.shares(row)?));
    let rows: Vec<(&SpectrumRow, &MeanSpectrum)> = table.rows.iter().filter_map(known).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let percent = |values: &[f64]| values.iter().map(|value| 100.0 * value).collect();
    let curve = |(row, shares): (&SpectrumRow, &MeanSpectrum)| {
        let ends =
            shares.interval().map(|ends| ends.iter().map(|ends| ends.map(|end| 100.0 * end)).collect());
        let label = format!("epoch {}", row.epoch);
        Curve { label, mean: percent(&shares.mean), spread: ends.map_or(Spread::None, Spread::Interval) }
    };
    let curves = chosen(rows.len(), MOST_SHOWN).into_iter().map(|at| curve(rows[at])).collect();
    Ok(Some(LineChart::new(
        "Shares of gradient energy by ring of frequencies",
        format!("{}; the shares of all rings are 1 together", subtitle(table, None)),
        ring_axes("share of energy, %"),
        table.rings.clone(),
        curves,
    )?))
}

/// The last epoch's images that are classified rightly and wrongly; none where all of them are one or the other.
fn difference(table: &SpectrumTable) -> Result<Option<BandCurves>, Error> {
    let Some((from, row)) = table.difference.zip(table.rows.last()) else { return Ok(None) };
    let Some(outcomes) = &row.details.outcomes else { return Ok(None) };
    let Some(difference) = outcomes.difference(from) else { return Ok(None) };
    let Outcomes { correct, wrong } = outcomes;
    let spread = |ends: Option<Vec<[f64; 2]>>| ends.map_or(Spread::None, Spread::Interval);
    let group = |name: &str, of: &MeanSpectrum| Curve {
        label: format!("{name}, {} images", of.images),
        mean: of.mean.clone(),
        spread: spread(of.interval()),
    };
    let groups = [group("correct", correct), group("wrong", wrong)];
    let [first, second] = match from {
        Outcome::Correct => groups,
        Outcome::Wrong => {
            let [correct, wrong] = groups;
            [wrong, correct]
        }
    };
    let ends = outcomes.difference_interval(from);
    let difference = Curve { label: from.difference().to_owned(), mean: difference, spread: spread(ends) };
    Ok(Some(BandCurves::new(
        "Gradient spectra of images that are classified rightly and wrongly",
        subtitle(table, Some(row)),
        "scaled to [0, 1] per image",
        table.radii.clone(),
        vec![first, second, difference],
    )?))
}

/// The last epoch's classes.
fn classes(table: &SpectrumTable) -> Result<Option<SmallMultiples>, Error> {
    let Some(row) = table.rows.last().filter(|_| table.radii.len() > 1) else { return Ok(None) };
    let known = |(name, of): (&String, &MeanSpectrum)| (of.images > 0).then(|| (name.clone(), of.clone()));
    let mut classes: Vec<(String, MeanSpectrum)> =
        table.classes.iter().zip(&row.details.classes).filter_map(known).collect();
    if classes.is_empty() {
        return Ok(None);
    }
    let (all, mut also) = (classes.len(), String::new());
    if all > MOST_CLASSES {
        let apart = |of: &MeanSpectrum| -> f64 {
            of.mean.iter().zip(&row.mean).map(|(own, mean)| (own - mean).powi(2)).sum()
        };
        classes.sort_by(|(_, a), (_, b)| apart(b).total_cmp(&apart(a)));
        classes.truncate(MOST_CLASSES);
        also = format!("; of {all} classes the {MOST_CLASSES} that differ most from all images");
    }
    let ends = table.radii.first().zip(table.radii.last());
    let range = ends.map_or((0.0, 1.0), |(&first, &last)| (first as f64, last as f64));
    let panel = |(name, of): (String, MeanSpectrum)| Panel {
        title: format!("{name}, {} images", of.images),
        range,
        curves: vec![of.mean, row.mean.clone()],
    };
    let axes =
        Axes { right: "band ρ, cycles per image".to_owned(), up: "scaled to [0, 1] per image".to_owned() };
    Ok(Some(SmallMultiples::new(
        "Gradient spectra by class",
        format!("{}{also}", subtitle(table, Some(row))),
        axes,
        vec!["images of the class".to_owned(), "all images".to_owned()],
        classes.into_iter().map(panel).collect(),
        COLUMNS,
    )?))
}
