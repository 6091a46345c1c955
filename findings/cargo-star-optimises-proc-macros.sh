#!/usr/bin/env bash
# Guess: `[profile.dev.package."*"] opt-level = 3` optimises what the program is made of. Build scripts, proc macros and what
#   they depend on stay at opt-level 0, the default of their own table, `[profile.dev.build-override]`.
# Happens: "*" matches those too and wins over the table's default: syn, quote and proc-macro2 are optimised for a run of
#   milliseconds. An opt-level that stands in `[profile.dev]` itself leaves them alone.
# Version: cargo 1.95.0; proc-macro2 1.0.107 as the dependency of a build script.
# Source: https://doc.rust-lang.org/cargo/reference/profiles.html#overrides-and-generics has the order of precedence, in which
#   the default of build-override counts for nothing against "*".
# Output seen: with "*": -C opt-level=3; without: none (opt-level 0).
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
build = "build.rs"

[build-dependencies]
proc-macro2 = "=1.0.107"
TOML
echo 'fn main() {}' | tee src/main.rs >build.rs
level() { cargo build -v 2>&1 | grep -- '--crate-name proc_macro2' | grep -o 'opt-level=[0-9]' || echo none; }

printf '\n[profile.dev.package."*"]\nopt-level = 3\n' >>Cargo.toml
with_star=$(level)
cargo clean -q
sed -i '/^\[profile/,$d' Cargo.toml
printf '[profile.dev]\nopt-level = 3\n' >>Cargo.toml
in_profile=$(level)
echo "with \"*\": $with_star; in [profile.dev]: $in_profile"
[ "$with_star" = opt-level=3 ] && [ "$in_profile" = none ]
