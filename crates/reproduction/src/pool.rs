//! Steps on the ranks that are free.
//!
//! Rank 0 hands steps out and records what comes of them; it runs none, for a step may take days, and meanwhile others become free.

use std::{collections::BTreeSet, time::Duration};

use ranks::{Error, Ranks};

/// How long rank 0 waits for one busy rank before it looks at the next.
const LOOK: Duration = Duration::from_millis(20);

/// The ranks that work, and what each is at.
#[derive(Debug)]
pub struct Workers<'a> {
    ranks: &'a Ranks,
    /// By rank, rank 0 left out: the step that it runs.
    busy: Vec<Option<usize>>,
    silent: BTreeSet<usize>,
}

/// What has become of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// It is given to a rank.
    Begun {
        /// Which one.
        rank: usize,
    },
    /// It is done.
    Done {
        /// How long it took.
        seconds: f64,
    },
    /// Its rank has become silent: another one gets it.
    Lost {
        /// Which rank.
        rank: usize,
    },
}

impl<'a> Workers<'a> {
    /// All ranks but this one, rank 0.
    pub fn new(ranks: &'a Ranks) -> Self {
        Self { ranks, busy: vec![None; ranks.size().saturating_sub(1)], silent: BTreeSet::new() }
    }

    fn free(&self) -> Option<usize> {
        (1..=self.busy.len()).find(|rank| self.busy[rank - 1].is_none() && !self.silent.contains(rank))
    }
}

/// Has all steps done that are not, each once those that it needs are: `needs` says which. `tell` hears what becomes of each step, and gives
/// the arguments with which it begins; `stops` says whether no further step is to begin.
///
/// # Errors
/// Those of a step, with the rank that ran it; those of `tell`; [`Error::Silent`] if no rank is left to run a step.
pub fn schedule<E: From<Error>>(
    mut workers: Workers<'_>,
    needs: &[Vec<usize>],
    mut done: Vec<bool>,
    stops: impl Fn() -> bool,
    mut tell: impl FnMut(usize, Outcome) -> Result<Vec<String>, E>,
) -> Result<(), E> {
    let ranks = workers.ranks;
    loop {
        let is_ready = |&step: &usize, busy: &[Option<usize>]| {
            !done[step] && !busy.contains(&Some(step)) && needs[step].iter().all(|&need| done[need])
        };
        while let Some(rank) = workers.free().filter(|_| !stops()) {
            let Some(step) = (0..needs.len()).find(|step| is_ready(step, &workers.busy)) else { break };
            let start = tell(step, Outcome::Begun { rank })?;
            ranks.send(rank, &Some((step, start)))?;
            workers.busy[rank - 1] = Some(step);
        }
        if workers.busy.iter().all(Option::is_none) {
            if done.iter().all(|&done| done) || stops() {
                return Ok(());
            }
            let rank = workers.silent.first().copied().unwrap_or(0);
            return Err(ranks.silence_of(rank).into());
        }
        for rank in 1..=workers.busy.len() {
            let Some(step) = workers.busy[rank - 1] else { continue };
            match ranks.poll_for::<(usize, f64)>(rank, LOOK)? {
                Some((_, seconds)) => {
                    workers.busy[rank - 1] = None;
                    done[step] = true;
                    tell(step, Outcome::Done { seconds })?;
                }
                None if ranks.is_silent(rank) => {
                    workers.busy[rank - 1] = None;
                    workers.silent.insert(rank);
                    tell(step, Outcome::Lost { rank })?;
                }
                None => {}
            }
        }
    }
}

