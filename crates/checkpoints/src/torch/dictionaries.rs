//! The dictionaries of tensors in a pickle.

use std::collections::BTreeSet;

use pickle::{Object, Value};

use super::{
    calls::{self, Made, Pickle},
    view::View,
};
use crate::dictionary::{Dictionary, StoredTensor, printable};

/// Names of parameters are shorter.
const LONGEST_KEY: usize = 512;

/// What people put around a state dict has fewer layers.
const DEEPEST: usize = 8;

/// As many no file has.
const MOST: usize = 256;

/// A dictionary and where its numbers are.
pub(super) type Found = (Dictionary, Vec<View>);

/// All dictionaries with tensors, outermost first, in the file's order.
///
/// # Errors
/// If there is none, and why, or a key is longer than any.
pub(super) fn dictionaries(pickle: &Pickle) -> Result<Vec<Found>, String> {
    let values = pickle.values();
    let (mut found, mut code, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut layer = vec![(String::new(), pickle.top())];
    for _ in 0..DEEPEST {
        let mut next = Vec::new();
        for (place, value) in layer {
            let is_new = !matches!(value, Value::Object(number) if !seen.insert(number));
            if let Some(name) = calls::code(values, value) {
                code.push((place.clone(), name));
            }
            match values.object(value) {
                Some(Object::Dict(entries)) if is_new => {
                    found.extend(contents(pickle, &place, entries)?);
                    let named = entries.iter().filter_map(|&(key, value)| Some((name(pickle, key)?, value)));
                    next.extend(named.map(|(key, value)| (joined(&place, &key), value)));
                }
                Some(Object::List(items) | Object::Tuple(items)) if is_new => {
                    let items = items.iter().take(MOST).enumerate();
                    next.extend(items.map(|(index, &value)| (joined(&place, &index.to_string()), value)));
                }
                _ => {}
            }
            if found.len() > MOST {
                return Err(format!("more than {MOST} dictionaries of tensors"));
            }
        }
        next.retain(|(place, _)| place.len() <= LONGEST_KEY);
        layer = next;
    }
    if found.is_empty() {
        return Err(nothing(values.entries(pickle.top()).is_some(), &code));
    }
    Ok(found)
}

/// What a key is called.
fn name(pickle: &Pickle, key: Value) -> Option<String> {
    match key {
        Value::Int(number) => Some(number.to_string()),
        key => pickle.values().text(key).map(printable),
    }
}

fn joined(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// Why there are no tensors.
fn nothing(is_dictionary: bool, code: &[(String, String)]) -> String {
    match code.first() {
        Some((place, name)) => {
            let place = if place.is_empty() { "its content".to_owned() } else { format!("`{place}`") };
            format!(
                "{place} is an object of `{name}`, whose code would have to run; save the network's state_dict()"
            )
        }
        None if is_dictionary => {
            "it holds no weights: no dictionary of tensors by name, as a state_dict".to_owned()
        }
        None => "its content is no dictionary, and none is in it".to_owned(),
    }
}

/// The tensors of a dictionary, if it has any.
fn contents(pickle: &Pickle, place: &str, entries: &[(Value, Value)]) -> Result<Option<Found>, String> {
    let values = pickle.values();
    let mut dictionary = Dictionary { key: place.to_owned(), ..Dictionary::default() };
    let mut views = Vec::new();
    for &(key, value) in entries {
        let (Some(key), Some(made)) = (values.text(key), values.made(value)) else { continue };
        if key.len() > LONGEST_KEY {
            return Err(format!("a key of {} bytes, expected at most {LONGEST_KEY}", key.len()));
        }
        match made {
            Made::Tensor(view) => {
                let (kind, shape) = (view.storage.kind, view.shape.clone());
                dictionary.tensors.push(StoredTensor { key: printable(key), shape, kind });
                views.push(View::clone(view));
            }
            Made::Opaque(_) => {
                let code = calls::code(values, value).unwrap_or_default();
                // Options and the like stand beside weights under plain words.
                if key.contains('.') || code.starts_with("torch._utils._rebuild") {
                    dictionary.opaque.push((printable(key), code));
                }
            }
            _ => {}
        }
    }
    let has_weights =
        dictionary.tensors.iter().any(|tensor| tensor.kind.is_floating() || tensor.shape.len() > 1);
    // A state dict with code in the place of every weight is refused by what it holds.
    let has_code = !dictionary.opaque.is_empty();
    Ok((has_weights || has_code).then_some((dictionary, views)))
}
