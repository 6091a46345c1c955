//! `reproduce`: the paper's experiments in one command, with one report.

fn main() -> std::process::ExitCode {
    bins::run("reproduce")
}
