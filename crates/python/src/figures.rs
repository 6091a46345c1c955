//! Figures as PNG files in memory.

use freqbias::{
    SpectrumRow, SpectrumTable,
    plots::{Axes, Curve, HeatMap, LineChart, Spread},
};
use pyo3::{prelude::*, types::PyBytes};

use crate::{error::reported, pool::detached};

/// A curve: label, values, and deviations or none.
type PyCurve = (String, Vec<f64>, Option<Vec<f64>>);

/// A row of a heat map: epoch, mean, accuracy in percent.
type PyRow = (usize, Vec<f64>, Option<f64>);

/// The heat map of spectra by epoch, as `grad` draws it.
#[pyfunction]
pub(crate) fn heat_map<'py>(
    py: Python<'py>,
    radii: Vec<usize>,
    rows: Vec<PyRow>,
    title: &str,
    subtitle: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let png = detached(py, || {
        let mut table = SpectrumTable::new("", "", 0, radii);
        let has_accuracies = rows.iter().all(|(_, _, accuracy)| accuracy.is_some());
        for (epoch, mean, accuracy) in rows {
            let (std, nat_prec1) = (vec![0.0; mean.len()], accuracy.unwrap_or(0.0));
            table
                .push(SpectrumRow { epoch, mean, std, nat_prec1, ..SpectrumRow::default() })
                .map_err(reported)?;
        }
        let figure = HeatMap::new(&table).map_err(reported)?.with_title(title).with_subtitle(subtitle);
        let figure = if has_accuracies { figure } else { figure.without_accuracies() };
        figure.png().map_err(reported)
    })?;
    Ok(PyBytes::new(py, &png))
}

/// Curves over radii.
#[pyfunction]
pub(crate) fn lines<'py>(
    py: Python<'py>,
    radii: Vec<usize>,
    curves: Vec<PyCurve>,
    title: &str,
    subtitle: &str,
    axes: (String, String),
) -> PyResult<Bound<'py, PyBytes>> {
    let curve =
        |(label, mean, std): PyCurve| Curve { label, mean, spread: std.map_or(Spread::None, Spread::Std) };
    let png = detached(py, || {
        let axes = Axes { right: axes.0, up: axes.1 };
        let curves = curves.into_iter().map(curve).collect();
        let figure = LineChart::new(title, subtitle, axes, radii, curves).map_err(reported)?;
        figure.png().map_err(reported)
    })?;
    Ok(PyBytes::new(py, &png))
}
