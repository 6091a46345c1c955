#!/usr/bin/env bash
# Guess: a program that handles signals by `ctrlc` goes on after `nohup PROGRAM &` when the terminal is closed, for nohup has had SIGHUP
#   ignored, and Unix programs leave ignored what was ignored when they started.
# Happens: with the feature `termination` its handler is put in the place of the ignored SIGHUP (and, in scripts that start a program with
#   `&`, of the ignored SIGINT), so that the program stops. Remedy: ask for the disposition first (SigIgn in /proc/self/status), and
#   register handlers for the other signals alone.
# Version: ctrlc 3.5.2.
# Source: https://github.com/Detegr/rust-ctrlc/blob/3.5.2/src/platform/unix/mod.rs calls sigaction for the three signals whatever was there.
# Output seen: ignored before: yes; SIGHUP is handled: yes.
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
ctrlc = { version = "=3.5.2", features = ["termination"] }
TOML
cat >src/main.rs <<'RUST'
use std::{sync::mpsc, time::Duration};

fn main() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    let is_ignored = u64::from_str_radix(mask, 16).unwrap() & 1 != 0; // SIGHUP is signal 1
    println!("ignored before: {}", if is_ignored { "yes" } else { "no" });
    let (heard, hears) = mpsc::channel();
    ctrlc::set_handler(move || heard.send(()).unwrap()).unwrap();
    std::process::Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status().unwrap();
    let is_heard = hears.recv_timeout(Duration::from_secs(5)).is_ok();
    println!("SIGHUP is handled: {}", if is_heard { "yes" } else { "no" });
}
RUST
found=$(trap '' HUP; cargo run -q)
echo "$found"
[ "$found" = "ignored before: yes
SIGHUP is handled: yes" ]
