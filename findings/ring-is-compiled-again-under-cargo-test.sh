#!/usr/bin/env bash
# Guess: a test that calls `cargo run` on its own workspace finds everything compiled, as a shell does.
# Happens: `cargo test` sets CARGO_PKG_NAME and its like for the test; the cargo that the test starts inherits them, and ring's
#   build script has asked to be run again whenever they change. ring is compiled anew, and with it rustls, every client of it,
#   and all that stands on them. Back in the shell the variables are gone, and it is compiled a third time. Remedy: start the
#   inner cargo without the variables CARGO_PKG_* and CARGO_MANIFEST_*.
# Version: ring 0.17.14, cargo 1.95.0.
# Source: https://github.com/briansmith/ring/blob/0.17.14/build.rs prints `cargo:rerun-if-env-changed` for the variables of
#   cargo that it reads.
# Output seen: Dirty ring v0.17.14: the env variable CARGO_PKG_NAME changed (or another of them).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
printf '[package]\nname = "probe"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\nring = "=0.17.14"\n' >Cargo.toml
: >src/lib.rs
unset CARGO_PKG_NAME CARGO_PKG_VERSION CARGO_MANIFEST_DIR
cargo build -q
again=$(cargo build -v 2>&1 | grep 'ring v')
inside=$(CARGO_PKG_NAME=outer CARGO_PKG_VERSION=1.0.0 cargo build -v 2>&1 | grep -m1 'Dirty ring\|Compiling ring')
echo "once more: $again"
echo "inside a test: $inside"
[[ $again == *"Fresh ring"* && $inside == *ring* ]]
