//! Flags that were typed and change nothing. Each is reported, so that nobody takes a result for what it is not.

use clap::{ArgMatches, parser::ValueSource};
use datasets::catalog::Name;

/// Flags that matter to some data sets alone, and to which.
type OfSome = (&'static str, fn(&Name) -> bool, &'static str);
const PHOTOGRAPHS: &str = "folder, imagenet, resIN and those of the Hub";
const FOLDERS: &str = "folder, imagenet and resIN";
const OF_SOME: [OfSome; 10] = [
    (
        "labels",
        |name| matches!(name, Name::Cifar100 | Name::Hub(_)) || has_layout(name),
        "cifar100 and tables",
    ),
    ("corruption", Name::has_corruptions, "cifar10-c, cifar100-c and imagenet-c"),
    ("image_size", Name::is_resized, PHOTOGRAPHS),
    ("resize", Name::is_resized, PHOTOGRAPHS),
    ("interpolation", Name::is_resized, PHOTOGRAPHS),
    ("on_corrupt", Name::is_resized, PHOTOGRAPHS),
    ("val_labels", has_layout, FOLDERS),
    ("val_fraction", has_layout, FOLDERS),
    ("follow_links", has_layout, FOLDERS),
    ("class_map", |_| true, "data sets"),
];

/// Flags that matter beside another alone.
const BESIDE: [(&str, &str); 3] =
    [("style", "convert"), ("mirror", "download"), ("val_seed", "val-fraction")];

/// Flags that do not matter beside another.
const REPLACED: [(&str, &str, &str); 4] = [
    ("out_dir", "run_folder", "run"),
    ("task", "run_folder", "run"),
    ("arch", "onnx", "onnx"),
    ("arch_family", "onnx", "onnx"),
];

/// Whether a data set is a folder of images.
fn has_layout(name: &Name) -> bool {
    matches!(name, Name::Folder | Name::ImageNet | Name::ResIn)
}

/// A note for each flag that changes nothing, `is_typed` being whether it is on the command line itself: defaults from elsewhere are
/// shared by programs and data sets that they do not all suit.
pub(super) fn notes(matches: &ArgMatches, is_typed: impl Fn(&str) -> bool) -> Vec<String> {
    let is_there = |id: &str| {
        matches.try_contains_id(id).is_ok_and(|is_there| is_there)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let flag = |id: &str| id.replace('_', "-");
    let is_given = |id: &str| is_there(id) && is_typed(&flag(id));
    let dataset = matches.try_get_one::<Name>("dataset").ok().flatten();
    let of_some =
        OF_SOME.iter().filter(|(id, suits, _)| is_given(id) && dataset.is_none_or(|dataset| !suits(dataset)));
    let of_some = of_some.map(|(id, _, sets)| {
        let place = dataset.map_or("without --dataset".to_owned(), |set| format!("on {}", set.as_str()));
        format!("--{} has no effect {place}, only on {sets}", flag(id))
    });
    let beside = BESIDE.iter().filter(|(id, other)| is_given(id) && !is_there(&other.replace('-', "_")));
    let beside = beside.map(|(id, other)| format!("--{} has no effect without --{other}", flag(id)));
    let replaced = REPLACED.iter().filter(|(id, other, _)| is_given(id) && is_there(other));
    let replaced = replaced.map(|(id, _, other)| format!("--{} has no effect beside --{other}", flag(id)));
    of_some.chain(beside).chain(replaced).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Args, Command};

    use super::*;
    use crate::cli::flags::{CheckpointFlags, DataFlags, RunFlags};

    fn notes_of(command: Command, line: &str) -> Vec<String> {
        let matches = command.try_get_matches_from(line.split(' ')).expect("flags that can be used");
        notes(&matches, |flag| flag != "on-corrupt")
    }

    fn evaluate() -> Command {
        RunFlags::augment_args(CheckpointFlags::augment_args(DataFlags::augment_args(Command::new(
            "evaluate",
        ))))
    }

    #[test]
    fn flags_of_other_data_sets_are_reported() {
        let line = "evaluate --dataset cifar10 --labels coarse --image-size 64 --on-corrupt skip";
        let found = notes_of(evaluate(), line);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "--labels has no effect on cifar10, only on cifar100 and tables");
        assert!(found[1].starts_with("--image-size has no effect on cifar10, only on folder"), "{found:?}");
        assert!(notes_of(evaluate(), "evaluate --dataset cifar100 --labels coarse").is_empty());
        assert!(notes_of(evaluate(), "evaluate --dataset folder --image-size 64").is_empty());
        assert!(notes_of(evaluate(), "evaluate").is_empty(), "defaults are not given");
        assert!(notes_of(evaluate(), "evaluate --class-map map.txt").is_empty(), "any data set");
    }

    #[test]
    fn flags_without_their_companion_are_reported() {
        let inspect = || {
            let flags = ["style", "convert"].map(|flag| Arg::new(flag).long(flag));
            Command::new("inspect").args(flags)
        };
        let alone = notes_of(inspect(), "inspect --style robustness");
        assert_eq!(alone, ["--style has no effect without --convert"]);
        assert!(notes_of(inspect(), "inspect --style plain --convert y.pt").is_empty());
        let replaced = notes_of(evaluate(), "evaluate --run runs/a --out-dir b");
        assert_eq!(replaced, ["--out-dir has no effect beside --run"]);
        let replaced = notes_of(evaluate(), "evaluate --onnx model.onnx --arch vgg11");
        assert_eq!(replaced, ["--arch has no effect beside --onnx"]);
    }
}
