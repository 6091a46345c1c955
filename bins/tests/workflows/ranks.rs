//! Programs on several ranks that meet over TCP: the same files on any number of them; and ranks that die, hang or are stopped.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    launched::{Files, LONG, Outcome, RUN, TRAINING, check_same_files, files, launch, trained, with},
    support::{SMALL, easy_train, path, succeed, wait_until},
};

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
        check_same_files(name, &results, &[1, 2, 3, 4], |ranks| {
            let ended = launch(ranks, name, folder.path(), &flags)?.end()?;
            assert!(ended.is_well, "{name} on {ranks}: {ended:?}");
            Ok(ended.stdout)
        })?;
    }
    Ok(())
}

#[test]
fn any_number_of_ranks_trains_the_same_network() -> Outcome {
    let flags = &TRAINING;
    let alone = tempfile::tempdir()?;
    succeed(Command::new(path("easy_train")).current_dir(alone.path()).args(flags));
    let expected = trained(&alone.path().join(RUN))?;
    assert!(expected.len() >= 8, "{:?}", expected.keys());
    for (ranks, more) in
        [(2, &[][..]), (3, &["--precision", "bf16"]), (4, &[]), (2, &["--device", "cpu-plain"])]
    {
        let folder = tempfile::tempdir()?;
        let ended = launch(ranks, "easy_train", folder.path(), &with(flags, more))?.end()?;
        assert!(ended.is_well, "{ranks}: {ended:?}");
        assert_eq!(ended.stdout.matches("run folder: ").count(), 1, "{ended:?}");
        if more.is_empty() {
            assert!(trained(&folder.path().join(RUN))? == expected, "{ranks} ranks");
        }
    }
    // `grad` trains what is missing on all ranks, too.
    let (alone, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = &TRAINING[..10];
    succeed(Command::new(path("grad")).current_dir(alone.path()).args(flags));
    let ended = launch(2, "grad", folder.path(), flags)?.end()?;
    assert!(ended.is_well, "{ended:?}");
    let [expected, found] = [&alone, &folder].map(|folder| trained(&folder.path().join(RUN)));
    assert!(found? == expected?);
    Ok(())
}

/// A build without CUDA says that it runs on the CPU: in as many processes.
#[cfg(not(feature = "cuda"))]
#[test]
fn several_gpus_have_a_process_each() -> Outcome {
    let (alone, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let flags = with(&TRAINING, &["--epochs", "1"]);
    succeed(Command::new(path("easy_train")).current_dir(alone.path()).args(&flags));
    let mut command = Command::new(path("easy_train"));
    command.current_dir(folder.path()).args(with(&flags, &["--gpu", "3,1"]));
    let output = command.output()?;
    let said = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("note: this build has no CUDA; running on the CPU").count(), 1, "{said}");
    assert!(said.contains(" MB sent a step"), "{said}");
    let [expected, found] = [&alone, &folder].map(|folder| trained(&folder.path().join(RUN)));
    assert!(found? == expected?);
    let config = fs::read_to_string(folder.path().join(RUN).join("config.json"))?;
    assert!(config.contains("\"gpu\": \"3,1\""), "{config}");
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
        let ended = launch(ranks, "train_toy_models", folder.path(), &flags)?.end()?;
        assert!(ended.is_well, "{ranks} ranks: {ended:?}");
        let root = folder.path().join(&sets).join("SCR");
        let mut found = BTreeMap::new();
        for class in 0..10 {
            let class = format!("class{class}");
            found.insert(format!("{class}/Img"), files(&root.join(&class).join("Img"))?);
            found.insert(class.clone(), files(&root.join(&class))?);
        }
        assert_eq!(found["class9"].len(), 5, "kernels of two epochs and of the last, log, state");
        assert_eq!(found["class9/Img"].len(), 6, "pictures of two epochs");
        let said = ended.stdout.replace(&sets, "");
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
    let run = folder.path().join(RUN);
    let start = |ranks: usize, more: &[&str]| launch(ranks, "easy_train", folder.path(), &with(&flags, more));
    let ranks = start(2, &[])?;
    wait_until(|| run.join("0_checkpoint.safetensors").exists());
    ranks.signal(1, "-KILL")?;
    let ended = ranks.end()?;
    assert!(!ended.is_well && ended.stderr.contains("rank 1 ("), "{ended:?}");
    assert!(ended.stderr.contains("give the command again with --resume added to go on"), "{ended:?}");
    let ranks = start(3, &["--resume"])?;
    thread::sleep(Duration::from_millis(800));
    // As torchrun hands it on.
    for rank in [1, 2, 0] {
        ranks.signal(rank, "-TERM")?;
    }
    assert!(!ranks.end()?.is_well, "it was stopped");
    let ended = start(4, &["--resume"])?.end()?;
    assert!(ended.is_well, "{ended:?}");
    assert!(trained(&run)? == trained(&alone.path().join(RUN))?);
    Ok(())
}

#[test]
fn a_rank_that_dies_or_hangs_ends_all_and_the_command_goes_on() -> Outcome {
    let folder = tempfile::tempdir()?;
    succeed(&mut easy_train(folder.path(), &["--epochs", "1"]));
    let results = folder.path().join(RUN).join("measure/fourier-heat-map");
    let kept = results.join("fourier-heat-map.partial.json");
    let start = |ranks: usize, patience: &str| {
        launch(ranks, "measure", folder.path(), &with(&LONG, &["--rank-timeout", patience]))
    };
    // Whichever dies, the others say so, once.
    for (dead, name, patience, said) in [
        (1, "-KILL", "60", "error: rank 1 ("),
        (0, "-KILL", "60", "error: rank 0 ("),
        (1, "-STOP", "4", "error: rank 1 ("),
    ] {
        let ranks = start(3, patience)?;
        thread::sleep(Duration::from_secs(1));
        let started = Instant::now();
        ranks.signal(dead, name)?;
        if name == "-STOP" {
            thread::sleep(Duration::from_secs(8));
            ranks.signal(dead, "-CONT")?;
        }
        let ended = ranks.end()?;
        assert!(!ended.is_well, "{name} of {dead}");
        assert!(started.elapsed() < Duration::from_secs(30), "{name} of {dead}: {:?}", started.elapsed());
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{name} of {dead}: {ended:?}");
        assert!(ended.stderr.contains(said), "{name} of {dead}: {ended:?}");
        assert!(ended.stderr.contains("give the command again to go on"), "{name} of {dead}: {ended:?}");
        assert!(!results.join("fourier-heat-map.json").exists(), "{name} of {dead}: nothing half-written");
    }
    // Stopped on two ranks, finished on three, as if it had not been.
    let _ = fs::remove_dir_all(&results);
    let ranks = start(2, "60")?;
    wait_until(|| results.exists());
    thread::sleep(Duration::from_millis(500));
    ranks.signal(1, "-INT")?;
    ranks.signal(0, "-INT")?;
    let ended = ranks.end()?;
    assert!(!ended.is_well && kept.exists(), "what was measured is kept: {ended:?}");
    let ended = launch(3, "measure", folder.path(), &LONG)?.end()?;
    assert!(ended.is_well, "{ended:?}");
    let parts = files(&results)?;
    fs::remove_dir_all(&results)?;
    succeed(Command::new(path("measure")).current_dir(folder.path()).args(LONG));
    assert!(files(&results)? == parts);
    Ok(())
}

#[test]
fn what_cannot_be_shared_is_refused_and_errors_are_said_once() -> Outcome {
    let folder = tempfile::tempdir()?;
    let ended = launch(2, "generate_freq_dataset", folder.path(), &["--limit-train", "20"])?.end()?;
    assert!(!ended.is_well);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended:?}");
    assert!(ended.stderr.contains("2 ranks are started, and this program runs on one"), "{ended:?}");
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    let ended = launch(3, "measure", folder.path(), &with(&["sensitivity"], &SMALL))?.end()?;
    assert!(!ended.is_well);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended:?}");
    Ok(())
}

#[test]
fn a_reproduction_is_run_by_a_pool() -> Outcome {
    let tiny = ["--epochs", "2", "--fit-epochs", "1", "--limit-train", "120", "--limit-test", "60"];
    let (alone, pool) = (tempfile::tempdir()?, tempfile::tempdir()?);
    succeed(Command::new(path("reproduce")).current_dir(alone.path()).args(tiny));
    let ended = launch(3, "reproduce", pool.path(), &tiny)?.end()?;
    assert!(ended.is_well, "{ended:?}");
    let said = ended.stderr;
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
