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

/// Processes that somebody started beside this one, by means that ranks cannot reach each other with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreached {
    /// The program that started them: `torchrun` or `srun`.
    pub launcher: &'static str,
    /// How many there are, this one among them.
    pub size: usize,
    /// Which one this is, from 0 on.
    pub rank: usize,
}

/// What torchrun (`TORCHELASTIC_RUN_ID`, `WORLD_SIZE`, `RANK`) or srun (`SLURM_STEP_NUM_TASKS`, `SLURM_PROCID`) says of processes that no MPI joins.
/// None if there is one process, or MPI or PMI has announced ranks.
pub fn unreached() -> Option<Unreached> {
    unreached_in(|name| std::env::var(name).ok())
}

fn unreached_in(variable: impl Fn(&str) -> Option<String>) -> Option<Unreached> {
    if RANK.iter().any(|name| variable(name).is_some()) {
        return None;
    }
    let number = |name: &str| variable(name)?.parse::<usize>().ok();
    let by_torchrun = variable("TORCHELASTIC_RUN_ID").is_some();
    let (launcher, size, rank) = if by_torchrun {
        ("torchrun", "WORLD_SIZE", "RANK")
    } else {
        ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID")
    };
    let (size, rank) = (number(size)?, number(rank).unwrap_or(0));
    (size > 1).then_some(Unreached { launcher, size, rank })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_no_mpi_joins_are_seen() {
        let of = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(other, _)| *other == name);
            unreached_in(|name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        let torchrun = [("TORCHELASTIC_RUN_ID", "none"), ("WORLD_SIZE", "4"), ("RANK", "3")];
        assert_eq!(of(&torchrun), Some(Unreached { launcher: "torchrun", size: 4, rank: 3 }));
        // A program's own variables of that name are not torchrun's.
        assert_eq!(of(&torchrun[1..]), None);
        let srun = [("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1")];
        assert_eq!(of(&srun), Some(Unreached { launcher: "srun", size: 2, rank: 1 }));
        assert_eq!(of(&[srun[0], srun[1], ("PMIX_RANK", "1")]), None);
        assert_eq!(of(&[("SLURM_STEP_NUM_TASKS", "1")]), None);
        // What a batch script has.
        assert_eq!(of(&[("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0")]), None);
    }
}
