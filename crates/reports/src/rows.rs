//! The rows of a measure's result, one an epoch, and curves and maps made of them.

use pages::{Cell, Chart, Map, MapAxis, Maps, Table};
use plots::{Axes, Curve, Spread};
use serde_json::Value;

use crate::json::{number, numbers, pair, pairs, scaled, scaled_pairs};

/// Epochs that a figure shows at most, evenly chosen.
const MOST_SHOWN: usize = 6;
/// Numbers of a row that a figure shows at most.
const MOST_WIDE: usize = 4096;
/// Sides of a map at most.
const MOST_SIDE: usize = 512;

/// A result of a measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) result: &'a Value,
}

impl<'a> Rows<'a> {
    /// All rows.
    pub(crate) fn all(self) -> &'a [Value] {
        self.result["rows"].as_array().map_or(&[][..], Vec::as_slice)
    }

    /// The last row.
    pub(crate) fn last(self) -> &'a Value {
        self.all().last().unwrap_or(&Value::Null)
    }

    /// The epoch of each row.
    pub(crate) fn epochs(self) -> Vec<usize> {
        self.all().iter().map(epoch).collect()
    }

    /// The first row, the last one, and some between them.
    fn chosen(self) -> Vec<&'a Value> {
        let rows = self.all();
        if rows.len() <= MOST_SHOWN {
            return rows.iter().collect();
        }
        (0..MOST_SHOWN).map(|at| &rows[at * (rows.len() - 1) / (MOST_SHOWN - 1)]).collect()
    }

    /// A curve an epoch of a list, with its intervals, times a factor.
    pub(crate) fn by_epoch(self, key: &str, ends: &str, by: f64) -> Vec<Curve> {
        self.chosen()
            .into_iter()
            .map(|row| curve(format!("epoch {}", epoch(row)), row, (key, ends), by))
            .collect()
    }

    /// A list of the last row as a curve.
    pub(crate) fn of_last(self, label: &str, key: &str, by: f64) -> Curve {
        curve(label.to_owned(), self.last(), (key, &format!("{key}_interval")), by)
    }

    /// A number of each row as a curve over epochs, with its interval where it has one; names may go into objects: `channel.width`.
    pub(crate) fn over_epochs(self, label: &str, key: &str, by: f64) -> Curve {
        let mean = self.all().iter().map(|row| by * number(within(row, key))).collect();
        let interval = format!("{key}_interval");
        let ends: Vec<[f64; 2]> =
            self.all().iter().map(|row| pair(within(row, &interval)).map(|end| by * end)).collect();
        let is_known = ends.iter().any(|ends| ends[0].is_finite());
        Curve {
            label: label.to_owned(),
            mean,
            spread: if is_known { Spread::Interval(ends) } else { Spread::None },
        }
    }

    /// A map for each chosen epoch; the intervals of its values are below `{key}_low` and `{key}_high`.
    pub(crate) fn maps(self, key: &str, by: f64) -> Vec<Map> {
        let flat = |value: &Value| -> Vec<f64> {
            value.as_array().map_or_else(Vec::new, |rows| rows.iter().flat_map(numbers).collect())
        };
        let map = |row: &Value| {
            let end = |end: &str| scaled(flat(&row[format!("{key}_{end}")]), by);
            let (low, high, values) = (end("low"), end("high"), scaled(flat(&row[key]), by));
            let ends = if low.len() == values.len() && high.len() == values.len() {
                low.into_iter().zip(high).map(|(low, high)| [low, high]).collect()
            } else {
                Vec::new()
            };
            Map { title: format!("epoch {}", epoch(row)), values, ends }
        };
        self.chosen().into_iter().map(map).collect()
    }

    /// A table of all single numbers, a line an epoch; none where rows have none.
    pub(crate) fn table(self, name: &str) -> Option<Table> {
        let mut keys: Vec<String> = Vec::new();
        for row in self.all() {
            single_numbers("", row, &mut keys);
        }
        keys.retain(|key| key != "epoch");
        let cells = |row: &Value| {
            let own = keys.iter().map(|key| match within(row, key).as_f64() {
                Some(value) => Cell::Number(value),
                None => Cell::Nothing,
            });
            std::iter::once(Cell::Number(epoch(row) as f64)).chain(own).collect()
        };
        let head = keys.iter().map(|key| key.replace(['_', '.'], " "));
        (!keys.is_empty()).then(|| Table {
            name: format!("{name}-table"),
            title: "By epoch".to_owned(),
            columns: std::iter::once("epoch".to_owned()).chain(head).collect(),
            rows: self.all().iter().map(cells).collect(),
        })
    }
}

/// Maps that a page can show: none where there are no values or too many.
pub(crate) fn shown(maps: Maps) -> Option<Maps> {
    let sides = [&maps.rows, &maps.columns].map(|axis: &MapAxis| axis.names.len());
    let is_whole = |map: &Map| {
        map.values.len() == sides[0] * sides[1] && map.values.iter().any(|value| value.is_finite())
    };
    (sides.iter().all(|side| (1..=MOST_SIDE).contains(side))
        && !maps.maps.is_empty()
        && maps.maps.iter().all(is_whole))
    .then_some(maps)
}

/// The epoch of a row.
fn epoch(row: &Value) -> usize {
    row["epoch"].as_u64().map_or(0, |epoch| epoch as usize)
}

/// A list of a row and its intervals, those of as many values as a figure can show.
pub(crate) fn curve(label: String, row: &Value, (key, ends): (&str, &str), by: f64) -> Curve {
    let mut mean = scaled(numbers(within(row, key)), by);
    let mut ends = scaled_pairs(pairs(within(row, ends)), by);
    let spread = if ends.len() == mean.len() && ends.iter().any(|ends| ends[0].is_finite()) {
        ends.truncate(MOST_WIDE);
        Spread::Interval(ends)
    } else {
        Spread::None
    };
    mean.truncate(MOST_WIDE);
    Curve { label, mean, spread }
}

/// A member of members.
fn within<'a>(row: &'a Value, key: &str) -> &'a Value {
    key.split('.').fold(row, |value, part| &value[part])
}

/// The names of numbers in a row and in its objects, in the order in which they come.
fn single_numbers(before: &str, row: &Value, keys: &mut Vec<String>) {
    for (key, value) in row.as_object().into_iter().flatten() {
        let name = format!("{before}{key}");
        match value {
            Value::Number(_) if !keys.contains(&name) && keys.len() < 40 => keys.push(name),
            Value::Object(_) if before.is_empty() => single_numbers(&format!("{name}."), value, keys),
            _ => {}
        }
    }
}

/// A chart of those curves that have a value for each place; none where there are none.
pub(crate) fn chart(
    name: &str,
    title: &str,
    [right, up]: [&str; 2],
    places: Vec<f64>,
    curves: Vec<Curve>,
) -> Option<Chart> {
    let is_increasing =
        places.windows(2).all(|pair| pair[0] < pair[1]) && places.iter().all(|place| place.abs() < 1e9);
    let is_whole =
        |curve: &Curve| curve.mean.len() == places.len() && curve.mean.iter().any(|value| value.is_finite());
    let curves: Vec<Curve> = curves.into_iter().filter(is_whole).collect();
    let axes = Axes { right: right.to_owned(), up: up.to_owned() };
    (is_increasing && !places.is_empty() && !curves.is_empty())
        .then(|| Chart::new(name, title, axes, places, curves))
}
