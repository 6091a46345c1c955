//! `compare`: what differs between networks, by what was measured of them.

fn main() -> std::process::ExitCode {
    bins::run("compare")
}
