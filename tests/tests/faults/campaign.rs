//! Random faults, by a seed.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, SystemTime},
};

use files::faults::Fault;

use crate::{
    every::{SLOW, faults, say},
    programs::SCENARIOS,
    trial::{Prepared, Verdict, arguments},
};

/// Numbers that a seed gives: SplitMix64.
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below a limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % limit.max(1) as u64) as usize
    }
}

/// What happens in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    One,
    /// Another fault while the program goes on.
    Two,
    /// The folder of all runs is moved away, and comes back.
    Moved,
    /// Files are from before or after all times between failing and going on.
    Clock,
    /// Another process gives the same command at the same time.
    Writers,
}

/// Tries so many random faults. Reruns of the same seed try the same ones; with two writers it is the system that says who comes first.
pub(crate) fn run(seed: u64, count: u64) -> ExitCode {
    say(&format!("faults: seed {seed}, {count} faults"));
    let mut draws = Draws::new(seed);
    let quick = SCENARIOS.iter().filter(|scenario| scenario.name != SLOW);
    let prepared = quick.map(Prepared::new).collect::<io::Result<Vec<_>>>();
    let prepared = prepared.expect("runs without faults");
    let (mut tally, mut failed) = (BTreeMap::new(), 0);
    for trial in 0..count {
        let of = &prepared[draws.below(prepared.len())];
        let all = faults(&of.operations);
        let mut draw = || all[draws.below(all.len())];
        let (first, second) = (draw(), draw());
        let kind = match draws.below(20) {
            0..10 => Kind::One,
            10..14 => Kind::Two,
            14..16 => Kind::Moved,
            16..18 => Kind::Clock,
            _ => Kind::Writers,
        };
        let verdict = match kind {
            Kind::One => of.trial(first, None),
            Kind::Two => of.trial(first, Some(second)),
            Kind::Moved => of.trial((Fault::Move, first.1), None),
            Kind::Clock => of.trial_between(first, |work| touch(work, second.1)),
            Kind::Writers => two_writers(of),
        };
        let verdict = verdict.expect("a folder to work in");
        *tally.entry(kind).or_insert(0) += 1;
        if !matches!(verdict, Verdict::Same | Verdict::NotHit) {
            failed += 1;
            say(&format!(
                "trial {trial}: {kind:?} {first:?} {second:?} in {}: {verdict:?}",
                of.scenario.name
            ));
        }
    }
    say(&format!("faults: {failed} of {count} failed (seed {seed}); {tally:?}"));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Gives all files times that lie years apart.
fn touch(folder: &Path, years: usize) -> io::Result<()> {
    let year = Duration::from_secs(365 * 24 * 3600);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            touch(&path, years)?;
            continue;
        }
        let ago = SystemTime::UNIX_EPOCH + year * (years % 90) as u32;
        fs::File::options().append(true).open(&path)?.set_modified(ago)?;
    }
    Ok(())
}

/// Two processes give the command at the same time: whoever comes second is refused, or finds the work done.
fn two_writers(of: &Prepared<'_>) -> io::Result<Verdict> {
    let work = of.begin()?;
    let start = || {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--run").args(arguments(of.scenario.command)).current_dir(&work);
        command.env("RAYON_NUM_THREADS", "1").stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let mut both = [start()?, start()?];
    let mut is_done = false;
    for process in &mut both {
        is_done |= process.wait()?.success();
    }
    if is_done { of.compare(&work) } else { of.judge(&work) }
}
