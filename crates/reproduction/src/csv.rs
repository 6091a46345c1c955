//! Measures and tables as CSV (RFC 4180). A number has all of its digits; an absent one is an empty field.

use crate::{
    claims::{Claim, Measure},
    tables::{Cell, Table},
};

/// One line a measure of a claim.
pub(crate) fn claims(claims: &[Claim]) -> String {
    let mut text = "claim,verdict,measure,unit,value,low,high,paper\n".to_owned();
    for claim in claims {
        for Measure { label, unit, value, interval, paper } in &claim.measures {
            let [low, high] = interval.map_or([None; 2], |ends| ends.map(Some));
            let unit = serde_json::to_value(unit).unwrap_or_default();
            let numbers = [Some(*value), low, high, *paper].map(number).join(",");
            let (verdict, unit) = (claim.verdict.as_str(), unit.as_str().unwrap_or_default());
            text += &format!("{},{verdict},{},{unit},{numbers}\n", claim.id, quoted(label));
        }
    }
    text
}

/// One line a cell.
pub(crate) fn tables(tables: &[Table]) -> String {
    let mut text = "table,network,column,accuracy,low,high\n".to_owned();
    for table in tables {
        for row in &table.rows {
            for (column, Cell { value, interval: [low, high] }) in table.columns.iter().zip(&row.cells) {
                let numbers = [*value, *low, *high].map(|value| number(Some(value))).join(",");
                let names = [table.title, row.label, column].map(quoted).join(",");
                text += &format!("{names},{numbers}\n");
            }
        }
    }
    text
}

/// A number as JSON has it.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| serde_json::json!(value).to_string())
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!(quoted("bands 0 to 5, epoch 0"), "\"bands 0 to 5, epoch 0\"");
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!([number(Some(1.0 / 3.0)), number(None)], ["0.3333333333333333", ""]);
    }
}
