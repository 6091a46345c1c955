//! Faults at every operation on files: programs run into them, go on, and must leave what they leave without them.
//!
//! `cargo test -p tests --features faults --test faults` makes every operation of every scenario fail. By hand, with
//! `-- --seed S --faults N`, random ones: faults that come in twos, folders that are moved away, clocks that jump, two writers; a line
//! that fails can be given again. `-- --kills N` kills a real training run that often.

mod campaign;
mod every;
mod kills;
mod programs;
mod results;
mod trial;

use std::process::ExitCode;

/// What the command line asks for.
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    // One thread each: two scenarios run side by side, and results do not depend on it.
    if let Some(at) = words.iter().position(|word| word == "--scenario") {
        return every::scenario(&words[at + 1], &words[at + 2..]);
    }
    if let Some(at) = words.iter().position(|word| word == "--run") {
        return bins::run_with(&words[at + 1], words[at + 1..].iter().map(Into::into).collect());
    }
    match (number("--faults"), number("--kills")) {
        (Some(faults), _) => campaign::run(number("--seed").unwrap_or(0), faults),
        (None, Some(kills)) => kills::run(number("--seed").unwrap_or(0), kills),
        (None, None) => match words.iter().find(|word| !word.starts_with('-')) {
            // A filter of tests that have other names.
            Some(filter) if !"faults".contains(filter.as_str()) => ExitCode::SUCCESS,
            _ => every::all(),
        },
    }
}
