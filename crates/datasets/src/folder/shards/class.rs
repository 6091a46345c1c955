//! The classes of samples.

use std::collections::BTreeMap;

/// More classes than any data set of images has.
const MOST_CLASSES: u64 = 1 << 20;

/// The keys of a class in what `json` says of a sample.
const KEYS: [&str; 4] = ["label", "cls", "class", "target"];

/// The class of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    Number(u32),
    Name(String),
}

/// A number or a name.
pub(super) fn class(text: &[u8]) -> Option<Class> {
    let text = std::str::from_utf8(text).ok()?.trim();
    match text.parse::<u32>() {
        Ok(number) => Some(Class::Number(number)),
        Err(_) => (!text.is_empty()).then(|| Class::Name(text.to_owned())),
    }
}

pub(super) fn class_in_json(text: &[u8]) -> Option<Class> {
    let object: serde_json::Value = serde_json::from_slice(text).ok()?;
    KEYS.iter().find_map(|key| match object.get(key)? {
        serde_json::Value::Number(number) => Some(Class::Number(u32::try_from(number.as_u64()?).ok()?)),
        serde_json::Value::String(name) => class(name.as_bytes()),
        _ => None,
    })
}

/// The classes of all samples.
pub(super) enum Classes {
    /// As many as the largest number says.
    Numbers(u32),
    /// By name.
    Names(BTreeMap<String, u32>),
}

impl Classes {
    /// # Errors
    /// What was found, if it is names and numbers.
    pub(super) fn of<'a>(classes: impl Iterator<Item = &'a Class>) -> Result<Self, String> {
        let (mut numbers, mut names) = (None, BTreeMap::new());
        for class in classes {
            match class {
                Class::Number(number) => numbers = numbers.max(Some(*number)),
                Class::Name(name) => drop(names.insert(name.clone(), 0)),
            }
        }
        match numbers {
            Some(_) if !names.is_empty() => {
                Err("classes of which some are numbers and some are names".to_owned())
            }
            Some(number) if u64::from(number) < MOST_CLASSES => Ok(Self::Numbers(number + 1)),
            Some(number) => Err(format!("the class {number}")),
            None => {
                names.values_mut().zip(0..).for_each(|(label, place)| *label = place);
                Ok(Self::Names(names))
            }
        }
    }

    pub(super) fn label(&self, class: &Class) -> u32 {
        match (self, class) {
            (Self::Numbers(_), Class::Number(number)) => *number,
            (Self::Names(names), Class::Name(name)) => names.get(name).copied().unwrap_or_default(),
            _ => 0,
        }
    }

    pub(super) fn names(self) -> Vec<String> {
        match self {
            Self::Numbers(count) => (0..count).map(|class| class.to_string()).collect(),
            Self::Names(names) => names.into_keys().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_numbers_or_names() {
        assert_eq!(class(b"17\n"), Some(Class::Number(17)));
        assert_eq!(class(b"n01440764"), Some(Class::Name("n01440764".to_owned())));
        assert_eq!(class_in_json(br#"{"caption": "x", "label": 3}"#), Some(Class::Number(3)));
        assert_eq!(class_in_json(br#"{"caption": "x"}"#), None);
        let both = [Class::Number(1), Class::Name("a".to_owned())];
        assert!(Classes::of(both.iter()).is_err());
    }
}
