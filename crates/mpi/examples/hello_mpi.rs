//! `hello_ranks`, which `mpirun` may start, too: `mpirun -n 2 hello_mpi`.

#[path = "../../ranks/examples/hello_ranks.rs"]
mod hello_ranks;

fn main() -> std::process::ExitCode {
    mpi_ranks::enable();
    hello_ranks::main()
}
