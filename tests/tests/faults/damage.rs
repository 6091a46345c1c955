//! Files of ours that are cut short or changed: whatever reads them goes on or says why not in one line, and never panics.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    time::Instant,
};

use crate::{
    campaign::Draws,
    every::say,
    results,
    trial::{arguments, folder, run_in},
};

/// What leaves the files that are damaged: a run with all that is measured of it, a fit, and images made with it.
const BEFORE: &[&str] = &[
    "easy_train --arch resnet20 --epochs 1 --spectrum-every 1",
    "grad --arch resnet20",
    "evaluate --arch resnet20",
    "measure sensitivity --arch resnet20",
    "measure phase-amplitude --arch resnet20",
    "train_toy_models --exp_name WCR --number 2 --kernel_size 3 --epochs 1",
    "generate_toy_dataset --exp_name WCR",
];

/// What reads them.
const READERS: &[&str] = &[
    "easy_train --arch resnet20 --epochs 2 --spectrum-every 1 --resume",
    "grad --arch resnet20",
    "evaluate --arch resnet20",
    "measure sensitivity --arch resnet20",
    "compare runs/synthetic/resnet20_baseline runs/synthetic/resnet20_baseline",
    "inspect runs/synthetic/resnet20_baseline/0_checkpoint.safetensors",
    "train_toy_models --exp_name WCR --number 2 --kernel_size 3 --epochs 2 --resume",
    "generate_toy_dataset --exp_name WCR --overwrite",
];

/// One change of a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// So many bytes are left.
    Cut(usize),
    /// A bit is another.
    Bit(usize),
    /// A stretch is zeros.
    Zeros(usize),
    /// All of it is something else.
    Other(&'static str),
}

/// What files are that somebody else wrote over.
const OTHERS: [&str; 5] =
    ["{}", "[]", "null\n", "{\"rows\": [{\"epoch\": -1e999}], \"measure\": 3}", "\u{0}\u{1}"];

/// Damages so many files by a seed, each in one way, and gives the commands that may read them.
pub(crate) fn run(seed: u64, count: u64) -> ExitCode {
    let started = Instant::now();
    match try_run(seed, count) {
        Ok(failed) => {
            say(&format!(
                "damage: {failed} of {count} went wrong (seed {seed}), {:.0} s",
                started.elapsed().as_secs_f64()
            ));
            if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            say(&format!("damage: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn try_run(seed: u64, count: u64) -> io::Result<usize> {
    let root = folder()?;
    let (base, work) = (root.path().join("base"), root.path().join("work"));
    fs::create_dir_all(&base)?;
    for command in BEFORE {
        assert!(run_in(&base, command, "")?, "{command}");
    }
    std::env::set_current_dir(root.path())?;
    let files: Vec<PathBuf> = results::read(&base)?.into_keys().collect();
    let (mut draws, mut failed) = (Draws::new(seed), 0);
    for trial in 0..count {
        let path = &files[draws.below(files.len())];
        let damage = draw(&mut draws, fs::metadata(base.join(path))?.len() as usize);
        let reader = READERS[draws.below(READERS.len())];
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        results::copy(&base, &work)?;
        damage.to(&work.join(path))?;
        if let Some(problem) = problem(&start(&work, reader)?) {
            failed += 1;
            say(&format!("trial {trial}: {damage:?} of {}, {reader}: {problem}", path.display()));
        }
    }
    Ok(failed)
}

fn draw(draws: &mut Draws, length: usize) -> Damage {
    // Headers are at the start, and where a writer stopped at the end.
    let at = match draws.below(4) {
        0 => draws.below(length.min(64)),
        1 => length - 1 - draws.below(length.min(64)).min(length - 1),
        _ => draws.below(length),
    };
    match draws.below(8) {
        0..3 => Damage::Cut(at),
        3..5 => Damage::Bit(at),
        5..7 => Damage::Zeros(at),
        _ => Damage::Other(OTHERS[draws.below(OTHERS.len())]),
    }
}

impl Damage {
    fn to(self, path: &Path) -> io::Result<()> {
        let mut bytes = fs::read(path)?;
        match self {
            Self::Cut(length) => bytes.truncate(length),
            Self::Bit(at) => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (at % 8);
                }
            }
            Self::Zeros(at) => {
                let end = (at + 40).min(bytes.len());
                bytes[at.min(end)..end].fill(0);
            }
            Self::Other(text) => bytes = text.into(),
        }
        fs::write(path, bytes)
    }
}

fn start(folder: &Path, command: &str) -> io::Result<Output> {
    let mut process = Command::new(std::env::current_exe()?);
    process.arg("--run").args(arguments(command)).current_dir(folder).env("RAYON_NUM_THREADS", "1");
    process.stdout(Stdio::null()).output()
}

/// What is not as it should be: a panic, another exit code than 0, 1 and 2, an error of more than a line or of none.
fn problem(output: &Output) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    let errors = said.lines().filter(|line| line.starts_with("error: ")).count();
    let last_is_error = said.lines().last().is_some_and(|line| line.starts_with("error: "));
    let is_right = match output.status.code() {
        Some(0) => errors == 0,
        Some(1 | 2) => errors == 1 && last_is_error,
        _ => false,
    };
    let is_quiet = !said.contains("panicked");
    (!is_right || !is_quiet).then(|| format!("{}: {}", output.status, said.trim()))
}
