//! What tests of several ranks share: how they are started without MPI, what they say, and what they leave.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::support::program;

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Where the small network's run is.
pub(crate) const RUN: &str = "runs/synthetic/resnet20_baseline";

/// Five blocks of sixteen images a batch, and one batch of two.
pub(crate) const TRAINING: [&str; 14] = [
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

/// Eight batches of many steps each.
pub(crate) const LONG: [&str; 11] = [
    "fourier-heat-map",
    "--window",
    "6",
    "--arch",
    "resnet20",
    "--limit-train",
    "96",
    "--limit-test",
    "80",
    "--batch-size",
    "10",
];

/// A program on ranks that meet over TCP: as torchrun starts them, but that none is ended with another.
pub(crate) struct Launched(Vec<Child>);

/// What all ranks said, and whether all succeeded.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) is_well: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Starts a program on so many ranks.
pub(crate) fn launch(ranks: usize, name: &str, folder: &Path, flags: &[&str]) -> Outcome<Launched> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let size = ranks.to_string();
    let start = |rank: usize| {
        let mut command: Command = program(name, folder);
        command.args(flags).env("RANK", rank.to_string()).env("WORLD_SIZE", &size);
        command.env("LOCAL_WORLD_SIZE", &size).env("MASTER_ADDR", "localhost").env("MASTER_PORT", &port);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    Ok(Launched((0..ranks).map(start).collect::<Result<_, _>>()?))
}

impl Launched {
    /// Waits for all.
    pub(crate) fn end(self) -> Outcome<Ended> {
        let mut ended = Ended { is_well: true, stdout: String::new(), stderr: String::new() };
        for child in self.0 {
            let output = child.wait_with_output()?;
            ended.is_well &= output.status.success();
            ended.stdout += &String::from_utf8(output.stdout)?;
            ended.stderr += &String::from_utf8(output.stderr)?;
        }
        Ok(ended)
    }

    /// Sends a signal to a rank.
    pub(crate) fn signal(&self, rank: usize, name: &str) -> Outcome {
        signal(&self.0[rank].id().to_string(), name)
    }
}

/// Checks that any number of ranks leaves the same files in a folder, and prints the same: `run` starts so many, and gives what they
/// said on stdout.
pub(crate) fn check_same_files(
    name: &str,
    results: &Path,
    sizes: &[usize],
    run: impl Fn(usize) -> Outcome<String>,
) -> Outcome {
    let mut alone: Option<(Files, String)> = None;
    for &ranks in sizes {
        if results.exists() {
            fs::remove_dir_all(results)?;
        }
        let stdout = run(ranks)?;
        let found = files(results)?;
        match &alone {
            None => alone = Some((found, stdout)),
            Some((expected, said)) => {
                assert_eq!(&stdout, said, "{name} on {ranks}: rank 0 alone prints");
                assert!(&found == expected, "{name} on {ranks}: {:?}", found.keys());
            }
        }
    }
    assert!(alone.is_some_and(|(files, said)| files.len() > 2 && !said.is_empty()), "{name}");
    Ok(())
}

/// Sends a signal to a process.
pub(crate) fn signal(process: &str, name: &str) -> Outcome {
    assert!(Command::new("kill").args([name, process]).status()?.success());
    Ok(())
}

/// All of these flags.
pub(crate) fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    first.iter().chain(more).copied().collect()
}

/// The files of a folder without those in folders of it: events have times.
pub(crate) fn files(folder: &Path) -> Outcome<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().is_file() {
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// Of a run: checkpoints and the live spectrum, without what has times.
pub(crate) fn trained(run: &Path) -> Outcome<Files> {
    let mut found = files(run)?;
    found.retain(|name, _| name.contains("checkpoint") && !name.contains("state"));
    for results in ["spectrum", "grad"].map(|name| run.join(name)).iter().filter(|folder| folder.exists()) {
        found.extend(files(results)?);
    }
    Ok(found)
}
