//! Networks trained on several ranks are those that one rank trains, bit for bit.

use std::{collections::BTreeMap, path::Path, time::Duration};

use analysis::{Recording, train_recording};
use pipeline::{Adversary, Recipe, Trained};
use ranks::{Ranks, Simulation};
use training::{RunFolder, Start};

use super::*;

/// What a run leaves that no clock is in: checkpoints and the live spectrum by name, and the metrics without times.
type Left = (BTreeMap<String, Vec<u8>>, Vec<[u64; 5]>);

fn left(folder: &Path) -> Outcome<Left> {
    let mut files = BTreeMap::new();
    for part in [folder.to_owned(), folder.join("spectrum")] {
        for entry in std::fs::read_dir(part)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.display().to_string();
            let has_times = ["config.json", "metrics.jsonl", "checkpoint.latest.state.safetensors", ".lock"];
            if path.is_file() && !has_times.contains(&name.as_str()) {
                files.insert(name, std::fs::read(&path)?);
            }
        }
    }
    let metrics = RunFolder::at(folder).metrics()?.into_iter().map(|epoch| {
        let adversarial = epoch.adv_loss.unwrap_or_default();
        let averaged = epoch.ema_loss.unwrap_or_default();
        [epoch.train_loss, epoch.nat_loss, epoch.nat_prec1, adversarial, averaged].map(f64::to_bits)
    });
    Ok((files, metrics.collect()))
}

struct Case {
    arch: &'static str,
    epochs: usize,
    batch_size: usize,
    recipe: Recipe,
    is_attacked: bool,
}

impl Case {
    /// Batches of five blocks and one of two, so that not every rank has a part of its own.
    fn plain() -> Self {
        Self { arch: "resnet20", epochs: 2, batch_size: 72, recipe: Recipe::default(), is_attacked: false }
    }

    fn attacked() -> Self {
        let recipe = Recipe { ema: Some(0.5), clip_norm: Some(0.5), ..Recipe::default() };
        Self { epochs: 1, recipe, is_attacked: true, ..Self::plain() }
    }

    fn mixed() -> Self {
        let mixing = datasets::Mixing { mixup: 0.5, cutmix: 0.5 };
        let recipe = Recipe { mixing, label_smoothing: 0.1, ..Recipe::default() };
        Self { arch: "vit_tiny_patch4_32", epochs: 1, recipe, ..Self::plain() }
    }

    fn train(&self, session: &Session, folder: &Path, start: Start) -> Result<Trained, Error> {
        let dataset = Synthetic { seed: 0, train: 96, test: 40 }.generate();
        let profile = DatasetProfile { batch_size: self.batch_size, ..DatasetProfile::synthetic() };
        let attack = Attack { ball: Ball::L2, radius: 0.5, step: 0.2, steps: 2, random_start: true };
        let attack = self.is_attacked.then_some(attack);
        let run = TrainingRun {
            epochs: self.epochs,
            recipe: self.recipe.clone(),
            adversary: Adversary { training: attack, testing: attack },
            start,
            ..TrainingRun::new(self.arch.parse()?, &dataset, &profile, folder)
        };
        let recording = Recording { spectrum_every: Some(1), ..Recording::default() };
        train_recording(run, recording, session)
    }

    fn alone(&self) -> Outcome<Left> {
        let folder = tempfile::tempdir()?;
        self.train(&Session::default(), folder.path(), Start::Fresh)?;
        left(folder.path())
    }

    /// How the work ends on each rank.
    fn on(&self, simulation: &Simulation, folder: &Path, start: Start) -> Vec<Result<(), Error>> {
        simulation.run(|ranks| {
            let session =
                Session { ranks: ranks.with_patience(Duration::from_secs(60)), ..Session::default() };
            self.train(&session, folder, start).map(drop)
        })
    }
}

/// How many histories are tried: `FREQBIAS_SEEDS=1000` tries more, `FREQBIAS_SEED=17` replays one.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("FREQBIAS_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FREQBIAS_SEEDS").unwrap_or(usual),
    }
}

