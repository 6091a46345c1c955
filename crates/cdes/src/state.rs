//! Everything that an exact resume needs, in one file, so that it is there whole or not at all.

use std::{collections::BTreeMap, path::Path};

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use training::{Sgd, load_tensors, tensor_file};

use crate::{Error, Losses, Setting, ToyKernels};

const KEY: &str = "freqbias-cdes-state";
const KERNELS: &str = "network.";
const MOMENTUM: &str = "momentum.";

/// What must not change in the middle of a fit, and its value as text.
pub(crate) type Fixed = Vec<(Setting, String)>;

/// How far a fit has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The epoch to go on with.
    pub(crate) epoch: usize,
    /// The batch to go on with in it.
    pub(crate) batch: usize,
    /// What the batches before it in this epoch gave.
    pub(crate) tally: Tally,
    /// A line of JSON for each epoch that is done: as text, because numbers that are read and written again may change.
    pub(crate) log: Vec<String>,
}

/// Sums over the images of an epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) images: usize,
    #[serde(with = "bits")]
    spectral: f64,
    #[serde(with = "bits")]
    image: f64,
}

impl Tally {
    pub(crate) fn add(&mut self, losses: Losses, images: usize) {
        self.images += images;
        self.spectral += losses.spectral * images as f64;
        self.image += losses.image * images as f64;
    }

    pub(crate) fn mean(&self) -> Losses {
        let count = self.images.max(1) as f64;
        Losses { spectral: self.spectral / count, image: self.image / count }
    }
}

/// A number as its bits, which JSON keeps.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    fixed: Fixed,
    progress: Progress,
}

/// The state's file, which is to be at `path`.
pub(crate) fn file(
    path: &Path,
    fixed: &Fixed,
    progress: &Progress,
    kernels: &ToyKernels,
    sgd: &Sgd,
) -> Result<Vec<u8>, Error> {
    let parameters = kernels.parameters().iter();
    let parameters = parameters.map(|(name, value)| (format!("{KERNELS}{name}"), value.as_detached_tensor()));
    let momentum = sgd.buffers().iter().map(|(name, buffer)| (format!("{MOMENTUM}{name}"), buffer.clone()));
    let tensors = parameters.chain(momentum).collect();
    let content = Content { fixed: fixed.clone(), progress: progress.clone() };
    Ok(tensor_file(path, &tensors, KEY, &serde_json::json!(content))?)
}

/// What the file is expected to be.
const EXPECTED: &str = "state of a fit";

/// A file that is none.
pub(crate) fn damaged(path: &Path, found: String) -> training::Error {
    training::Error::StateDamaged { state: path.to_owned(), expected: EXPECTED, found }
}

/// Restores kernels and optimiser, and says where to go on.
pub(crate) fn load(
    path: &Path,
    fixed: &Fixed,
    kernels: &ToyKernels,
    sgd: &mut Sgd,
) -> Result<Progress, Error> {
    let (tensors, content) = load_tensors(path, KEY).map_err(|error| error.of_state(EXPECTED))?;
    let damaged = |found| damaged(path, found);
    let content = content.ok_or_else(|| damaged(format!("no metadata `{KEY}`")))?;
    let content: Content = serde_json::from_str(&content).map_err(|error| damaged(error.to_string()))?;
    check_fixed(path, &content.fixed, fixed)?;
    let part = |prefix: &str| -> Result<ToyKernels, Error> {
        let part: BTreeMap<String, Tensor> = tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())))
            .collect();
        // Momentum has the parameters' names and shapes: what checks these checks it.
        let part = ToyKernels::from_tensors(&part).map_err(|error| damaged(error.to_string()))?;
        let forms = [kernels, &part].map(|kernels| (kernels.number(), kernels.kernel_size()));
        let found = format!("{part:?} under `{prefix}`, not {kernels:?}");
        if forms[0] == forms[1] { Ok(part) } else { Err(damaged(found).into()) }
    };
    let saved = part(KERNELS)?;
    // Before the first step there is no momentum.
    let is_new = content.progress.epoch == 0 && content.progress.batch == 0;
    if !is_new || tensors.keys().any(|name| name.starts_with(MOMENTUM)) {
        let momentum = part(MOMENTUM)?;
        let buffers =
            momentum.parameters().iter().map(|(name, value)| (name.clone(), value.as_detached_tensor()));
        sgd.set_buffers(buffers.collect());
    }
    kernels.set(&saved)?;
    Ok(content.progress)
}

/// Refuses the first setting that differs.
fn check_fixed(path: &Path, before: &Fixed, now: &Fixed) -> Result<(), Error> {
    let find = |settings: &Fixed, setting: Setting| {
        let found = settings.iter().find(|(other, _)| *other == setting);
        found.map_or("absent".to_owned(), |(_, value)| value.clone())
    };
    for &(setting, _) in now.iter().chain(before) {
        let (before, now) = (find(before, setting), find(now, setting));
        if before != now {
            return Err(Error::SettingChanged { path: path.to_owned(), setting, before, now });
        }
    }
    Ok(())
}