/// Runs the steps that rank 0 hands to this rank, until there are no more. `run` is given a step's place in the plan and the arguments with
/// which it begins, and says how long it took.
///
/// # Errors
/// Those of `run`; those of messages.
pub(crate) fn serve<E: From<Error>>(
    ranks: &Ranks,
    mut run: impl FnMut(usize, Vec<String>) -> Result<f64, E>,
) -> Result<(), E> {
    while let Some((step, start)) = ranks.await_from::<Option<(usize, Vec<String>)>>(0)? {
        let seconds = run(step, start)?;
        ranks.send(0, &(step, seconds))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ranks::Simulation;

    use super::*;

    /// How many histories are tried: `FREQBIAS_SEEDS=5000` tries more, `FREQBIAS_SEED=17` replays one.
    fn seeds(usual: u64) -> std::ops::Range<u64> {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        match number("FREQBIAS_SEED") {
            Some(seed) => seed..seed + 1,
            None => 0..number("FREQBIAS_SEEDS").unwrap_or(usual),
        }
    }

    fn needs() -> Vec<Vec<usize>> {
        vec![vec![], vec![0], vec![], vec![2], vec![3], vec![4], vec![], vec![6, 1]]
    }

    /// Steps and who ran them, in the order in which they ended.
    type Log = Vec<(usize, usize)>;

    /// What was run, and how the schedule ended.
    fn history(simulation: &Simulation) -> (Log, Result<(), Error>) {
        let log = Mutex::new(Vec::new());
        let ended = simulation.run(|ranks| {
            let ranks = ranks.with_patience(Duration::from_secs(30));
            if !ranks.is_first() {
                return serve(&ranks, |step, start| {
                    assert_eq!(start, [step.to_string()]);
                    log.lock().expect("no panic").push((step, ranks.rank()));
                    Ok(1.0)
                });
            }
            let done = vec![false; needs().len()];
            let tell = |step: usize, _: Outcome| Ok::<_, Error>(vec![step.to_string()]);
            schedule(Workers::new(&ranks), &needs(), done, || false, tell)?;
            ranks.announce(&None::<(usize, Vec<String>)>)
        });
        (log.into_inner().expect("no panic"), ended[0].clone())
    }

    fn check_order(log: &[(usize, usize)], replay: &str) {
        for (at, (step, _)) in log.iter().enumerate() {
            for need in &needs()[*step] {
                assert!(log[..at].iter().any(|(before, _)| before == need), "{replay}: {step} before {need}");
            }
        }
    }

    #[test]
    fn every_step_is_run_once_after_those_that_it_needs() {
        for seed in seeds(200) {
            let size = 2 + seed as usize % 9;
            let (log, ended) = history(&Simulation::new(size, seed));
            let replay = format!("FREQBIAS_SEED={seed}, {size} ranks");
            assert_eq!(ended, Ok(()), "{replay}");
            check_order(&log, &replay);
            let mut steps: Vec<usize> = log.iter().map(|(step, _)| *step).collect();
            steps.sort_unstable();
            assert_eq!(steps, [0, 1, 2, 3, 4, 5, 6, 7], "{replay}");
            assert!(size == 2 || log.iter().any(|(_, rank)| *rank == 2), "{replay}: two ranks are used");
        }
    }

    #[test]
    fn a_dead_ranks_step_is_given_to_another() {
        let mut again = 0;
        for seed in seeds(200) {
            let (size, dying) = (3 + seed as usize % 4, 1 + seed as usize % 2);
            let calls = seed / 2 % 9;
            let (log, ended) = history(&Simulation::new(size, seed).dying(dying, calls));
            let replay = format!("FREQBIAS_SEED={seed}: rank {dying} of {size} dies at call {calls}");
            assert_eq!(ended, Ok(()), "{replay}");
            check_order(&log, &replay);
            let ran: BTreeSet<usize> = log.iter().map(|(step, _)| *step).collect();
            assert_eq!(ran.len(), 8, "{replay}");
            again += log.len() - ran.len();
        }
        assert!(again > 0, "some steps were run and lost");
    }

    #[test]
    fn without_a_rank_that_works_the_silent_one_is_named() {
        let (_, ended) = history(&Simulation::new(2, 3).dying(1, 2));
        assert!(matches!(&ended, Err(Error::Silent { place, .. }) if place == "rank 1"), "{ended:?}");
    }
}
