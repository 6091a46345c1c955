//! A spectrum table as arrays.

use std::path::Path;

use crate::{Array, Error, MeanSpectrum, SpectrumRow, SpectrumTable, details::intervals};

/// Values of a row; none where they are not known.
type Values = Option<Vec<f64>>;

/// All arrays of a table; the first side counts epochs. What is not known is not a number.
pub(crate) fn of(table: &SpectrumTable) -> Vec<Array> {
    let bands = table.radii.len();
    let end = |at: usize| move |row: &SpectrumRow| table.interval(row).map(|ends| one_end(&ends, at));
    let mut arrays = vec![
        array(table, "mean", &[bands], &|row| Some(row.mean.clone())),
        array(table, "std", &[bands], &|row| Some(row.std.clone())),
        array(table, "low", &[bands], &end(0)),
        array(table, "high", &[bands], &end(1)),
    ];
    if !table.rings.is_empty() {
        arrays.extend(means(table, "shares", table.rings.len(), &|row| row.details.shares.as_ref()));
    }
    if let Some(from) = table.difference {
        let outcomes = |row: &SpectrumRow| row.details.outcomes.clone();
        arrays.extend(means(table, "correct", bands, &|row| Some(&row.details.outcomes.as_ref()?.correct)));
        arrays.extend(means(table, "wrong", bands, &|row| Some(&row.details.outcomes.as_ref()?.wrong)));
        let end = |at: usize| {
            move |row: &SpectrumRow| Some(one_end(&outcomes(row)?.difference_interval(from)?, at))
        };
        arrays.push(array(table, "difference", &[bands], &|row| outcomes(row)?.difference(from)));
        arrays.push(array(table, "difference_low", &[bands], &end(0)));
        arrays.push(array(table, "difference_high", &[bands], &end(1)));
    }
    if !table.classes.is_empty() {
        arrays.extend(of_classes(table));
    }
    arrays
}

fn of_classes(table: &SpectrumTable) -> Vec<Array> {
    let (classes, bands) = (table.classes.len(), table.radii.len());
    let each = |of: &dyn Fn(&MeanSpectrum) -> Values| {
        let value = |row: &SpectrumRow| {
            let class = |class| {
                row.details.classes.get(class).filter(|of: &&MeanSpectrum| of.images > 0).and_then(of)
            };
            let known = (0..classes).map(|at| class(at).unwrap_or_else(|| vec![f64::NAN; bands]));
            known.flatten().collect::<Vec<f64>>()
        };
        table.rows.iter().flat_map(value).collect::<Vec<f64>>()
    };
    let ends = |at: usize| {
        each(&move |of: &MeanSpectrum| Some(one_end(&intervals(&of.mean, &of.std, of.images)?, at)))
    };
    let images = |row: &SpectrumRow| {
        Some((0..classes).map(|at| row.details.classes.get(at).map_or(0.0, |of| of.images as f64)).collect())
    };
    let sides = [table.rows.len(), classes, bands];
    vec![
        array(table, "class_images", &[classes], &images),
        Array::new("class_mean", &sides, each(&|of| Some(of.mean.clone()))),
        Array::new("class_std", &sides, each(&|of| Some(of.std.clone()))),
        Array::new("class_low", &sides, ends(0)),
        Array::new("class_high", &sides, ends(1)),
    ]
}

/// Means, deviations and intervals of some images.
fn means<'a>(
    table: &'a SpectrumTable,
    name: &str,
    bands: usize,
    of: &dyn Fn(&'a SpectrumRow) -> Option<&'a MeanSpectrum>,
) -> Vec<Array> {
    let known = |row: &'a SpectrumRow| of(row).filter(|of| of.images > 0);
    let end =
        |at: usize| move |row: &'a SpectrumRow| known(row).and_then(|of| Some(one_end(&of.interval()?, at)));
    vec![
        array(table, &format!("{name}_mean"), &[bands], &|row| Some(known(row)?.mean.clone())),
        array(table, &format!("{name}_std"), &[bands], &|row| Some(known(row)?.std.clone())),
        array(table, &format!("{name}_low"), &[bands], &end(0)),
        array(table, &format!("{name}_high"), &[bands], &end(1)),
    ]
}

fn array<'a>(
    table: &'a SpectrumTable,
    name: &str,
    sides: &[usize],
    of: &dyn Fn(&'a SpectrumRow) -> Values,
) -> Array {
    let (rows, length) = (table.rows.len(), sides.iter().product());
    let values = table.rows.iter().flat_map(|row| of(row).unwrap_or_else(|| vec![f64::NAN; length]));
    let shape: Vec<usize> = [rows].iter().chain(sides).copied().collect();
    Array::new(name, &shape, values.collect())
}

fn one_end(ends: &[[f64; 2]], at: usize) -> Vec<f64> {
    ends.iter().map(|ends| ends[at]).collect()
}

impl SpectrumTable {
    /// Writes a NumPy archive with `mean`, `std` and the ends `low` and `high` of the 95 % interval, (epochs, bands) f64. Where they were
    /// asked for, also the shares of energy, (epochs, rings): `shares_mean`, `shares_std`, `shares_low`, `shares_high`; the like of
    /// `correct` and `wrong`, `difference`, `difference_low` and `difference_high`; `class_images` (epochs, classes), and the like of
    /// `class`, (epochs, classes, bands). What is not known is not a number.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_npz(&self, path: &Path) -> Result<(), Error> {
        Array::save_npz(path, &of(self))
    }
}
