//! What the places of results are called.

use serde_json::Value;

/// The names in a list of results: texts, numbers, objects by their `name`, and ranges by their ends. What is none of these is "?".
///
/// ```
/// let found = serde_json::json!(["contrast", 3, {"name": "block 1"}, [4, 7], [2, 2], null, -2]);
/// assert_eq!(pages::names(&found), ["contrast", "3", "block 1", "4–7", "2", "?", "−2"]);
/// assert!(pages::names(&serde_json::Value::Null).is_empty());
/// ```
pub fn names(list: &Value) -> Vec<String> {
    list.as_array().map_or_else(Vec::new, |items| items.iter().map(name).collect())
}

fn name(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members.get("name").map_or_else(|| "?".to_owned(), name),
        Value::Array(ends) => match &ends[..] {
            [one, other] if one == other => name(one),
            ends => ends.iter().map(name).collect::<Vec<_>>().join("–"),
        },
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| format!("{number}").replace('-', "−"))
        }
        Value::Null | Value::Bool(_) => "?".to_owned(),
    }
}
