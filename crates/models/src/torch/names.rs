//! The names of weights in files and in architectures.

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
    let counts = name.ends_with(".num_batches_tracked") || name.ends_with("._extra_state");
    (!foreign && !counts).then_some(name)
}
