//! What a measure has to say of all rows together.

use std::path::{Path, PathBuf};

use evaluation::Accuracy;
use plots::{Axes, Curve, FrequencyMaps, LineChart, Spread};
use serde_json::{Map, Value, json};
use spectral::Array;

/// What is written of a measurement.
#[derive(Debug, Default)]
pub struct Findings {
    /// What all rows share: what axes count, what is in or out.
    pub shared: Map<String, Value>,
    /// Each row as JSON has it, in the order of the rows.
    pub rows: Vec<Value>,
    /// The arrays of the NumPy archive; the first side of those that are of rows counts rows.
    pub arrays: Vec<Array>,
    /// Figures; the first has the measure's name, others a part of their own behind it.
    pub pictures: Vec<(&'static str, Picture)>,
    /// By row: the numbers that are followed over epochs.
    pub scalars: Vec<Vec<(&'static str, f64)>>,
}

/// A figure of any kind.
#[derive(Debug)]
pub enum Picture {
    /// A value for each frequency.
    Maps(FrequencyMaps),
    /// Curves over rings of frequencies, or over epochs.
    Lines(LineChart),
}

impl Picture {
    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn png(&self) -> Result<Vec<u8>, plots::Error> {
        match self {
            Self::Maps(figure) => figure.png(),
            Self::Lines(figure) => figure.png(),
        }
    }

    /// Writes `{stem}.png` and `{stem}.svg`.
    pub(crate) fn save(&self, stem: &Path) -> Result<[PathBuf; 2], plots::Error> {
        match self {
            Self::Maps(figure) => figure.save(stem),
            Self::Lines(figure) => figure.save(stem),
        }
    }
}

/// At most `most` of so many rows, evenly chosen, the first and the last among them.
pub(crate) fn chosen(rows: usize, most: usize) -> Vec<usize> {
    if rows <= most {
        return (0..rows).collect();
    }
    (0..most).map(|at| half_rounded(at * (rows - 1), most - 1)).collect()
}

/// What a figure of the last row is of, where figures of several rows say what they are of themselves.
pub(crate) fn of_last(subject: &str, epochs: &[usize]) -> String {
    match epochs {
        [.., last] if epochs.len() > 1 => format!("{subject}, epoch {last}"),
        _ => subject.to_owned(),
    }
}

/// A quotient to the nearest whole number.
fn half_rounded(dividend: usize, divisor: usize) -> usize {
    (2 * dividend + divisor) / (2 * divisor)
}

/// A rate as a number, 0 of no images.
pub(crate) fn fraction(rate: Accuracy) -> f64 {
    rate.fraction().unwrap_or(0.0)
}

/// Rates in percent, with Wilson's intervals.
pub(crate) fn rate_curve(label: impl Into<String>, rates: &[Accuracy]) -> Curve {
    let ends = rates.iter().map(|rate| rate.interval().map(|end| 100.0 * end)).collect();
    let mean = rates.iter().map(|&rate| 100.0 * fraction(rate)).collect();
    Curve { label: label.into(), mean, spread: Spread::Interval(ends) }
}

/// Axes of curves over rings of the nearest whole |k|.
pub(crate) fn ring_axes(up: &str) -> Axes {
    Axes { right: "ring of frequencies r, cycles per image".to_owned(), up: up.to_owned() }
}

/// Ends of intervals as JSON has them; what is not known is null.
pub(crate) fn interval_json(interval: Option<[f64; 2]>) -> Value {
    interval.map_or(Value::Null, |ends| json!(ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_rows_are_among_the_chosen() {
        assert_eq!(chosen(3, 6), [0, 1, 2]);
        assert_eq!(chosen(200, 6), [0, 40, 80, 119, 159, 199]);
        assert_eq!(chosen(7, 6), [0, 1, 2, 4, 5, 6]);
        assert!(chosen(0, 6).is_empty());
    }
}
