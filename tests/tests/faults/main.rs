//! Faults at operations on files: programs run into them, go on, and must leave what they leave without them.
//!
//! `cargo test -p tests --features faults --test faults` makes some operations of every scenario fail, with `-- --all` each in every way,
//! and damages some files before they are read.
//! By hand, with `-- --seed S --faults N`, random ones: faults that come in twos, folders that are moved away, times of files that jump,
//! two writers. `-- --seed S --kills N` kills a real training run that often. `-- --seed S --damages N` damages files of ours before
//! programs read them. A line that failed can be given again.

mod campaign;
mod damage;
mod every;
mod kills;
mod programs;
mod results;
mod trial;

use std::process::ExitCode;

/// What the command line asks for.
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let place = |name: &str| words.iter().position(|word| word == name);
    let number = |name: &str| words.get(place(name)? + 1)?.parse::<u64>().ok();
    if let Some(at) = place("--scenario") {
        return every::scenario(&words[at + 1], &words[at + 2..]);
    }
    if let Some(at) = place("--run") {
        return bins::run_with(&words[at + 1], words[at + 1..].iter().map(Into::into).collect());
    }
    let seed = number("--seed").unwrap_or(0);
    if let Some(faults) = number("--faults") {
        return campaign::run(seed, faults);
    }
    if let Some(kills) = number("--kills") {
        return kills::run(seed, kills);
    }
    if let Some(damages) = number("--damages") {
        return damage::run(seed, damages);
    }
    match words.iter().find(|word| !word.starts_with('-')) {
        // A filter of tests that have other names.
        Some(filter) if !"faults".contains(filter.as_str()) => ExitCode::SUCCESS,
        _ => {
            let is_whole = place("--all").is_some();
            let codes = [every::all(is_whole), damage::run(0, if is_whole { 1000 } else { 40 })];
            if codes == [ExitCode::SUCCESS; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}
