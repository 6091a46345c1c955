//! `train_toy_models`: fits the kernels that reshape the spectral density of images.

fn main() -> std::process::ExitCode {
    bins::run("train_toy_models")
}
