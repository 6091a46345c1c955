//! Numbers with intervals, found in results whatever measure they are of.

use evaluation::mean_interval;
use serde_json::Value;
use spectral::{SpectrumRow, SpectrumTable};

use super::axes::CellAxis;

/// Numbers of one kind, each with its 95 % interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// What results call it.
    pub name: String,
    /// Sides of the table that the numbers are, row by row; none of a single number.
    pub shape: Vec<usize>,
    /// What is not known is not a number.
    pub values: Vec<f64>,
    /// The ends of their intervals.
    pub intervals: Vec<[f64; 2]>,
    /// What each side of the table counts; none where that is not known.
    pub axes: Vec<CellAxis>,
}

/// All quantities of a row of results: each `name` beside which there is `name_interval`, or `name_low` and `name_high`; `mean` beside `interval`;
/// those of objects within (`class.tpr`), and of lists of objects, one after the other.
///
/// Beside them the names of those whose numbers and intervals do not belong together.
pub(super) fn of_row(row: &Value) -> (Vec<Quantity>, Vec<String>) {
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    collect("", row, &mut found, &mut damaged);
    (found, damaged)
}

/// The bands of a gradient spectrum, with Student's intervals.
pub(super) fn of_spectrum(table: &SpectrumTable, row: &SpectrumRow) -> Vec<Quantity> {
    let count = table.n_images.saturating_sub(row.skipped);
    let ends = row.mean.iter().zip(&row.std);
    let intervals =
        ends.map(|(&mean, &std)| mean_interval(mean, std, count).unwrap_or([f64::NAN; 2])).collect();
    let (values, shape) = (row.mean.clone(), vec![row.mean.len()]);
    vec![Quantity { name: "gradient_spectrum".to_owned(), shape, values, intervals, axes: Vec::new() }]
}

fn collect(prefix: &str, value: &Value, found: &mut Vec<Quantity>, damaged: &mut Vec<String>) {
    let Value::Object(members) = value else { return };
    for (key, value) in members {
        let name = format!("{prefix}{key}");
        match value {
            Value::Object(_) => collect(&format!("{name}."), value, found, damaged),
            Value::Array(items) if items.first().is_some_and(Value::is_object) => {
                columns(items).iter().for_each(|rows| collect(&format!("{name}."), rows, found, damaged));
            }
            _ => {
                let beside = |ending: &str| members.get(&format!("{key}{ending}"));
                let interval = if key == "mean" { members.get("interval") } else { beside("_interval") };
                let pair = interval.cloned().or_else(|| zipped(beside("_low")?, beside("_high")?));
                // What is not known has no interval either.
                let Some(pair) = pair.filter(|pair| !(value.is_null() || pair.is_null())) else { continue };
                match quantity(name.clone(), value, &pair) {
                    Some(quantity) => found.push(quantity),
                    None => damaged.push(name),
                }
            }
        }
    }
}

/// A list of objects as one object of lists.
fn columns(items: &[Value]) -> Option<Value> {
    let keys = items.first()?.as_object()?.keys();
    let column = |key: &String| {
        let values = items.iter().map(|item| item.get(key).cloned().unwrap_or(Value::Null)).collect();
        (key.clone(), Value::Array(values))
    };
    Some(Value::Object(keys.map(column).collect()))
}

/// Lower and upper ends as pairs.
fn zipped(low: &Value, high: &Value) -> Option<Value> {
    match (low, high) {
        (Value::Array(low), Value::Array(high)) if low.len() == high.len() => {
            low.iter().zip(high).map(|(low, high)| zipped(low, high)).collect::<Option<_>>().map(Value::Array)
        }
        (low, high) => Some(Value::Array(vec![low.clone(), high.clone()])),
    }
}

fn quantity(name: String, values: &Value, intervals: &Value) -> Option<Quantity> {
    let (mut shape, mut numbers, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    sides(values, &mut shape);
    flatten(values, intervals, &mut numbers, &mut ends)?;
    let is_table = shape.iter().product::<usize>() == numbers.len();
    (is_table && !numbers.is_empty()).then_some(Quantity {
        name,
        shape,
        values: numbers,
        intervals: ends,
        axes: Vec::new(),
    })
}

fn sides(value: &Value, shape: &mut Vec<usize>) {
    if let Value::Array(items) = value {
        shape.push(items.len());
        items.iter().take(1).for_each(|item| sides(item, shape));
    }
}

fn flatten(value: &Value, interval: &Value, numbers: &mut Vec<f64>, ends: &mut Vec<[f64; 2]>) -> Option<()> {
    match (value, interval) {
        (Value::Array(values), Value::Array(intervals)) if values.len() == intervals.len() => values
            .iter()
            .zip(intervals)
            .try_for_each(|(value, interval)| flatten(value, interval, numbers, ends)),
        (Value::Array(values), Value::Null) => {
            values.iter().try_for_each(|value| flatten(value, &Value::Null, numbers, ends))
        }
        (Value::Number(_) | Value::Null, interval) => {
            let end = |at: usize| interval.get(at).and_then(Value::as_f64).unwrap_or(f64::NAN);
            numbers.push(value.as_f64().unwrap_or(f64::NAN));
            ends.push([end(0), end(1)]);
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_found_with_their_intervals() {
        let row = json!({
            "epoch": 3,
            "mean": [1.0, 2.0], "interval": [[0.5, 1.5], [1.0, 3.0]],
            "map": [[1, 2], [3, 4]], "map_low": [[0, 1], [2, 3]], "map_high": [[2, 3], [4, 5]],
            "threshold": [0.1, null], "threshold_interval": [[0.0, 0.2], null],
            "classes": [{ "tpr": [0.5], "tpr_interval": [[0.4, 0.6]] }, { "tpr": [0.7], "tpr_interval": [[0.6, 0.8]] }],
            "channel": { "width": 2.0, "width_interval": [1.0, 4.0] },
            "alone": [1.0, 2.0],
        });
        let (found, damaged) = of_row(&row);
        assert!(damaged.is_empty(), "{damaged:?}");
        let names: Vec<&str> = found.iter().map(|of| of.name.as_str()).collect();
        assert_eq!(names, ["channel.width", "classes.tpr", "map", "mean", "threshold"]);
        assert_eq!((&found[0].shape[..], found[0].intervals[0]), (&[][..], [1.0, 4.0]));
        assert_eq!((&found[1].shape[..], &found[1].values[..]), (&[2, 1][..], &[0.5, 0.7][..]));
        assert_eq!((&found[2].shape[..], found[2].intervals[3]), (&[2, 2][..], [3.0, 5.0]));
        assert!(found[4].values[1].is_nan() && found[4].intervals[1][0].is_nan());
        // Lists that do not belong together are no quantity.
        let (found, damaged) = of_row(
            &json!({ "a": [1, 2], "a_interval": [[0, 1]], "b": "x", "b_interval": [0, 1], "c": null, "c_interval": null }),
        );
        assert_eq!((found.len(), &damaged[..]), (0, &["a".to_owned(), "b".to_owned()][..]));
    }
}
