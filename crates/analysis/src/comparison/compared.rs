//! What two results share, number by number.

use serde_json::{Value, json};

use super::{
    difference::{Difference, difference},
    results::MeasuredResults,
};

/// Two results of one measure, and what differs between them.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What is compared with.
    pub first: MeasuredResults,
    /// What is compared.
    pub second: MeasuredResults,
    /// By quantity that both have.
    pub differences: Vec<Difference>,
    /// What else differs between the two, which makes their numbers differ.
    pub notes: Vec<String>,
}

/// Which of these lists differ, or are of one side alone.
fn unlike(first: &Value, second: &Value) -> Vec<String> {
    let keys = |of: &Value| of.as_object().map_or_else(Vec::new, |map| map.keys().cloned().collect());
    let mut all: Vec<String> = keys(first).into_iter().chain(keys(second)).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter().filter(|key| first[key] != second[key]).collect()
}

impl Comparison {
    /// Of two results of the same measure.
    pub fn new(first: MeasuredResults, second: MeasuredResults) -> Self {
        // Numbers are paired by place: of other classes, corruptions or blocks they have nothing to do with each other.
        let (others, measure) = (unlike(&first.axes, &second.axes), &first.measure);
        let mut notes = Vec::new();
        if !others.is_empty() {
            notes.push(format!("{measure}: {} differ, so no numbers are paired", others.join(", ")));
        }
        if first.dataset != second.dataset {
            notes.push(format!("{} and {} are other data sets", first.dataset, second.dataset));
        }
        if first.settings != second.settings {
            let settings = unlike(&first.settings, &second.settings).join(", ");
            notes.push(format!("{measure}: settings differ ({settings})"));
        }
        for (which, of) in [("first", &first), ("second", &second)] {
            if !of.damaged.is_empty() {
                let file = of.path.display();
                notes.push(format!(
                    "{measure}: {} of the {which} cannot be read and is left out ({file})",
                    of.damaged.join(", ")
                ));
            }
        }
        if first.images != second.images {
            let (own, other) = (first.images, second.images);
            notes.push(format!("{measure}: {own} images of the first, {other} of the second"));
        }
        let differences = first.quantities.iter().filter(|_| others.is_empty()).filter_map(|a| {
            let b = second.quantities.iter().find(|b| b.name == a.name)?;
            difference(a, b).filter(|found| found.values.iter().any(|value| value.is_finite()))
        });
        Self { differences: differences.collect(), notes, first, second }
    }

    /// How this is called among files: the measure, and its place where there are several.
    pub(super) fn stem(&self, others: usize, at: usize) -> String {
        if others > 1 { format!("{}-{}", self.first.measure, at + 1) } else { self.first.measure.clone() }
    }

    pub(super) fn json(&self) -> Value {
        let side = |of: &MeasuredResults| json!({ "file": of.path, "network": of.words, "epoch": of.epoch, "n_images": of.images });
        let number = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
        let numbers = |values: &[f64]| values.iter().map(|&value| number(value)).collect::<Value>();
        let quantity = |of: &Difference| {
            json!({
                "quantity": of.name,
                "shape": of.shape,
                "axes": of.axes.iter().map(|axis| json!({ "label": axis.label, "names": axis.names })).collect::<Value>(),
                "numbers": of.numbers(),
                "discoveries": of.discoveries(),
                "largest": of.largest().map(|at| json!({ "at": at, "cell": of.cell(at), "difference": of.values[at], "interval": numbers(&of.intervals[at]) })),
                "difference": numbers(&of.values),
                "interval": of.intervals.iter().map(|ends| numbers(ends)).collect::<Value>(),
                "chance": numbers(&of.chances),
                "significant": of.significant,
                "rank_correlation": of.rank_correlation,
                "rank_correlation_interval": of.rank_correlation_interval,
            })
        };
        json!({
            "measure": self.first.measure,
            "first": side(&self.first),
            "second": side(&self.second),
            "notes": self.notes,
            "quantities": self.differences.iter().map(quantity).collect::<Value>(),
        })
    }
}
