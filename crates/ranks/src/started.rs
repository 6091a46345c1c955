//! Ranks that somebody started.

use std::{io, net::TcpListener, process::Child, sync::OnceLock, time::Duration};

use crate::{
    Error, Ranks,
    sockets::{self, Meeting, Waiting},
};

/// Variables by which MPI's launchers say a process which rank it is, and of how many: Open MPI, PMIx (`srun --mpi=pmix`), and PMI
/// (MPICH, Intel, `srun --mpi=pmi2`).
const MPI: [(&str, &str); 3] = [
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "SLURM_STEP_NUM_TASKS"),
    ("PMI_RANK", "PMI_SIZE"),
];

/// Those of torchrun and whatever starts PyTorch's distributed programs, and of a step of SLURM. Variables of a job of SLURM say nothing:
/// its batch script has them, too.
const OTHERS: [(&str, &str); 2] = [("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")];

/// Variables that number the ranks of a machine: torchrun's, Open MPI's, those of MPICH and Intel, SLURM's.
const LOCAL: [&str; 4] = ["LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"];

/// Ports beside torchrun's own that rank 0 tries.
const PORTS: u16 = 16;

/// Joins the ranks of MPI, which wait for each other so long at most.
type JoinMpi = fn(Duration) -> Result<Ranks, Error>;

/// Who does so.
static BY_MPI: OnceLock<JoinMpi> = OnceLock::new();

/// How ranks reach each other.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// Nobody started several, or nobody said where they meet.
    Alone,
    Mpi(usize),
    Sockets(Meeting),
    /// Of several, and what is said of it cannot be.
    Unusable(String),
}

/// Says how the ranks of MPI are joined, where a program can: the crate `freqbias-mpi` does. The first call counts, before anything else is
/// asked of ranks.
pub fn join_by_mpi(join: JoinMpi) {
    // A second call says the same.
    let _ = BY_MPI.set(join);
}

/// Which rank this process is, if it is one of several that [`started`] joins.
pub fn announced() -> Option<usize> {
    match way() {
        Way::Alone | Way::Unusable(_) => None,
        Way::Mpi(rank) => Some(rank),
        Way::Sockets(meeting) => Some(meeting.rank),
    }
}

/// The ranks that this process belongs to, waiting for each other as long as `patience`; else the process alone. The first call decides.
/// `waiting` hears, once and after some seconds, for whom a process waits that others do not find over TCP.
///
/// - Those of MPI, where [`join_by_mpi`] was called, if the environment says that `mpirun` or `srun --mpi` has started this process.
/// - Those that meet over TCP at `MASTER_ADDR` and `MASTER_PORT`, if `RANK` and `WORLD_SIZE` say which one of how many this is (as torchrun,
///   and whatever starts PyTorch's distributed programs), or `SLURM_PROCID` and `SLURM_STEP_NUM_TASKS`. torchrun may need its port for
///   itself: then rank 0 takes one of the next sixteen. Connections are neither encrypted nor proven to come from who they say.
///
/// # Errors
/// [`Error::Start`] if MPI does not start, the variables cannot be used, or ranks do not find each other.
pub fn started(patience: Duration, waiting: &Waiting<'_>) -> Result<Ranks, Error> {
    match way() {
        Way::Sockets(meeting) => Ok(sockets::ranks(&meeting, patience, waiting)?.with_patience(patience)),
        Way::Unusable(problem) => Err(Error::Start { problem }),
        Way::Mpi(_) => {
            let ranks = BY_MPI.get().map_or_else(|| Ok(Ranks::default()), |join| join(patience))?;
            Ok(ranks.with_patience(patience))
        }
        Way::Alone => Ok(Ranks::default().with_patience(patience)),
    }
}

/// Processes that somebody has started together with this one, and that [`started`] cannot join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreached {
    /// Which one this is, from 0 on.
    pub rank: usize,
    /// How many there are, with this one.
    pub size: usize,
}

/// Those that `mpirun` has started and this one cannot join, or `srun` without `MASTER_ADDR`. None if there is no other.
pub fn unreached() -> Option<Unreached> {
    let variable = |name: &str| std::env::var(name).ok();
    (way() == Way::Alone).then(|| unreached_in(variable)).flatten()
}

