//! What messages are made of.

use crate::one_line::one_line;

/// What a missing file says of the data set.
pub(super) fn missing_advice(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::NotFound => {
            "; the folder lacks a file of the data set: unpack or write the set again"
        }
        _ => "",
    }
}

/// A name behind what it is, if there is one.
pub(super) fn named(what: &str, name: &Option<String>) -> String {
    name.as_ref().map_or_else(String::new, |name| format!("{what}: {}", one_line(name)))
}

/// Which corruptions there are.
pub(super) fn there(known: &[String]) -> String {
    match known {
        [] => "there are no folders of corruptions with a folder for each severity".to_owned(),
        known => format!("there are {}", one_line(&known.join(", "))),
    }
}

/// Which corruption was asked for.
pub(super) fn asked(found: &Option<String>) -> String {
    match found {
        Some(name) => format!("there is no corruption `{}`", one_line(name)),
        None => "which corruption is to be read was not said".to_owned(),
    }
}
