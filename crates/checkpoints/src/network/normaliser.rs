//! A normaliser among the tensors of a dictionary.

use models::Normaliser;

use crate::dictionary::Dictionary;

/// What people call mean and standard deviation of a normaliser, as buffers of its module.
pub(crate) const NAMES: [[&str; 2]; 7] = [
    ["new_mean", "new_std"],
    ["mean", "std"],
    ["mu", "sigma"],
    ["_mean", "_std"],
    ["image_mean", "image_std"],
    ["pixel_mean", "pixel_std"],
    ["mean_tensor", "std_tensor"],
];

/// The tensors of a normaliser, by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The module, or the key of the mean where there is no module.
    pub(crate) key: String,
    pub(crate) mean: usize,
    pub(crate) std: usize,
}

/// All pairs of three numbers each that are named as mean and standard deviation.
pub(crate) fn pair(dictionary: &Dictionary) -> Vec<Pair> {
    let mut found = Vec::new();
    for (mean, tensor) in dictionary.tensors.iter().enumerate() {
        let (module, last) = tensor.key.rsplit_once('.').unwrap_or(("", &tensor.key));
        let Some([_, std]) = NAMES.iter().find(|[name, _]| *name == last) else { continue };
        let std = if module.is_empty() { (*std).to_owned() } else { format!("{module}.{std}") };
        let Some(std) = dictionary.tensors.iter().position(|tensor| tensor.key == std) else { continue };
        let key = if module.is_empty() { tensor.key.clone() } else { module.to_owned() };
        found.push(Pair { key, mean, std });
    }
    found
}

/// The normaliser that two tensors are, of the pixels in [0, 1]; and words that follow, where they are of others.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn value(mean: &[f32], std: &[f32]) -> Result<(Normaliser, &'static str), String> {
    let three = |values: &[f32]| <[f32; 3]>::try_from(values).ok();
    let Some((mean, std)) = three(mean).zip(three(std)) else {
        return Err(format!("{} and {} numbers, expected three each", mean.len(), std.len()));
    };
    // No mean of pixels in [0, 1] is beyond 1: these are of pixels from 0 to 255.
    let (scale, unit) =
        if mean.iter().any(|value| *value > 1.5) { (255.0, ", for pixels from 0 to 255") } else { (1.0, "") };
    let scaled = |values: [f32; 3]| values.map(|value| value / scale);
    let found = Normaliser::new(scaled(mean), scaled(std)).map_err(|error| error.to_string())?;
    Ok((found, unit))
}
