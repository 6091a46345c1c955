//! `easy_train`: trains a classifier and keeps a checkpoint of every epoch.

fn main() -> std::process::ExitCode {
    bins::run("easy_train")
}
