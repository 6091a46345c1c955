//! `generate_freq_dataset`: hybrids of two images' frequencies, and filtered copies.

fn main() -> std::process::ExitCode {
    bins::launch(bins::commands::generate_freq_dataset::run)
}
