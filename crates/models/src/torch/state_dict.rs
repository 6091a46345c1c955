//! The state dict of a pickle: where it stands, and what it has.

use pickle::Value;

use super::{
    calls::{self, Made, Pickle},
    view::View,
};

/// Where a state dict may stand, if not bare.
const NESTED: [&str; 4] = ["model", "state_dict", "net", "model_state_dict"];

/// Names of parameters are shorter.
const LONGEST_KEY: usize = 512;

/// A tensor of a file's state dict, before its numbers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorchTensor {
    /// The key in the file, prefixes included.
    pub key: String,
    /// PyTorch's name of the type of its numbers, such as `float32`.
    pub dtype: &'static str,
    /// The shape.
    pub shape: Vec<usize>,
}

/// The state dict: the first of the usual places with a tensor in it.
pub(super) fn state_dict(pickle: &Pickle) -> Result<&[(Value, Value)], String> {
    let values = pickle.values();
    let refused = |place: &str, value: Value| {
        let code = calls::code(values, value)?;
        Some(format!(
            "{place} is an object of `{code}`, whose code would have to run; save the network's state_dict()"
        ))
    };
    if let Some(refusal) = refused("its content", pickle.top()) {
        return Err(refusal);
    }
    let top = values.entries(pickle.top()).ok_or("its content is no dictionary")?;
    for name in NESTED {
        let Some(nested) = values.entry(pickle.top(), name) else { continue };
        if let Some(refusal) = refused(&format!("`{name}`"), nested) {
            return Err(refusal);
        }
        if let Some(entries) = values.entries(nested).filter(|entries| has_tensors(pickle, entries)) {
            return Ok(entries);
        }
    }
    Ok(top)
}

fn has_tensors(pickle: &Pickle, entries: &[(Value, Value)]) -> bool {
    entries
        .iter()
        .any(|(_, value)| matches!(pickle.values().made(*value), Some(Made::Tensor(_) | Made::Opaque(_))))
}

/// Tensors, and keys under which code would have to run.
pub(super) type Contents = (Vec<(TorchTensor, View)>, Vec<(String, String)>);

pub(super) fn contents(pickle: &Pickle, entries: &[(Value, Value)]) -> Result<Contents, String> {
    let values = pickle.values();
    let (mut tensors, mut opaque) = (Vec::new(), Vec::new());
    for &(key, value) in entries {
        let Some(key) = values.text(key) else { continue };
        if key.len() > LONGEST_KEY {
            return Err(format!("a key of {} bytes, expected at most {LONGEST_KEY}", key.len()));
        }
        let key = key.to_owned();
        match values.made(value) {
            Some(Made::Tensor(view)) => {
                let (dtype, shape) = (view.storage.dtype.name(), view.shape.clone());
                tensors.push((TorchTensor { key, dtype, shape }, View::clone(view)));
            }
            Some(Made::Opaque(_)) => opaque.push((key, calls::code(values, value).unwrap_or_default())),
            _ => {}
        }
    }
    Ok((tensors, opaque))
}
