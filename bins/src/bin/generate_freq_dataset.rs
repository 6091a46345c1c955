//! `generate_freq_dataset`: hybrids of two images' frequencies, and filtered copies.

fn main() -> std::process::ExitCode {
    bins::run("generate_freq_dataset")
}
