//! `generate_toy_dataset`: writes the images that the fitted kernels make of a data set.

fn main() -> std::process::ExitCode {
    bins::run("generate_toy_dataset")
}
