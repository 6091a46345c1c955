//! `freqbias`: all programs as subcommands of one.

fn main() -> std::process::ExitCode {
    bins::run_freqbias()
}
