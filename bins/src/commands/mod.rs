//! One file per workflow; each reads its flags, builds library objects and runs them.

use clap::CommandFactory;

pub mod easy_train;
pub mod evaluate;
mod evaluate_figures;
mod evaluate_report;
pub mod generate_freq_dataset;
pub mod generate_toy_dataset;
pub mod grad;
mod grad_report;
#[allow(dead_code, reason = "for a program that looks into files")]
mod inspect_dataset;
pub mod train_toy_models;

/// Every command line, for what must know all flags.
pub(crate) fn all() -> [clap::Command; 6] {
    [
        easy_train::Flags::command(),
        grad::Flags::command(),
        evaluate::Flags::command(),
        train_toy_models::Flags::command(),
        generate_toy_dataset::Flags::command(),
        generate_freq_dataset::Flags::command(),
    ]
}