/// Starts the other ranks of so many on this machine, and joins them as rank 0. `start` begins a process that is to be a rank, with these
/// variables in its environment, by which its [`started`] finds the others. If they do not come together, those that began are ended.
///
/// # Errors
/// [`Error::Start`] if a process cannot be begun, or the ranks do not find each other.
pub fn start(
    size: usize,
    patience: Duration,
    mut start: impl FnMut([(&'static str, String); 7]) -> io::Result<Child>,
) -> Result<Ranks, Error> {
    let problem = |error: io::Error| Error::Start { problem: format!("ranks cannot be started: {error}") };
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(problem)?.port();
    let host = "localhost".to_owned();
    let named = format!("process {}", std::process::id());
    let mut begun = Begun(Vec::new());
    for rank in 1..size {
        let [rank, size, port] = [rank, size, port.into()].map(|number| number.to_string());
        let child = start([
            ("RANK", rank.clone()),
            ("LOCAL_RANK", rank),
            ("WORLD_SIZE", size.clone()),
            ("LOCAL_WORLD_SIZE", size),
            ("MASTER_ADDR", host.clone()),
            ("MASTER_PORT", port),
            ("TORCHELASTIC_RUN_ID", named.clone()),
        ]);
        begun.0.push(child.map_err(problem)?);
    }
    let own = |name: &str| match name {
        "TORCHELASTIC_RUN_ID" => Some(named.clone()),
        "MASTER_PORT" => Some(port.to_string()),
        // Those who are started have them, too.
        other => std::env::var(other).ok(),
    };
    let meeting = Meeting { rank: 0, size, host, ports: vec![port], run: run(own) };
    let ranks = sockets::ranks(&meeting, patience, &|_| ())?.with_patience(patience);
    // From here on they end with this one.
    begun.0.clear();
    Ok(ranks)
}

/// Processes that would wait for ranks that do not come.
struct Begun(Vec<Child>);

impl Drop for Begun {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended cannot be ended, and need not be.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Which of the ranks on its machine this process is, from 0 on, if it is a rank and whoever started it says so: the number of its GPU.
pub fn local() -> Option<usize> {
    let number = |name: &str| std::env::var(name).ok()?.trim().parse().ok();
    announced()?;
    LOCAL.iter().find_map(|name| number(name))
}

/// How many ranks of this machine share its cores, if whoever started them says so and leaves them all cores (`LOCAL_WORLD_SIZE`).
pub fn beside() -> Option<usize> {
    let said = std::env::var("LOCAL_WORLD_SIZE").ok()?.trim().parse().ok()?;
    matches!(way(), Way::Sockets(_)).then_some(said).filter(|&said| said > 0)
}

fn way() -> Way {
    way_in(BY_MPI.get().is_some(), |name| std::env::var(name).ok())
}

fn way_in(has_mpi: bool, variable: impl Fn(&str) -> Option<String>) -> Way {
    let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
    let of_mpi = MPI.iter().find_map(|(rank, _)| number(rank));
    if let (true, Some(rank)) = (has_mpi, of_mpi) {
        return Way::Mpi(rank);
    }
    let mut pairs = OTHERS.iter().chain(&MPI);
    let Some((rank, size)) = pairs.find_map(|(rank, size)| number(rank).zip(number(size))) else {
        return Way::Alone;
    };
    let (host, port) = (variable("MASTER_ADDR"), variable("MASTER_PORT"));
    if size < 2 || (host.is_none() && port.is_none()) {
        return Way::Alone;
    }
    if rank >= size {
        return Way::Unusable(format!(
            "rank {rank} of {size} is started; expected ranks from 0 to {}",
            size - 1
        ));
    }
    let (Some(host), Some(port)) = (host.filter(|host| !host.is_empty()), &port) else {
        let problem = "MASTER_ADDR and MASTER_PORT say where ranks meet, and one of them is not set; expected both, or none";
        return Way::Unusable(problem.to_owned());
    };
    let Some(number) = port.trim().parse::<u16>().ok().filter(|&number| number > 0) else {
        return Way::Unusable(format!("MASTER_PORT: found `{port}`, expected a port from 1 to 65535"));
    };
    let ports = if variable("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|used| used == "True") {
        // Of the last port the neighbours are below it.
        let beside = |beside: u16| number.checked_add(beside).unwrap_or(number - beside);
        (1..=PORTS).map(beside).collect()
    } else {
        vec![number]
    };
    Way::Sockets(Meeting { rank, size, host, ports, run: run(variable) })
}

/// What tells processes that were started together from others.
fn run(variable: impl Fn(&str) -> Option<String>) -> String {
    let names =
        ["TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "SLURM_JOB_ID", "SLURM_STEP_ID", "MASTER_PORT"];
    names.map(|name| variable(name).unwrap_or_default()).join("/")
}

fn unreached_in(variable: impl Fn(&str) -> Option<String>) -> Option<Unreached> {
    let number = |name: &str| variable(name)?.trim().parse::<usize>().ok();
    let mut pairs = MPI.iter().chain(&OTHERS[1..]);
    let (rank, size) = pairs.find_map(|(rank, size)| number(rank).zip(number(size)))?;
    (size > 1).then_some(Unreached { rank, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(has_mpi: bool, variables: &[(&str, &str)]) -> (Way, Option<Unreached>) {
        let find = |name: &str| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        (way_in(has_mpi, find), unreached_in(find))
    }

    fn meeting(rank: usize, size: usize, ports: Vec<u16>, run: &str) -> Way {
        Way::Sockets(Meeting { rank, size, host: "node1".to_owned(), ports, run: run.to_owned() })
    }

    #[test]
    fn processes_of_torchrun_meet_beside_its_own_port() {
        let torchrun = [
            ("RANK", "3"),
            ("WORLD_SIZE", "4"),
            ("MASTER_ADDR", "node1"),
            ("MASTER_PORT", "65533"),
            ("TORCHELASTIC_RUN_ID", "none"),
            ("TORCHELASTIC_RESTART_COUNT", "2"),
            ("TORCHELASTIC_USE_AGENT_STORE", "True"),
        ];
        let beside = [65534, 65535].into_iter().chain((65517..=65530).rev()).collect();
        assert_eq!(of(true, &torchrun).0, meeting(3, 4, beside, "none/2///65533"));
        // Any other launcher leaves the port to rank 0.
        assert_eq!(of(false, &torchrun[..4]).0, meeting(3, 4, vec![65533], "////65533"));
        // A program's own variables of that name.
        assert_eq!(of(false, &torchrun[..2]), (Way::Alone, None));
        assert_eq!(of(false, &[("RANK", "0"), ("WORLD_SIZE", "1"), torchrun[2], torchrun[3]]).0, Way::Alone);
    }

    /// Else each process would do all of the work, and write the same files.
    #[test]
    fn what_cannot_be_is_told() {
        let [rank, size, host] = [("RANK", "3"), ("WORLD_SIZE", "4"), ("MASTER_ADDR", "node1")];
        for (variables, words) in [
            (&[("RANK", "4"), size, host, ("MASTER_PORT", "1")][..], "rank 4 of 4"),
            (&[rank, size, host, ("MASTER_PORT", "-1")], "found `-1`"),
            (&[rank, size, host, ("MASTER_PORT", "0")], "found `0`"),
            (&[rank, size, host], "one of them is not set"),
            (&[rank, size, ("MASTER_PORT", "29500")], "one of them is not set"),
            (&[("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1"), host], "one of them is not set"),
        ] {
            let Way::Unusable(problem) = of(false, variables).0 else { panic!("{variables:?}") };
            assert!(problem.contains(words), "{problem}");
        }
    }

    #[test]
    fn processes_of_srun_meet_where_they_are_told() {
        let srun = [("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_PROCID", "1"), ("SLURM_JOB_ID", "17")];
        let told = [srun[0], srun[1], srun[2], ("MASTER_ADDR", "node1"), ("MASTER_PORT", "29500")];
        assert_eq!(of(false, &srun), (Way::Alone, Some(Unreached { rank: 1, size: 2 })));
        assert_eq!(of(false, &told).0, meeting(1, 2, vec![29500], "//17//29500"));
        assert_eq!(of(false, &[("SLURM_STEP_NUM_TASKS", "1"), srun[1]]), (Way::Alone, None));
        // What a batch script has.
        assert_eq!(of(false, &[("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0")]), (Way::Alone, None));
    }

    #[test]
    fn mpi_comes_first_where_it_is_built_in() {
        let mpirun = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2"), ("PMIX_RANK", "1")];
        let told = [mpirun[0], mpirun[1], ("MASTER_ADDR", "node1"), ("MASTER_PORT", "29500")];
        assert_eq!(of(true, &told).0, Way::Mpi(1));
        assert_eq!(of(false, &told).0, meeting(1, 2, vec![29500], "////29500"));
        assert_eq!(of(false, &mpirun), (Way::Alone, Some(Unreached { rank: 1, size: 2 })));
        let pmix = [("PMIX_RANK", "0"), ("SLURM_STEP_NUM_TASKS", "3")];
        assert_eq!(of(false, &pmix), (Way::Alone, Some(Unreached { rank: 0, size: 3 })));
    }
}
