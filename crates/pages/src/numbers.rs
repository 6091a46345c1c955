//! The numbers of a page, in it once.

use std::collections::BTreeMap;

use serde_json::Value;

/// The numbers of all figures of a page, by the figure's name.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    of_figures: BTreeMap<String, Value>,
}

impl Numbers {
    /// Keeps the numbers of a figure under its name, or under one like it where that is taken; the name.
    pub(crate) fn keep(&mut self, name: &str, numbers: Value) -> String {
        let others = (2..).map(|count| format!("{name}-{count}"));
        let mut names = std::iter::once(name.to_owned()).chain(others);
        let free = names.find(|name| !self.of_figures.contains_key(name)).unwrap_or_default();
        self.of_figures.insert(free.clone(), numbers);
        free
    }

    /// The numbers of a figure.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.of_figures.get(name)
    }

    /// All of them as JSON that can stand in a page: nothing in it ends the element that it is in.
    pub(crate) fn json(&self) -> String {
        let whole = Value::Object(self.of_figures.clone().into_iter().collect());
        let mut text = String::new();
        for letter in whole.to_string().chars() {
            match letter {
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text += &format!("\\u{:04x}", letter as u32),
                _ => text.push(letter),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_text_ends_the_element() -> Result<(), serde_json::Error> {
        let hostile = json!({ "name": "</script><!--\u{2028}&amp;" });
        let mut numbers = Numbers::default();
        assert_eq!(numbers.keep("a", hostile.clone()), "a");
        assert_eq!(numbers.keep("a", json!(0.1)), "a-2");
        let text = numbers.json();
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        let read: Value = serde_json::from_str(&text)?;
        assert_eq!((&read["a"], &read["a-2"]), (&hostile, &json!(0.1)));
        Ok(())
    }
}
