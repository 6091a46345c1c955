//! `grad`: the gradient spectrum of every epoch of a run, as numbers and as a heat map.

fn main() -> std::process::ExitCode {
    bins::run("grad")
}
