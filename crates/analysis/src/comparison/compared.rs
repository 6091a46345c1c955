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

impl Comparison {
    /// Of two results of the same measure.
    pub fn new(first: MeasuredResults, second: MeasuredResults) -> Self {
        let differences = first.quantities.iter().filter_map(|a| {
            let b = second.quantities.iter().find(|b| b.name == a.name)?;
            difference(a, b)
        });
        let mut notes = Vec::new();
        if first.settings != second.settings {
            notes.push(format!(
                "the settings of {} and {} differ",
                first.path.display(),
                second.path.display()
            ));
        }
        if first.images != second.images {
            notes.push(format!("{} images of the first, {} of the second", first.images, second.images));
        }
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
