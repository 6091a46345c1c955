//! Ranks that somebody started.

use std::time::Duration;

use crate::{Error, Ranks};

/// Variables by which those who start ranks say a process which one it is: Open MPI, PMIx (`srun --mpi=pmix`), and PMI (MPICH, Intel, `srun --mpi=pmi2`).
const RANK: [&str; 3] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"];

/// Which rank the environment says that this process is, whether or not this build can reach others. None if nobody has started ranks.
///
/// Variables of SLURM alone say nothing: a batch script has them, too, and everything that it runs.
pub fn announced() -> Option<usize> {
    RANK.iter().find_map(|name| std::env::var(name).ok()?.parse().ok())
}

/// The ranks that this process belongs to, waiting for each other as long as `patience`: those of MPI, if the program was built with it
/// and the environment says that this process is a rank; else the process alone. The first call decides.
///
/// # Errors
/// [`Error::Start`] if MPI does not start.
pub fn started(patience: Duration) -> Result<Ranks, Error> {
    #[cfg(feature = "mpi")]
    if announced().is_some() {
        return Ok(crate::mpi::ranks(patience)?.with_patience(patience));
    }
    Ok(Ranks::default().with_patience(patience))
}
