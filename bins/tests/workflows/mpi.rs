//! Programs that `mpirun` starts: what differs from ranks that meet over TCP is how they reach each other, and what becomes of them when one
//! ends.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    launched::{LONG, Outcome, RUN, TRAINING, check_same_files, files, signal, trained, with},
    support::{SMALL, easy_train, path, succeed, wait_until},
};

/// A program on so many ranks.
fn mpirun(ranks: usize, name: &str, folder: &Path, flags: &[&str]) -> Command {
    let mut command = on_ranks(ranks);
    command.current_dir(folder).arg(path(name)).args(flags);
    command
}

/// So many ranks, of what the arguments say.
fn on_ranks(ranks: usize) -> Command {
    let mut command = Command::new("mpirun");
    let root = [("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")];
    command.envs(root).args(["--oversubscribe", "-n", &ranks.to_string()]);
    command
}

fn texts(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn any_number_of_ranks_leaves_the_same_files_and_speaks_once() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "2"]));
    let results = folder.path().join(RUN).join("grad");
    let flags = with(&SMALL, &["--batch-size", "5"]);
    check_same_files("grad", &results, &[1, 2, 4], |ranks| {
        let output = mpirun(ranks, "grad", folder.path(), &flags).output()?;
        assert!(output.status.success(), "{ranks}: {}", texts(&output));
        Ok(String::from_utf8(output.stdout)?)
    })?;
    Ok(())
}

#[test]
fn a_training_rank_that_is_killed_or_stopped_costs_nothing() -> Outcome {
    let flags = with(&TRAINING, &["--epochs", "5", "--quiet"]);
    let alone = tempfile::tempdir()?;
    succeed(Command::new(path("easy_train")).current_dir(alone.path()).args(&flags));
    let folder = tempfile::tempdir()?;
    let folder = folder.path().canonicalize()?;
    let run = folder.join(RUN);
    let start = |ranks: usize, more: &[&str]| {
        let mut command = mpirun(ranks, "easy_train", &folder, &with(&flags, more));
        command.env("OMPI_MCA_odls_base_sigkill_timeout", "4").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn()
    };
    let child = start(2, &[])?;
    wait_until(|| run.join("0_checkpoint.safetensors").exists());
    signal(&rank_1(&folder, "mpi")?, "-KILL")?;
    assert!(!child.wait_with_output()?.status.success());
    let child = start(3, &["--resume"])?;
    rank_1(&folder, "mpi")?;
    thread::sleep(Duration::from_millis(300));
    signal(&child.id().to_string(), "-TERM")?;
    let output = child.wait_with_output()?;
    assert!(!output.status.success(), "it was stopped");
    let output = start(4, &["--resume"])?.wait_with_output()?;
    assert!(output.status.success(), "{}", texts(&output));
    assert!(trained(&run)? == trained(&alone.path().join(RUN))?);
    Ok(())
}

/// A measurement that takes long, on two ranks, and the process of rank 1.
fn long_measurement(folder: &Path, flags: &[&str]) -> Outcome<(Child, String)> {
    let mut command = mpirun(2, "measure", folder, &with(&LONG, flags));
    // Seconds between asking and killing: a batch takes longer than the usual one where a machine is crowded.
    command.env("OMPI_MCA_odls_base_sigkill_timeout", "4");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    match rank_1(folder, "loader 0") {
        Ok(process) => Ok((child, process)),
        Err(error) => Err(format!("{error}: {}", texts(&child.wait_with_output()?)).into()),
    }
}

/// The process of rank 1 of what runs in a folder, once it has a thread of this name.
fn rank_1(folder: &Path, thread: &str) -> Outcome<String> {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        for entry in fs::read_dir("/proc")?.flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let is = |text: &str| environment.split(|byte| *byte == 0).any(|own| own == text.as_bytes());
            let is_here = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder);
            if is_here && is("OMPI_COMM_WORLD_RANK=1") && has_thread(&entry.path(), thread) {
                return Ok(entry.file_name().to_string_lossy().into_owned());
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err("there is no rank 1".into())
}

/// Whether a process has a thread of this name: one that reads batches is there once a rank is at work.
fn has_thread(process: &Path, name: &str) -> bool {
    let threads = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let mut names = threads.map(|thread| fs::read_to_string(thread.path().join("comm")).unwrap_or_default());
    names.any(|found| found.trim() == name)
}

#[test]
fn a_rank_that_dies_or_hangs_ends_all_and_the_command_goes_on() -> Outcome {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().canonicalize()?;
    succeed(&mut easy_train(&folder, &["--epochs", "1"]));
    let results = folder.join(RUN).join("measure/fourier-heat-map");
    for (name, patience, said) in [
        // mpirun sees it, and says so itself.
        ("-KILL", "60", "rank 1"),
        ("-STOP", "4", "error: rank 1 ("),
    ] {
        let (child, process) = long_measurement(&folder, &["--rank-timeout", patience])?;
        let started = Instant::now();
        signal(&process, name)?;
        let output = child.wait_with_output()?;
        assert!(!output.status.success(), "{name}");
        assert!(started.elapsed() < Duration::from_secs(30), "{name}: {:?}", started.elapsed());
        assert!(texts(&output).contains(said), "{name}: {}", texts(&output));
        assert!(!results.join("fourier-heat-map.json").exists(), "{name}: nothing half-written");
        if name == "-STOP" {
            assert!(texts(&output).contains("a longer --rank-timeout"), "{}", texts(&output));
        }
    }
    // Stopped on two ranks, finished on three, as if it had not been.
    let (child, _) = long_measurement(&folder, &[])?;
    signal(&child.id().to_string(), "-TERM")?;
    assert!(!child.wait_with_output()?.status.success());
    let kept = results.join("fourier-heat-map.partial.json");
    assert!(kept.exists(), "what was measured is kept while mpirun waits");
    let output = mpirun(3, "measure", &folder, &LONG).output()?;
    assert!(output.status.success(), "{}", texts(&output));
    let parts = files(&results)?;
    fs::remove_dir_all(&results)?;
    succeed(Command::new(path("measure")).current_dir(&folder).args(LONG));
    assert!(files(&results)? == parts);
    Ok(())
}

#[test]
fn what_cannot_be_shared_is_refused_and_errors_are_said_once() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lines = |output: &Output| -> Vec<String> {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect()
    };
    let output = mpirun(2, "generate_freq_dataset", folder.path(), &["--limit-train", "20"]).output()?;
    assert!(!output.status.success());
    assert_eq!(lines(&output).len(), 1, "{}", texts(&output));
    assert!(
        lines(&output)[0].contains("2 ranks are started, and this program runs on one"),
        "{:?}",
        lines(&output)
    );
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    for (name, flags) in
        [("measure", with(&["sensitivity"], &SMALL)), ("evaluate", with(&["--nonsense"], &SMALL))]
    {
        let output = mpirun(3, name, folder.path(), &flags).output()?;
        assert!(!output.status.success());
        assert_eq!(lines(&output).len(), 1, "{name}: {}", texts(&output));
    }
    // Rank 0 is slow to speak: the others leave it the word.
    let slow = "[ $OMPI_COMM_WORLD_RANK = 0 ] && sleep 1; exec \"$0\" --nonsense";
    let output = on_ranks(3).args(["sh", "-c", slow, path("evaluate")]).output()?;
    assert!(!output.status.success());
    assert_eq!(lines(&output).len(), 1, "{}", texts(&output));
    Ok(())
}