#[test]
fn any_number_of_ranks_trains_the_same_network() -> Outcome {
    for (case, sizes) in [(Case::plain(), &[2, 3, 4, 7][..]), (Case::attacked(), &[3]), (Case::mixed(), &[2])]
    {
        let expected = case.alone()?;
        assert!(expected.0.len() >= 7, "{:?}", expected.0.keys());
        for &size in sizes {
            let folder = tempfile::tempdir()?;
            for (rank, ended) in
                case.on(&Simulation::new(size, 0), folder.path(), Start::Fresh).into_iter().enumerate()
            {
                ended.map_err(|error| format!("{} on rank {rank} of {size}: {error}", case.arch))?;
            }
            let found = left(folder.path())?;
            let differing = found.0.iter().filter(|(name, bytes)| expected.0.get(*name) != Some(bytes));
            let differing: Vec<_> = differing.map(|(name, _)| name).collect();
            assert!(differing.is_empty() && found == expected, "{} on {size}: {differing:?}", case.arch);
        }
    }
    Ok(())
}

/// Messages that are late as a seed says change nothing; a rank that dies anywhere ends all, and the run goes on, on another number of
/// ranks.
#[test]
fn whatever_happens_to_messages_and_ranks_the_network_is_the_same() -> Outcome {
    let case = Case { epochs: 1, batch_size: 96, ..Case::plain() };
    let expected = case.alone()?;
    for seed in seeds(4) {
        let (size, folder) = (2 + seed as usize % 3, tempfile::tempdir()?);
        let replay = format!("FREQBIAS_SEED={seed}, {size} ranks");
        let simulation = Simulation::new(size, seed);
        if seed.is_multiple_of(2) {
            let ended = case.on(&simulation, folder.path(), Start::Fresh);
            assert!(ended.iter().all(Result::is_ok), "{replay}: {ended:?}");
        } else {
            let (dying, calls) = (1 + seed as usize / 2 % (size - 1), 3 + 37 * seed % 600);
            let ended = case.on(&simulation.dying(dying, calls), folder.path(), Start::Fresh);
            let said = ended[0].as_ref().map_err(ToString::to_string);
            let is_named =
                said.as_ref().is_err_and(|said| said.starts_with(&format!("rank {dying} has sent nothing")));
            assert!(is_named || ended[0].is_ok() && ended[dying].is_err(), "{replay}: {said:?}");
            let start =
                if RunFolder::at(folder.path()).state_path().exists() { Start::Resume } else { Start::Fresh };
            let ended = case.on(&Simulation::new(5 - size, seed), folder.path(), start);
            assert!(ended.iter().all(Result::is_ok), "{replay}: {ended:?}");
        }
        assert!(left(folder.path())? == expected, "{replay}");
    }
    Ok(())
}

#[test]
fn a_run_stopped_on_two_ranks_goes_on_on_three() -> Outcome {
    let (case, folder) = (Case::plain(), tempfile::tempdir()?);
    let expected = case.alone()?;
    let stopped = |ranks: Ranks, steps: usize| Session { ranks, ..stopped_after(steps) };
    // In the first batch, in the second epoch, while the spectrum is measured.
    for (start, steps) in [(Start::Fresh, 1), (Start::Resume, 3), (Start::Resume, 2)] {
        let ended = Simulation::new(2, steps as u64).run(|ranks| {
            let session = if ranks.is_first() {
                stopped(ranks.clone(), steps)
            } else {
                Session { ranks: ranks.clone(), ..Session::default() }
            };
            let ended = case.train(&session, folder.path(), start);
            match &ended {
                Err(Error::Ranks(_)) => {}
                Err(error) if error.is_interrupted() => ranks.say_stopped()?,
                _ => {}
            }
            ranks.end()?;
            ended.map(drop)
        });
        assert!(ended[0].as_ref().is_err_and(Error::is_interrupted), "{steps}: {:?}", ended[0]);
    }
    let ended = case.on(&Simulation::new(3, 1), folder.path(), Start::Resume);
    ended.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert!(left(folder.path())? == expected);
    Ok(())
}

#[test]
fn ranks_that_would_train_something_else_are_told_so() -> Outcome {
    let parent = tempfile::tempdir()?;
    let folder = parent.path().join("run");
    let ended = Simulation::new(2, 3).run(|ranks| {
        let case = Case { batch_size: 72 + ranks.rank(), ..Case::plain() };
        let session = Session { ranks: ranks.clone(), ..Session::default() };
        let ended = case.train(&session, &folder, Start::Fresh);
        if let Err(error) = &ended {
            ranks.say_failed(&error.to_string())?;
        }
        ranks.end()?;
        ended.map(drop)
    });
    let said = ended[0].as_ref().expect_err("another size of batch").to_string();
    assert!(
        said.starts_with("rank 1: trained: \"batch_size\":73, where rank 0 has \"batch_size\":72; "),
        "{said}"
    );
    assert!(!folder.exists(), "nothing is begun");
    Ok(())
}
