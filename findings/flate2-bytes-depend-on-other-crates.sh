#!/usr/bin/env bash
# Guess: what `flate2` compresses with a level is settled by flate2's version and the features that one's own crate names.
# Happens: backends are features, features are united over the whole build, and zlib-rs goes before miniz_oxide. If any crate of
#   the build names `zlib-rs`, everybody's bytes change: also those of PNG files that the crate `png` writes, which names a
#   backend by `flate2`'s default alone. Files that a test compares byte by byte then differ between two binaries of a
#   workspace, or between `cargo test -p one` and `cargo test`.
# Version: flate2 1.1.11 (miniz_oxide 0.9.1, zlib-rs 0.6.8), png 0.17.16.
# Source: https://docs.rs/flate2/1.1.11/flate2/#implementation; the manifest of png 0.17.16.
# Output seen: PNG of 64×64: other sizes and bytes with `zlib-rs` in a sister crate than without.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p src sister/src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2024"

[dependencies]
png = "=0.17.16"
flate2 = "=1.1.11"
sister = { path = "sister" }

[features]
other = ["sister/other"]
TOML
cat >sister/Cargo.toml <<'TOML'
[package]
name = "sister"
version = "0.0.0"
edition = "2024"

[dependencies]
flate2 = { version = "=1.1.11", optional = true, default-features = false, features = ["zlib-rs"] }

[features]
other = ["dep:flate2"]
TOML
: >sister/src/lib.rs
cat >src/main.rs <<'RUST'
fn main() {
    let pixels: Vec<u8> = (0..64 * 64).map(|i: u32| ((i * i) >> 5) as u8).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 64);
    encoder.set_compression(png::Compression::Default);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    let sum = bytes.iter().fold(0xcbf29ce484222325u64, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100000001b3));
    println!("{} bytes, {sum:016x}", bytes.len());
}
RUST
alone=$(cargo run -q)
beside=$(cargo run -q --features other)
echo "alone: $alone; with zlib-rs named by a sister: $beside"
[ "$alone" != "$beside" ]
