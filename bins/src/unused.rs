//! Flags that were typed and change nothing. Each is told, so that nobody takes a result for what it is not.

use clap::{ArgMatches, parser::ValueSource};

use crate::flags::DatasetName;

/// Flags that matter to some data sets alone.
const OF_SOME: [(&str, &[DatasetName]); 3] = [
    ("labels", &[DatasetName::Cifar100]),
    ("image_size", &[DatasetName::Folder, DatasetName::ImageNet, DatasetName::ResIn]),
    ("on_corrupt", &[DatasetName::Folder, DatasetName::ImageNet, DatasetName::ResIn]),
];

/// Flags that matter beside another alone.
const BESIDE: [(&str, &str); 2] = [("style", "convert"), ("mirror", "download")];

/// Flags that do not matter beside another.
const REPLACED: [(&str, &str); 2] = [("out_dir", "run_folder"), ("task", "run_folder")];

/// A note for each flag that changes nothing, `is_typed` being whether it is on the command line itself: defaults from elsewhere are
/// shared by programs and data sets that they do not all suit.
pub(crate) fn notes(matches: &ArgMatches, is_typed: impl Fn(&str) -> bool) -> Vec<String> {
    let is_there = |id: &str| {
        matches.try_contains_id(id).is_ok_and(|is_there| is_there)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let flag = |id: &str| id.replace('_', "-");
    let is_given = |id: &str| is_there(id) && is_typed(&flag(id));
    let dataset = matches.try_get_one::<DatasetName>("dataset").ok().flatten();
    let of_some = OF_SOME
        .iter()
        .filter(|(id, sets)| is_given(id) && dataset.is_none_or(|dataset| !sets.contains(dataset)));
    let of_some = of_some.map(|(id, sets)| {
        let place = dataset.map_or("without --dataset".to_owned(), |set| format!("on {}", set.as_str()));
        let sets: Vec<&str> = sets.iter().map(|set| set.as_str()).collect();
        format!("note: --{} has no effect {place}, only on {}", flag(id), sets.join(", "))
    });
    let beside = BESIDE.iter().filter(|(id, other)| is_given(id) && !is_there(other));
    let beside = beside.map(|(id, other)| format!("note: --{} has no effect without --{other}", flag(id)));
    let replaced = REPLACED.iter().filter(|(id, other)| is_given(id) && is_there(other));
    let replaced = replaced.map(|(id, _)| format!("note: --{} has no effect beside --run", flag(id)));
    of_some.chain(beside).chain(replaced).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::commands::{evaluate, inspect};

    fn said(command: clap::Command, line: &str) -> Vec<String> {
        let matches = command.try_get_matches_from(line.split(' ')).expect("flags that can be used");
        notes(&matches, |flag| flag != "on-corrupt")
    }

    #[test]
    fn flags_of_other_data_sets_are_told() {
        let line = "evaluate --dataset cifar10 --labels coarse --image-size 64 --on-corrupt skip";
        let found = said(evaluate::Flags::command(), line);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "note: --labels has no effect on cifar10, only on cifar100");
        assert!(
            found[1].starts_with("note: --image-size has no effect on cifar10, only on folder"),
            "{found:?}"
        );
        assert!(said(evaluate::Flags::command(), "evaluate --dataset cifar100 --labels coarse").is_empty());
        assert!(said(evaluate::Flags::command(), "evaluate --dataset folder --image-size 64").is_empty());
        assert!(said(evaluate::Flags::command(), "evaluate").is_empty(), "defaults are not given");
    }

    #[test]
    fn flags_without_their_companion_are_told() {
        let alone = said(inspect::Flags::command(), "inspect x.pt --style robustness");
        assert_eq!(alone, ["note: --style has no effect without --convert"]);
        assert!(said(inspect::Flags::command(), "inspect x.pt --style plain --convert y.pt").is_empty());
        let replaced = said(evaluate::Flags::command(), "evaluate --run runs/a --out-dir b");
        assert_eq!(replaced, ["note: --out-dir has no effect beside --run"]);
    }
}
