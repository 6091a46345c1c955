//! `measure`: what the field measures of networks beside the gradient spectrum.

fn main() -> std::process::ExitCode {
    bins::run("measure")
}
