//! Programs that `mpirun` starts: the same files on any number of ranks; and ranks that die, hang or are stopped.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{SMALL, easy_train, path, succeed, wait_until};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
type Files = BTreeMap<String, Vec<u8>>;

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

fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    first.iter().chain(more).copied().collect()
}

/// The files of a folder without those in folders of it: events have times.
fn files(folder: &Path) -> Outcome<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().is_file() {
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
        }
    }
    Ok(files)
}

fn texts(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const RUN: &str = "runs/synthetic/resnet20_baseline";

#[test]
fn any_number_of_ranks_leaves_the_same_files_and_speaks_once() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "2"]));
    let cases: [(&str, &[&str], &str); 4] = [
        ("grad", &[], "grad"),
        ("evaluate", &["--freq", "low", "--r", "4,8", "--features"], "evaluate"),
        ("measure", &["sensitivity"], "measure/sensitivity"),
        ("measure", &["critical-bands"], "measure/critical-bands"),
    ];
    for (name, first, results) in cases {
        let results = folder.path().join(RUN).join(results);
        let small = with(&SMALL, &["--batch-size", "5"]);
        let flags = if name == "measure" { with(first, &small) } else { with(&small, first) };
        let mut alone: Option<(Files, String)> = None;
        for ranks in [1, 2, 3, 4] {
            if results.exists() {
                fs::remove_dir_all(&results)?;
            }
            let output = mpirun(ranks, name, folder.path(), &flags).output()?;
            assert!(output.status.success(), "{name} on {ranks}: {}", texts(&output));
            let (found, stdout) = (files(&results)?, String::from_utf8(output.stdout)?);
            match &alone {
                None => alone = Some((found, stdout)),
                Some((expected, said)) => {
                    assert_eq!(&stdout, said, "{name} on {ranks}: rank 0 alone prints");
                    assert!(&found == expected, "{name} on {ranks}: {:?}", found.keys());
                }
            }
        }
        assert!(alone.is_some_and(|(files, said)| files.len() > 2 && !said.is_empty()));
    }
    Ok(())
}

/// Of a run: checkpoints and the live spectrum, without what has times.
fn trained(run: &Path) -> Outcome<Files> {
    let mut found = files(run)?;
    found.retain(|name, _| name.contains("checkpoint") && !name.contains("state"));
    for results in ["spectrum", "grad"].map(|name| run.join(name)).iter().filter(|folder| folder.exists()) {
        found.extend(files(results)?);
    }
    Ok(found)
}

/// Five blocks of sixteen images a batch, and one batch of two.
const TRAINING: [&str; 14] = [
    "--arch",
    "resnet20",
    "--epochs",
    "2",
    "--limit-train",
    "104",
    "--limit-test",
    "32",
    "--batch-size",
    "72",
    "--spectrum-every",
    "1",
    "--save-every",
    "0.00001",
];

#[test]
fn any_number_of_ranks_trains_the_same_network() -> Outcome {
    let flags = &TRAINING;
    let alone = tempfile::tempdir()?;
    succeed(Command::new(path("easy_train")).current_dir(alone.path()).args(flags));
    let expected = trained(&alone.path().join(RUN))?;
    assert!(expected.len() >= 8, "{:?}", expected.keys());
    for (ranks, more) in [(2, &[][..]), (3, &["--precision", "bf16"]), (4, &[])] {
        let folder = tempfile::tempdir()?;
        let output = mpirun(ranks, "easy_train", folder.path(), &with(flags, more)).output()?;
        assert!(output.status.success(), "{ranks}: {}", texts(&output));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said.matches("run folder: ").count(), 1, "{said}");
        if more.is_empty() {
            assert!(trained(&folder.path().join(RUN))? == expected, "{ranks} ranks");
        }
    }
    // `grad` trains what is missing on all ranks, too.
    let (alone, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = &TRAINING[..10];
    succeed(Command::new(path("grad")).current_dir(alone.path()).args(flags));
    let output = mpirun(2, "grad", folder.path(), flags).output()?;
    assert!(output.status.success(), "{}", texts(&output));
    let [expected, found] = [&alone, &folder].map(|folder| trained(&folder.path().join(RUN)));
    assert!(found? == expected?);
    Ok(())
}

#[test]
fn any_number_of_ranks_fits_the_same_kernels() -> Outcome {
    let folder = tempfile::tempdir()?;
    let small =
        ["--limit-train", "60", "--limit-test", "20", "--epochs", "2", "--number", "2", "--kernel-size", "3"];
    let mut alone: Option<(BTreeMap<String, Files>, String)> = None;
    for ranks in [1, 2, 4] {
        let sets = format!("{ranks} ranks");
        let flags = with(&small, &["--out-dir", &sets]);
        let output = mpirun(ranks, "train_toy_models", folder.path(), &flags).output()?;
        assert!(output.status.success(), "{ranks} ranks: {}", texts(&output));
        let root = folder.path().join(&sets).join("SCR");
        let mut found = BTreeMap::new();
        for class in 0..10 {
            let class = format!("class{class}");
            found.insert(format!("{class}/Img"), files(&root.join(&class).join("Img"))?);
            found.insert(class.clone(), files(&root.join(&class))?);
        }
        assert_eq!(found["class9"].len(), 5, "kernels of two epochs and of the last, log, state");
        assert_eq!(found["class9/Img"].len(), 6, "pictures of two epochs");
        let said = String::from_utf8(output.stdout)?.replace(&sets, "");
        match &alone {
            None => alone = Some((found, said)),
            Some((expected, words)) => {
                assert_eq!(&said, words, "{ranks} ranks: rank 0 alone prints");
                assert!(&found == expected, "{ranks} ranks");
            }
        }
    }
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

/// Twenty batches, 222 steps each.
const LONG: [&str; 11] = [
    "fourier-heat-map",
    "--window",
    "10",
    "--arch",
    "resnet20",
    "--limit-train",
    "96",
    "--limit-test",
    "200",
    "--batch-size",
    "10",
];

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

fn signal(process: &str, name: &str) -> Outcome {
    assert!(Command::new("kill").args([name, process]).status()?.success());
    Ok(())
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

#[test]
fn a_reproduction_is_run_by_a_pool() -> Outcome {
    let tiny = ["--epochs", "2", "--fit-epochs", "1", "--limit-train", "120", "--limit-test", "60"];
    let (alone, pool) = (tempfile::tempdir()?, tempfile::tempdir()?);
    succeed(Command::new(path("reproduce")).current_dir(alone.path()).args(tiny));
    let output = mpirun(3, "reproduce", pool.path(), &tiny).output()?;
    assert!(output.status.success(), "{}", texts(&output));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(", on rank 1 (") && said.contains(", on rank 2 ("), "{said}");
    let root = |folder: &Path| folder.join("runs/reproduction_synthetic_smoke");
    let [expected, found] = [root(alone.path()), root(pool.path())].map(|root| files(&root.join("figures")));
    assert!(found? == expected?);
    for name in ["claims.csv", "accuracy.csv"] {
        let [expected, found] = [root(alone.path()), root(pool.path())].map(|root| fs::read(root.join(name)));
        assert_eq!(found?, expected?, "{name}");
    }
    Ok(())
}
