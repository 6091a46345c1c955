//! What Python's `datasets` keeps about the columns of a table.

use serde_json::Value;

/// More classes than any data set of images has.
pub(super) const MOST_CLASSES: usize = 1 << 16;

/// The key of it in Parquet and Arrow files.
pub(crate) const KEY: &str = "huggingface";

/// The names of the classes of a column: `{"info": {"features": {"label": {"names": […]}}}}`, or what is in `info` alone.
pub(crate) fn class_names(text: &str, column: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let features = value.get("info").unwrap_or(&value).get("features")?;
    let names = features.get(column)?.get("names")?.as_array()?;
    let names: Option<Vec<String>> = names.iter().map(|name| Some(name.as_str()?.to_owned())).collect();
    names.filter(|names| !names.is_empty() && names.len() <= MOST_CLASSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_either_form() {
        let features = r#"{"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}}"#;
        for text in [features.to_owned(), format!(r#"{{"info": {features}}}"#)] {
            assert_eq!(class_names(&text, "label"), Some(vec!["a".to_owned(), "b".to_owned()]));
            assert_eq!(class_names(&text, "other"), None);
        }
        for text in [
            "",
            "[]",
            r#"{"features": {"label": {"names": [1]}}}"#,
            r#"{"features": {"label": {"names": []}}}"#,
        ] {
            assert_eq!(class_names(text, "label"), None, "{text}");
        }
    }
}
