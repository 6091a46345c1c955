//! What is found, as Python takes it.

use freqbias::{analysis::MeasureReport, spectral::Array};
use pyo3::{prelude::*, types::PyBytes};

use crate::{arrays::floats, error::reported};

/// A measurement: JSON text, the names of its parts where it has several, arrays by name with their shapes, figures by name, and a table
/// in words.
pub(crate) struct Found {
    json: String,
    parts: Vec<String>,
    arrays: Vec<(String, Vec<f64>, Vec<usize>)>,
    pictures: Vec<(String, Vec<u8>)>,
    table: Vec<String>,
}

/// The same, as Python has it.
pub(crate) type PyFound<'py> = (
    String,
    Vec<String>,
    Vec<(String, Bound<'py, PyAny>, Vec<usize>)>,
    Vec<(String, Bound<'py, PyBytes>)>,
    Vec<String>,
);

impl Found {
    pub(crate) fn new(
        json: &serde_json::Value,
        pictures: Vec<(String, Vec<u8>)>,
        table: Vec<String>,
    ) -> Self {
        Self { json: json.to_string(), parts: Vec::new(), arrays: Vec::new(), pictures, table }
    }

    /// With parts, and a number of each by its name.
    pub(crate) fn of_parts(self, parts: Vec<String>, numbers: [(&str, Vec<f64>); 2]) -> Self {
        let array = |(name, values): (&str, Vec<f64>)| (name.to_owned(), values, vec![parts.len()]);
        Self { arrays: numbers.map(array).into(), parts, ..self }
    }

    /// Of a report, its figures drawn.
    ///
    /// # Errors
    /// If a figure cannot be drawn.
    pub(crate) fn of_report(report: &MeasureReport) -> PyResult<Self> {
        let pictures = report.pictures().iter();
        let pictures =
            pictures.map(|(part, picture)| Ok(((*part).to_owned(), picture.png().map_err(reported)?)));
        let mut found = Self::new(report.json(), pictures.collect::<PyResult<_>>()?, report.table().to_vec());
        let array = |array: &Array| (array.name.clone(), array.values.clone(), array.shape.clone());
        found.arrays = report.arrays().iter().map(array).collect();
        Ok(found)
    }

    pub(crate) fn into_python(self, py: Python<'_>) -> PyFound<'_> {
        let arrays = self.arrays.into_iter();
        let arrays = arrays.map(|(name, values, shape)| (name, floats(py, &values).into_any(), shape));
        let pictures = self.pictures.into_iter().map(|(name, bytes)| (name, PyBytes::new(py, &bytes)));
        (self.json, self.parts, arrays.collect(), pictures.collect(), self.table)
    }
}
