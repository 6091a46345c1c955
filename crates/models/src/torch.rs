//! Weights out of PyTorch files, under the names that the architectures use.

use std::{collections::BTreeMap, path::Path};

use candle_core::{DType, Tensor, pickle};

use crate::{Error, Normaliser};

/// What a PyTorch checkpoint of a classifier holds.
#[derive(Debug)]
pub struct TorchCheckpoint {
    /// Parameters and batch-norm statistics, f32, by the names that [`Graph::shapes`](crate::Graph::shapes) has.
    pub weights: BTreeMap<String, Tensor>,
    /// The normaliser, where the file carries one (those of the `robustness` library do).
    pub normaliser: Option<Normaliser>,
}

/// Reads a zip-format `.pt`: a state dict, bare or under `model` or `state_dict`.
///
/// The prefixes of data-parallel and `robustness` wrappers (`module.`, `module.model.`) are taken off, the
/// wrapper's second copy of the network (`module.attacker.`) and the batch counters are left out. Nothing that a
/// pickle names is ever executed.
///
/// # Errors
/// The file cannot be opened or is no such checkpoint; the error names it.
pub fn load_torch(path: &Path) -> Result<TorchCheckpoint, Error> {
    let unreadable = |cause: String| Error::UnreadableCheckpoint { path: path.to_owned(), cause };
    verify(path).map_err(unreadable)?;
    let tensors = state_dict(path).map_err(|error| unreadable(first_line(&error)))?;
    if tensors.is_empty() {
        return Err(Error::EmptyCheckpoint { path: path.to_owned() });
    }
    let normaliser = normaliser(&tensors).map_err(|error| unreadable(first_line(&error)))?;
    let mut weights = BTreeMap::new();
    for (key, tensor) in tensors {
        if let Some(name) = canonical_name(&key) {
            let tensor = tensor.to_dtype(DType::F32).map_err(|error| unreadable(first_line(&error)))?;
            weights.insert(name.to_owned(), tensor);
        }
    }
    Ok(TorchCheckpoint { weights, normaliser })
}

/// The name under which an architecture knows a key, or `None` for what is no weight of the network.
///
/// ```
/// use models::canonical_name;
/// assert_eq!(canonical_name("module.model.layer1.0.bn1.bias"), Some("layer1.0.bn1.bias"));
/// assert_eq!(canonical_name("module.conv1.weight"), Some("conv1.weight"));
/// assert_eq!(canonical_name("module.attacker.model.conv1.weight"), None);
/// assert_eq!(canonical_name("bn1.num_batches_tracked"), None);
/// ```
pub fn canonical_name(key: &str) -> Option<&str> {
    let key = key.strip_prefix("module.").unwrap_or(key);
    let name = key.strip_prefix("model.").unwrap_or(key);
    let foreign = name.starts_with("attacker.") || name.starts_with("normalizer.");
    (!foreign && !name.ends_with(".num_batches_tracked")).then_some(name)
}

/// Reads every member of the archive to its end, where its checksum is compared.
fn verify(path: &Path) -> Result<(), String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let file = std::fs::File::open(path).map_err(|error| told(&error))?;
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| told(&error))?;
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(|error| told(&error))?;
        let read = std::io::copy(&mut member, &mut std::io::sink());
        read.map_err(|error| format!("member {}: {error}", member.name().unwrap_or_default()))?;
    }
    Ok(())
}

fn state_dict(path: &Path) -> candle_core::Result<Vec<(String, Tensor)>> {
    let mut last_error = None;
    for key in [Some("model"), Some("state_dict"), None] {
        match pickle::read_all_with_key(path, key) {
            Ok(tensors) if !tensors.is_empty() => return Ok(tensors),
            Ok(_) => {}
            Err(error) => last_error = Some(error),
        }
    }
    last_error.map_or_else(|| Ok(Vec::new()), Err)
}

fn normaliser(tensors: &[(String, Tensor)]) -> candle_core::Result<Option<Normaliser>> {
    let find = |suffix: &str| {
        let key = format!("normalizer.{suffix}");
        tensors.iter().find(|(name, _)| name.trim_start_matches("module.") == key).map(|(_, tensor)| tensor)
    };
    let (Some(mean), Some(std)) = (find("new_mean"), find("new_std")) else { return Ok(None) };
    let channels = |tensor: &Tensor| -> candle_core::Result<[f32; 3]> {
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let wrong =
            |v: Vec<f32>| candle_core::Error::Msg(format!("a normaliser of {} values, expected 3", v.len()));
        values.try_into().map_err(wrong)
    };
    let found = Normaliser::new(channels(mean)?, channels(std)?);
    found.map(Some).map_err(|error| candle_core::Error::Msg(error.to_string()))
}

/// candle appends a backtrace to its messages; people want the message.
fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or("unknown cause").to_owned()
}
