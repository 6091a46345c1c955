//! Numbers out of results; what is not there or no number is not a number.

use serde_json::Value;

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().map(number).collect()
}

/// A number.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// A list of pairs: the ends of intervals.
pub(crate) fn pairs(value: &Value) -> Vec<[f64; 2]> {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().map(pair).collect()
}

/// A pair.
pub(crate) fn pair(value: &Value) -> [f64; 2] {
    [0, 1].map(|at| value.get(at).map_or(f64::NAN, number))
}

/// Any multiple of numbers.
pub(crate) fn scaled(values: Vec<f64>, by: f64) -> Vec<f64> {
    values.into_iter().map(|value| by * value).collect()
}

/// The same of ends.
pub(crate) fn scaled_pairs(values: Vec<[f64; 2]>, by: f64) -> Vec<[f64; 2]> {
    values.into_iter().map(|ends| ends.map(|end| by * end)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_is_there_gives_as_many() {
        let hostile = json!([1.5, null, "x", {}, [2]]);
        assert_eq!(
            numbers(&hostile).iter().map(|value| value.is_nan()).collect::<Vec<_>>(),
            [false, true, true, true, true]
        );
        assert!(pairs(&json!([[1, 2], 3]))[1][0].is_nan() && pairs(&json!({})).is_empty());
    }
}
