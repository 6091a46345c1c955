#!/usr/bin/env bash
# Guess: `cargo::rustc-env=NAME=value` of a build script reaches the compiler alone, where `env!("NAME")` reads it.
# Happens: `cargo run` and `cargo test` also set it in the environment of the program that they start. A program that reads a
#   variable of the same name as a setting takes the value of the build for a wish of its user's; started directly it does not.
# Version: cargo 1.95.0; no package is needed.
# Source: https://doc.rust-lang.org/cargo/reference/environment-variables.html says what cargo sets for `cargo run` and
#   `cargo test`, and does not name these.
# Output seen: by cargo run: Ok("of the build"); directly: Err(NotPresent).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
printf '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2024"\n' >Cargo.toml
echo 'fn main() { println!("cargo::rustc-env=PROBE_SETTING=of the build"); }' >build.rs
echo 'fn main() { println!("{:?}", std::env::var("PROBE_SETTING")); }' >src/main.rs
unset PROBE_SETTING
by_cargo=$(cargo run -q --target-dir built)
directly=$(built/debug/probe)
echo "by cargo run: $by_cargo; directly: $directly"
[ "$by_cargo" = 'Ok("of the build")' ] && [ "$directly" = 'Err(NotPresent)' ]
