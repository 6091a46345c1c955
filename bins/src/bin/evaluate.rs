//! `evaluate`: what a network gets right, on images and on their frequency components.

fn main() -> std::process::ExitCode {
    bins::run("evaluate")
}
