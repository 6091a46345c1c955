//! `inspect`: what is in a checkpoint; converts checkpoints.

fn main() -> std::process::ExitCode {
    bins::run("inspect")
}
