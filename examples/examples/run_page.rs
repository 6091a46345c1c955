//! The page of a run, made of the files in its folder: what was measured, with a slider for the epoch.
//!
//! `cargo run -p examples --example run_page -- runs/synthetic/resnet18_baseline`
#![allow(clippy::print_stdout, reason = "what an example has to say")]

use std::path::PathBuf;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let run = PathBuf::from(std::env::args().nth(1).context("which run folder?")?);
    let page = freqbias::reports::RunPage::read(&run);
    page.problems().iter().for_each(|problem| println!("not shown: {problem}"));
    assert!(page.html().starts_with("<!DOCTYPE html>"));
    println!("wrote {}", page.save()?.display());
    Ok(())
}
