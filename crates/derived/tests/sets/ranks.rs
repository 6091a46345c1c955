//! Fits of kernels on several ranks: the same files as one rank leaves, also when a rank dies or the fit is stopped.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use crate::common::{Outcome, assert_same, content, data_of};
use cdes::FitSettings;
use derived::{
    Error, Experiment,
    kernels::{Fitted, KernelFit},
};
use progress::{Event, Progress};
use ranks::{Ranks, Simulation};
use training::Start;

/// How many histories are tried: `FREQBIAS_SEEDS=500` tries more, `FREQBIAS_SEED=17` replays one.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("FREQBIAS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FREQBIAS_SEEDS").unwrap_or(usual),
    }
}

/// What a rank does, as the program does it: rank 0 ends the others.
fn rank(
    folder: &Path,
    warm_start: bool,
    ranks: Ranks,
    start: Start,
    progress: &Progress,
) -> Result<Vec<Fitted>, Error> {
    let ranks = ranks.with_patience(Duration::from_secs(30));
    let fit = KernelFit {
        experiment: Experiment::Scr,
        number: 2,
        kernel_size: 3,
        steps: FitSettings { epochs: 2, batch_size: 6, ..FitSettings::default() },
        warm_start,
        ranks: ranks.clone(),
        ..KernelFit::new(folder)
    };
    let data = data_of(&["first", "second", "third"]);
    if ranks.is_first() {
        let ended = fit.run(&data, start, None, progress);
        ranks.end()?;
        return ended;
    }
    match fit.help(&data, None, progress) {
        Ok(()) => Ok(ranks.end().map(|()| Vec::new())?),
        Err(Error::Ranks(ranks::Error::Dead { rank })) => Err(ranks::Error::Dead { rank }.into()),
        Err(error) => {
            ranks.say_failed(&error.to_string())?;
            ranks.end()?;
            Err(error)
        }
    }
}

/// Interrupted at the first line: an epoch is finished.
fn interrupted_after_an_epoch() -> Progress {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let report = move |event: Event<'_>| {
        if let Event::Line(_) = event {
            set.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    };
    Progress::new(report, flag)
}

#[test]
fn any_number_of_ranks_leaves_the_files_of_one() -> Outcome {
    for warm_start in [false, true] {
        let alone = tempfile::tempdir()?;
        let expected = rank(alone.path(), warm_start, Ranks::default(), Start::Fresh, &Progress::default())?;
        let expected_files = content(alone.path())?;
        assert_eq!(expected.len(), 3);
        for (size, seed) in [2, 3, 4, 5].into_iter().zip(seeds(4).cycle()) {
            let folder = tempfile::tempdir()?;
            let ended = Simulation::new(size, seed)
                .run(|ranks| rank(folder.path(), warm_start, ranks, Start::Fresh, &Progress::default()));
            let mut ended = ended.into_iter();
            let first = ended.next().expect("rank 0")?;
            assert_eq!(first.iter().map(|set| &set.epochs).collect::<Vec<_>>(), {
                expected.iter().map(|set| &set.epochs).collect::<Vec<_>>()
            });
            assert!(ended.all(|end| end.is_ok_and(|sets| sets.is_empty())), "{size} ranks, seed {seed}");
            assert_same(&content(folder.path())?, &expected_files);
        }
    }
    Ok(())
}

#[test]
fn what_is_stopped_on_some_ranks_goes_on_on_others() -> Outcome {
    let alone = tempfile::tempdir()?;
    rank(alone.path(), false, Ranks::default(), Start::Fresh, &Progress::default())?;
    let expected = content(alone.path())?;
    for seed in seeds(4) {
        let folder = tempfile::tempdir()?;
        // Only the flag of one rank is set.
        for stopping in [0, 1] {
            let start = if stopping == 0 { Start::Fresh } else { Start::Resume };
            let ended = Simulation::new(2, seed).run(|ranks| {
                let set = Progress::new(|_| (), Arc::new(AtomicBool::new(true)));
                let is_stopping = ranks.rank() == stopping;
                let progress = match (is_stopping, stopping) {
                    (true, 0) => interrupted_after_an_epoch(),
                    (true, _) => set,
                    (false, _) => Progress::default(),
                };
                rank(folder.path(), false, ranks, start, &progress)
            });
            // Rank 1 may have been done already when rank 0 told it to stop.
            let may_finish = stopping == 1 && ended[0].is_ok();
            let is_stopped = matches!(ended[0], Err(Error::FitInterrupted { .. }));
            assert!(is_stopped || may_finish, "seed {seed}: {:?}", ended[0]);
        }
        let ended = Simulation::new(3, seed)
            .run(|ranks| rank(folder.path(), false, ranks, Start::Resume, &Progress::default()));
        assert!(ended.iter().all(Result::is_ok), "seed {seed}: {ended:?}");
        assert_same(&content(folder.path())?, &expected);
    }
    Ok(())
}

#[test]
fn a_rank_that_dies_costs_nothing_that_was_kept() -> Outcome {
    let alone = tempfile::tempdir()?;
    rank(alone.path(), false, Ranks::default(), Start::Fresh, &Progress::default())?;
    let expected = content(alone.path())?;
    for seed in seeds(6) {
        let folder = tempfile::tempdir()?;
        let ended = Simulation::new(3, seed)
            .dying(1, 3 + 2 * seed)
            .run(|ranks| rank(folder.path(), false, ranks, Start::Fresh, &Progress::default()));
        if ended[0].is_err() {
            let said = format!("{:?}", ended[0]);
            assert!(said.contains("rank 1"), "seed {seed}: {said}");
        }
        // As whoever gives the command again: a fit of which nothing was kept begins afresh.
        let start = if fs::exists(folder.path().join("class0"))? { Start::Resume } else { Start::Fresh };
        rank(folder.path(), false, Ranks::default(), start, &Progress::default())?;
        assert_same(&content(folder.path())?, &expected);
    }
    Ok(())
}

#[test]
fn ranks_with_other_settings_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = Simulation::new(2, 0).run(|ranks| {
        let warm_start = !ranks.is_first();
        rank(folder.path(), warm_start, ranks, Start::Fresh, &Progress::default())
    });
    let [Err(Error::Ranks(first)), Err(Error::Ranks(second))] = &ended[..] else { panic!("{ended:?}") };
    assert!(matches!(second, ranks::Error::Different { .. }), "{second}");
    assert!(matches!(first, ranks::Error::Failed { .. }), "{first}");
}
