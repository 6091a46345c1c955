//! One file per workflow; each reads its flags, builds library objects and runs them.

use clap::CommandFactory;

pub mod easy_train;
pub mod evaluate;
mod evaluate_figures;
mod evaluate_report;
pub mod generate_freq_dataset;
pub mod generate_toy_dataset;
pub mod grad;
pub(crate) mod grad_report;
pub mod inspect;
mod inspect_checkpoint;
mod inspect_convert;
mod inspect_dataset;
pub mod reproduce;
pub mod train_toy_models;

/// Every command line, for what must know all flags.
pub(crate) fn all() -> [clap::Command; 8] {
    [
        easy_train::Flags::command(),
        grad::Flags::command(),
        evaluate::Flags::command(),
        inspect::Flags::command(),
        train_toy_models::Flags::command(),
        generate_toy_dataset::Flags::command(),
        generate_freq_dataset::Flags::command(),
        reproduce::Flags::command(),
    ]
}
