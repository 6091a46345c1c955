//! What is in checkpoints, for people and for programs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use models::Architecture;
use serde_json::{Value, json};

use super::{inspect::Flags, inspect_convert};
use crate::{
    flags::Format,
    launch::must_exist,
    stored::{self, StoredTensor, StoredWeights},
    terminal,
};

/// A checkpoint that was read.
pub(super) struct Inspected {
    /// The file.
    pub path: PathBuf,
    /// Its weights.
    pub stored: StoredWeights,
    /// The architectures that the weights fit, with the number of classes.
    pub fits: Vec<(Architecture, usize)>,
    bytes: u64,
    tensors: Vec<StoredTensor>,
}

/// Reads all files, converts if asked to, and prints what was found.
///
/// # Errors
/// If a file cannot be read or written, or does not fit --arch.
pub(super) fn run(flags: &Flags) -> anyhow::Result<()> {
    inspect_convert::check(flags)?;
    flags.checkpoints.iter().try_for_each(|path| must_exist("checkpoint", path))?;
    let all: Vec<Inspected> = flags
        .checkpoints
        .iter()
        .map(|path| Inspected::read(path, flags.arch))
        .collect::<anyhow::Result<_>>()?;
    let written = match (&flags.convert, all.as_slice()) {
        (Some(output), [one]) => Some(inspect_convert::write(flags, one, output)?),
        _ => None,
    };
    if flags.machine.format == Format::Json {
        let checkpoints: Vec<Value> = all.iter().map(Inspected::json).collect();
        return terminal::result(&json!({"checkpoints": checkpoints, "written": written}).to_string());
    }
    all.iter().try_for_each(Inspected::print)?;
    written.map_or(Ok(()), |path| terminal::result(&format!("wrote {}", path.display())))
}

impl Inspected {
    fn read(path: &Path, arch: Option<Architecture>) -> anyhow::Result<Self> {
        let (tensors, stored) = (stored::tensors(path)?, StoredWeights::read(path)?);
        let bytes = path.metadata().with_context(|| path.display().to_string())?.len();
        let shapes = stored.shapes();
        let fits = match arch {
            Some(arch) => {
                let classes = arch.classes(&shapes).unwrap_or(1);
                arch.check_fit(classes, &shapes).with_context(|| path.display().to_string())?;
                vec![(arch, classes)]
            }
            None => Architecture::guess(&shapes),
        };
        Ok(Self { path: path.to_owned(), stored, fits, bytes, tensors })
    }

    /// Numbers that are learned, and numbers that are tracked.
    fn counts(&self) -> (usize, usize) {
        let is_statistic = |name: &str| name.ends_with(".running_mean") || name.ends_with(".running_var");
        let count = |tracked: bool| {
            let of_kind = self.stored.tensors.iter().filter(|(name, _)| is_statistic(name) == tracked);
            of_kind.map(|(_, tensor)| tensor.elem_count()).sum()
        };
        (count(false), count(true))
    }

    fn print(&self) -> anyhow::Result<()> {
        let megabytes = self.bytes as f64 / 1e6;
        terminal::result(&format!("{}: {}, {megabytes:.1} MB", self.path.display(), self.stored.format))?;
        for (label, text) in self.facts() {
            terminal::result(&format!("  {label:14} {text}"))?;
        }
        let keys = self.tensors.iter().filter(|tensor| models::canonical_name(&tensor.key).is_some());
        let width = keys.clone().map(|tensor| tensor.key.len()).max().unwrap_or(0);
        for tensor in keys.clone() {
            terminal::result(&format!("  {:width$}  {:8}  {:?}", tensor.key, tensor.dtype, tensor.shape))?;
        }
        let others = self.tensors.len() - keys.count();
        if others > 0 {
            let what = "normaliser, second copy of the network, batch counters";
            terminal::result(&format!("  and {others} that are no weights of the network ({what})"))?;
        }
        Ok(())
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let (parameters, statistics) = self.counts();
        let info = &self.stored.info;
        let unknown = || "none that is known here has these shapes; --arch NAME says what differs".to_owned();
        let names: Vec<String> = self
            .fits
            .iter()
            .map(|(arch, classes)| format!("{}, {}", arch.name(), terminal::counted(*classes, "class")))
            .collect();
        let mut facts = vec![
            ("architecture", if names.is_empty() { unknown() } else { names.join("; ") }),
            ("parameters", format!("{} (and {} statistics)", grouped(parameters), grouped(statistics))),
        ];
        facts.extend(info.dataset.clone().map(|dataset| ("data set", dataset)));
        facts.extend(info.epoch.map(|epoch| ("epoch", epoch.to_string())));
        facts.extend(info.nat_prec1.map(|accuracy| ("test accuracy", format!("{accuracy:.2} %"))));
        facts.extend(self.stored.normaliser.map(|found| {
            let three = |values: [f32; 3]| values.map(|value| value.to_string()).join(", ");
            ("normaliser", format!("mean {}; std {}", three(found.mean()), three(found.std())))
        }));
        facts
    }

    fn json(&self) -> Value {
        let (parameters, statistics) = self.counts();
        let info = &self.stored.info;
        let fits = self.fits.iter().map(|(arch, classes)| json!({"arch": arch.name(), "classes": classes}));
        json!({
            "file": self.path,
            "format": self.stored.format,
            "bytes": self.bytes,
            "architectures": fits.collect::<Vec<_>>(),
            "parameters": parameters,
            "statistics": statistics,
            "dataset": info.dataset,
            "epoch": info.epoch,
            "nat_prec1": info.nat_prec1,
            "normaliser": self.stored.normaliser.map(|found| json!({"mean": found.mean(), "std": found.std()})),
            "tensors": self.tensors,
        })
    }
}

/// 11173962 → 11,173,962.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_come_in_groups_of_three() {
        assert_eq!([0, 999, 1000, 11_173_962].map(grouped), ["0", "999", "1,000", "11,173,962"]);
    }
}
