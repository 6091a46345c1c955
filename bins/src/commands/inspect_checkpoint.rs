//! What is in checkpoints, for people and for programs.

use std::path::{Path, PathBuf};

use datasets::catalog::Name;
use models::{Normaliser, Program};
use runs::{CheckpointFormat, InspectedCheckpoint, StoredNormaliser, TorchStyle, TrainedOn, Wanted, convert};
use serde_json::{Value, json};

use crate::cli::{
    self, UsageError,
    flags::{Format, normaliser},
    must_exist,
};

/// What is asked of checkpoints.
pub(super) struct Options<'a> {
    /// The files.
    pub(super) checkpoints: &'a [PathBuf],
    /// What is looked for in them.
    pub(super) wanted: Wanted<'a>,
    /// The normaliser that is given, whatever the file says.
    pub(super) normaliser: Option<Normaliser>,
    /// Where to write the weights in another format.
    pub(super) convert: Option<&'a Path>,
    /// What a PyTorch file holds.
    pub(super) style: TorchStyle,
    /// The program whose names the weights get; their own, if absent.
    pub(super) names: Option<Program>,
    /// The data set that the weights were trained on.
    pub(super) trained_on: Option<&'a Name>,
    /// How the result is printed.
    pub(super) format: Format,
}

/// Reads all files, converts if asked to, and prints what was found.
///
/// # Errors
/// If a file cannot be read or written, or does not fit --arch.
pub(super) fn run(options: &Options<'_>) -> anyhow::Result<()> {
    let target = options.convert.map(|output| target(options, output)).transpose()?;
    options.checkpoints.iter().try_for_each(|path| must_exist("checkpoint", path))?;
    let read = |path: &PathBuf| InspectedCheckpoint::read(path, options.wanted, options.normaliser);
    let all = options.checkpoints.iter().map(read).collect::<Result<Vec<_>, runs::Error>>()?;
    let written = match (target, all.as_slice()) {
        (Some((output, format)), [one]) => Some(write(options, one, output, format)?),
        _ => None,
    };
    if options.format == Format::Json {
        let checkpoints: Vec<Value> = all.iter().map(InspectedCheckpoint::json).collect();
        return cli::result(&json!({"checkpoints": checkpoints, "written": written}).to_string());
    }
    all.iter().try_for_each(print)?;
    written.map_or(Ok(()), |path| cli::result(&format!("wrote {}", path.display())))
}

/// Where weights are written and how; refused before anything is read.
fn target<'a>(options: &Options<'_>, output: &'a Path) -> anyhow::Result<(&'a Path, CheckpointFormat)> {
    let unusable =
        |problem: &str| Err(UsageError(format!("--convert {}: {problem}", output.display())).into());
    if options.checkpoints.len() != 1 {
        return unusable("expected one checkpoint to convert");
    }
    let Some(format) = CheckpointFormat::of_name(output, options.style) else {
        return unusable("expected a file name that ends in .safetensors, .pt or .pth");
    };
    if format == CheckpointFormat::Safetensors && options.style == TorchStyle::Robustness {
        return unusable("--style robustness is for .pt and .pth; leave it out or choose such a name");
    }
    if output.exists() {
        return unusable("there is a file of this name; remove it or choose another");
    }
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        return unusable(&format!(
            "there is no folder {}; make it first, or choose another",
            folder.display()
        ));
    }
    Ok((output, format))
}

fn write(
    options: &Options<'_>,
    from: &InspectedCheckpoint,
    output: &Path,
    format: CheckpointFormat,
) -> anyhow::Result<PathBuf> {
    let trained_on =
        options.trained_on.map(|name| TrainedOn { dataset: name.to_string(), normaliser: normaliser(name) });
    let needs_normaliser = format == CheckpointFormat::Torch(TorchStyle::Robustness);
    if needs_normaliser && from.weights.normaliser.is_none() && trained_on.is_none() {
        let problem =
            "--style robustness: the checkpoint names no normaliser; --dataset NAME takes that of a data set";
        return Err(UsageError(problem.to_owned()).into());
    }
    convert(from, output, (format, options.names), trained_on.as_ref())?;
    Ok(output.to_owned())
}

fn print(found: &InspectedCheckpoint) -> anyhow::Result<()> {
    let megabytes = found.weights.bytes() as f64 / 1e6;
    cli::result(&format!("{}: {}, {megabytes:.1} MB", found.path.display(), found.weights.format()))?;
    for (label, text) in facts(found) {
        cli::result(&format!("  {label:14} {text}"))?;
    }
    let width = found.weights.tensors().map(|tensor| tensor.key.len()).max().unwrap_or(0);
    for tensor in found.weights.tensors() {
        cli::result(&format!("  {:width$}  {:8}  {:?}", tensor.key, tensor.kind.name(), tensor.shape))?;
    }
    let others = found.others();
    if others > 0 {
        let what = "a normaliser, a second copy of the network, batch counters, an optimiser's";
        cli::result(&format!("  and {others} that are no weights of the network ({what})"))?;
    }
    Ok(())
}

fn facts(found: &InspectedCheckpoint) -> Vec<(&'static str, String)> {
    let info = &found.weights.info;
    let unknown = || "none that is known here has these shapes; --arch NAME says what differs".to_owned();
    let names: Vec<String> = found
        .weights
        .fits()
        .iter()
        .map(|(arch, classes)| format!("{}, {}", arch.name(), cli::counted(*classes, "class")))
        .collect();
    let (parameters, statistics) = (grouped(found.parameters()), grouped(found.statistics()));
    let mut facts = vec![
        ("architecture", if names.is_empty() { unknown() } else { names.join("; ") }),
        ("parameters", format!("{parameters} (and {statistics} statistics)")),
    ];
    facts.extend(info.dataset.clone().map(|dataset| ("data set", dataset)));
    facts.extend(info.epoch.map(|epoch| ("epoch", epoch.to_string())));
    facts.extend(info.nat_prec1.map(|accuracy| ("test accuracy", format!("{accuracy:.2} %"))));
    let best = found.weights.best_accuracy();
    facts.extend(best.map(|accuracy| ("best so far", format!("{accuracy:.2} %"))));
    let normaliser = found.weights.normaliser.as_ref();
    facts.extend(normaliser.map(|found| ("normaliser", normaliser_words(found))));
    facts.extend(found.weights.notes().iter().map(|note| ("recognised", note.to_string())));
    let asked = found.weights.image_words().into_iter().chain(found.weights.not_done());
    facts.extend(asked.map(|words| ("configuration", words)));
    facts
}

fn normaliser_words(StoredNormaliser { value, origin }: &StoredNormaliser) -> String {
    let three = |values: [f32; 3]| values.map(|value| value.to_string()).join(", ");
    format!("mean {}; std {} ({origin})", three(value.mean()), three(value.std()))
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
