//! Notes the commit that the programs are built from, for the `config.json` of their runs.
#![allow(clippy::print_stdout, reason = "how a build script speaks")]

use std::{path::Path, process::Command};

fn main() {
    // The log of HEAD grows with every commit; a source archive has none, and then no commit is noted.
    let log = "../.git/logs/HEAD";
    if !Path::new(log).exists() {
        return println!("cargo::rerun-if-changed=build.rs");
    }
    println!("cargo::rerun-if-changed={log}");
    let commit = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Some(commit) = commit.ok().filter(|output| output.status.success()) {
        println!("cargo::rustc-env=FREQBIAS_GIT_COMMIT={}", String::from_utf8_lossy(&commit.stdout).trim());
    }
}
