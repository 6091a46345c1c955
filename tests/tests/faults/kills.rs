//! A real training run that is killed at random moments: a ResNet-20 on adversarial images, with its spectrum recorded.

use std::{
    io,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    campaign::Draws,
    every::say,
    results::{difference, read},
    trial::folder,
};

const COMMAND: &str = "easy_train --arch resnet20 --epochs 3 --spectrum-every 1 --limit-train 192 --limit-test 48 \
     --batch-size 32 --adv-train 1 --adv-eval 1 --eps 0.5 --attack-steps 2 --save-every 0.005 --quiet";

/// Kills runs so many times with `kill -9`, each at a random moment, and lets each go on until it is done; then it must be, byte for byte
/// but for times, what it is without.
pub(crate) fn run(seed: u64, kills: u64) -> ExitCode {
    match try_run(seed, kills) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("kills: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn try_run(seed: u64, kills: u64) -> io::Result<usize> {
    let (whole, mut draws) = (folder()?, Draws::new(seed));
    let started = Instant::now();
    if !start(whole.path(), &[])?.wait()?.success() {
        return Err(io::Error::other("the run fails without being killed"));
    }
    let (expected, time) = (read(whole.path())?, started.elapsed());
    say(&format!("kills: seed {seed}, a run takes {:.1} s", time.as_secs_f64()));
    let (mut killed, mut runs, mut failed) = (0, 0, 0);
    while killed < kills {
        let parts = folder()?;
        let mut more: &[&str] = &[];
        loop {
            let mut process = start(parts.path(), more)?;
            // Most runs are killed more than once.
            let moment = time.mul_f64(draws.below(1000) as f64 / 2000.0);
            if killed < kills && kill_at(&mut process, moment)? {
                process.wait()?;
                killed += 1;
                more = &["--resume"];
            } else if process.wait()?.success() || more.is_empty() {
                break;
            } else {
                // Before there is a state there is nothing to go on with.
                more = &[];
            }
        }
        runs += 1;
        if let Some(difference) = difference(&read(parts.path())?, &expected) {
            failed += 1;
            say(&format!("run {runs}: {difference}"));
        }
        say(&format!("{killed} kills in {runs} runs, {failed} of which differ"));
    }
    say(&format!(
        "kills: {killed} in {runs} runs, {failed} of which differ (seed {seed}); {:.0} s",
        started.elapsed().as_secs_f64()
    ));
    Ok(failed)
}

fn start(folder: &Path, more: &[&str]) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--run").args(COMMAND.split_whitespace()).args(more).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// Kills a process after so long; false if it has ended before.
fn kill_at(process: &mut Child, moment: Duration) -> io::Result<bool> {
    let started = Instant::now();
    while started.elapsed() < moment {
        if process.try_wait()?.is_some() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(1));
    }
    process.kill()?;
    Ok(true)
}
