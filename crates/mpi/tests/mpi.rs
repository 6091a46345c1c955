//! Ranks that `mpirun` starts. Needs Open MPI; without it this says so and fails, for who asks for the feature wants it tested.

use std::{
    path::PathBuf,
    process::{Command, Output},
    time::{Duration, Instant},
};

fn hello(ranks: usize, argument: &str) -> Output {
    let tests = std::env::current_exe().expect("this test is a file");
    let built = tests.ancestors().nth(2).expect("the folder of what is built");
    let program: PathBuf = built.join("examples/hello_mpi");
    Command::new("mpirun")
        // Tests may run as root in a container of their own.
        .envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")])
        .args(["--oversubscribe", "-n", &ranks.to_string()])
        .arg(program)
        .arg(argument)
        .output()
        .expect("mpirun starts: it is of the package openmpi-bin")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn all_ranks_say_hello_to_the_first() {
    for (ranks, argument, length) in [(1, "", "3"), (2, "", "3"), (3, "large", "5000000")] {
        let output = hello(ranks, argument);
        let (said, errors) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{said}{errors}");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), ranks, "{said}");
        for (rank, line) in lines.iter().enumerate() {
            assert!(line.starts_with(&format!("rank {rank} (")), "{said}");
            assert!(line.ends_with(&format!(": {length} numbers from {rank}")), "{said}");
        }
    }
}

/// In each case all processes end long before the time that a rank would wait for another.
#[test]
fn a_rank_that_does_not_answer_ends_all() {
    let cases = [
        ("panic", "rank 1 (", "has panicked; all ranks end"),
        ("hang", "error: rank 1 (", "has sent nothing for 3 s"),
        ("exit", "", ""),
    ];
    for (argument, place, problem) in cases {
        let started = Instant::now();
        let output = hello(2, argument);
        let errors = text(&output.stderr);
        assert!(!output.status.success(), "{argument}: {errors}");
        assert!(
            errors.lines().any(|line| line.contains(place) && line.contains(problem)),
            "{argument}: {errors}"
        );
        assert!(started.elapsed() < Duration::from_secs(20), "{argument}: {:?}", started.elapsed());
    }
}

#[test]
fn without_mpirun_a_program_is_alone() {
    let tests = std::env::current_exe().expect("this test is a file");
    let built = tests.ancestors().nth(2).expect("the folder of what is built");
    let output = Command::new(built.join("examples/hello_mpi")).output().expect("it starts");
    assert_eq!(text(&output.stdout), "rank 0: 3 numbers from 0\n");
}
