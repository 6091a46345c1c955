#!/usr/bin/env bash
# Guess: `candle_core::Error::wrap(error)` is a wrapper like others: `source()` gives the error inside, and who handles errors
#   finds its own type by walking down the chain.
# Happens: `source()` is None. The words of the inner error stand in the wrapper's own, the type is out of reach of a walk along
#   `source()`; only a match on `Error::Wrapped` and a downcast of what it holds reach it.
# Version: candle-core 0.11.1.
# Source: https://docs.rs/candle-core/0.11.1/candle_core/enum.Error.html (`Wrapped` is marked as neither source nor transparent).
# Output seen: display "entity not found", source None.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2024"

[dependencies]
candle-core = { version = "=0.11.1", default-features = false }
TOML
cat >src/main.rs <<'RUST'
use std::error::Error as _;

fn main() {
    let inner = std::io::Error::from(std::io::ErrorKind::NotFound);
    let outer = candle_core::Error::wrap(inner);
    println!("display {:?}, source {:?}", outer.to_string(), outer.source().map(ToString::to_string));
}
RUST
unset RUST_BACKTRACE # with it, the words have a backtrace in them
output=$(cargo run -q)
echo "$output"
[[ $output == *"not found"*"source None" ]]
