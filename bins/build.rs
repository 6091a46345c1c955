//! Notes the commit that the programs are built from, for the `config.json` of their runs.
//!
//! It is handed on in a file: cargo hands the variables of a build script to the programs that `cargo run` starts, too.
#![allow(clippy::print_stdout, reason = "how a build script speaks")]

use std::{env, fs, path::Path, process::Command};

fn main() -> std::io::Result<()> {
    // The log of HEAD grows with every commit; a source archive has none, and then no commit is noted.
    let log = "../.git/logs/HEAD";
    let is_checkout = Path::new(log).exists();
    println!("cargo::rerun-if-changed={}", if is_checkout { log } else { "build.rs" });
    let commit = if is_checkout { commit() } else { None };
    let folder = env::var_os("OUT_DIR").expect("cargo names a folder for build scripts");
    fs::write(Path::new(&folder).join("commit"), commit.unwrap_or_default())
}

fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
