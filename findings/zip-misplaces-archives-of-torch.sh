#!/usr/bin/env bash
# Guess: the crate `zip` opens every archive that PyTorch writes, whatever the file is called.
# Happens: PyTorch writes ZIP64 end records always, and true values in the plain end record too. The crate overlooks the former
#   then, takes what lies between for something put before the archive, guesses a start 76 bytes late, and believes it where a
#   member's header lies just there: with a first member whose name, extra field and comment have 30 bytes, which is so for every
#   file whose stem had 21 characters when it was saved (`checkpoint_epoch_0010.pt`). `ArchiveOffset::Known(0)` reads it.
# Version: zip 9.8.1 (9.0.5 is right); torch 2.15.0.
# Source: https://docs.rs/zip/9.8.1/zip/read/enum.ArchiveOffset.html (`Detect` is the default).
# Output seen: stem of 20: opened, of 21: invalid Zip archive, of 22: opened; with Known(0): all opened.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 numpy
venv/bin/python - <<'PY'
import torch
for length in (20, 21, 22):
    torch.save({"w": torch.zeros(3)}, "x" * length + ".pt")
PY
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2024"

[dependencies]
zip = { version = "=9.8.1", default-features = false }
TOML
cat >src/main.rs <<'RUST'
use std::fs::File;
use zip::{ZipArchive, read::{ArchiveOffset, Config}};

fn main() {
    for length in [20, 21, 22] {
        let open = || File::open(format!("{}.pt", "x".repeat(length))).unwrap();
        let guessed = ZipArchive::new(open()).map(|archive| archive.len());
        let known = ZipArchive::with_config(Config { archive_offset: ArchiveOffset::Known(0) }, open()).map(|archive| archive.len());
        println!("stem of {length}: by default {}, from 0 {}", guessed.is_ok(), known.is_ok());
    }
}
RUST
found=$(cargo run -q)
echo "$found"
[ "$found" = "stem of 20: by default true, from 0 true
stem of 21: by default false, from 0 true
stem of 22: by default true, from 0 true" ]
