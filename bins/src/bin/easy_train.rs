//! `easy_train`: trains a classifier and keeps a checkpoint of every epoch.

fn main() -> std::process::ExitCode {
    bins::launch(bins::commands::easy_train::run)
}
