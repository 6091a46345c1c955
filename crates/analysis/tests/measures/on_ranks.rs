//! Measurements on several ranks leave the files that one rank leaves, byte for byte.

use std::{collections::BTreeMap, path::Path, time::Duration};

use analysis::{CorruptionSource, Corruptions, SpectrumReport, help_measure, image_density};
use datasets::Dataset;
use ranks::{Ranks, Simulation};
use runs::StoredCheckpoint;

use super::*;

type Files = BTreeMap<String, Vec<u8>>;

/// A run of two epochs on sixty images.
struct Run {
    folder: tempfile::TempDir,
    dataset: Dataset,
    /// So many of its checkpoints are measured, the last ones.
    measured: usize,
}

impl Run {
    fn new() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let dataset = Synthetic { seed: 0, train: 64, test: 60 }.generate();
        let profile = profile();
        let run = TrainingRun::new("resnet20".parse()?, &dataset, &profile, folder.path());
        TrainingRun { epochs: 2, ..run }.train(&Session::default())?;
        Ok(Self { folder, dataset, measured: 2 })
    }

    fn checkpoints(&self) -> Result<Vec<StoredCheckpoint>, runs::Error> {
        checkpoints_of_run(self.folder.path())
    }

    fn last_checkpoints(&self) -> Result<Vec<StoredCheckpoint>, runs::Error> {
        let mut all = self.checkpoints()?;
        Ok(all.split_off(all.len() - self.measured))
    }
}

/// Batches of few images, so that all ranks have some.
fn small_batches() -> DatasetProfile {
    DatasetProfile { batch_size: 7, gradient_batch_size: 5, ..DatasetProfile::synthetic() }
}

pub(super) fn files(folder: &Path) -> Outcome<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().is_file() {
            files.insert(entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// What rank 0 writes of a measure, or what the others help it with.
fn measured<'a, M: Measure>(
    run: &'a Run,
    measure: impl Fn(&Subject<'a>) -> Result<M, Error>,
    session: &'a Session,
    output: &Path,
) -> Result<(), Error> {
    let (profile, checkpoints): (&'static _, _) =
        (Box::leak(Box::new(small_batches())), run.last_checkpoints()?);
    let architecture: models::Architecture = "resnet20".parse()?;
    let images = &run.dataset.test;
    let subject = Subject { images, profile, network: architecture.into(), session };
    let measure = measure(&subject)?;
    if !session.ranks.is_first() {
        return help_measure(&measure, &subject, &checkpoints);
    }
    let (rows, partial) = resume_measure(&measure, &subject, &checkpoints, output)?;
    let networks = subject.describe(&checkpoints)?;
    MeasureReport::new(&measure, &subject, &networks, &rows)?.save(output)?;
    partial.remove()
}

fn spectrum(run: &Run, session: &Session, output: &Path) -> Result<(), Error> {
    let (profile, checkpoints) = (small_batches(), run.checkpoints()?);
    let images = &run.dataset.test;
    let spectrum = GradientSpectrum::new(images, &profile, "resnet20".parse()?, session)?;
    if !session.ranks.is_first() {
        return spectrum.help(&checkpoints);
    }
    let (table, partial) = spectrum.resume(&checkpoints, &spectrum.describe(&checkpoints)?, output)?;
    let density = image_density(images)?;
    SpectrumReport { table: &table, checkpoints: &checkpoints, images: &density }.save(output)?;
    partial.remove()
}

fn evaluation(run: &Run, session: &Session, output: &Path) -> Result<(), Error> {
    let (profile, checkpoints) = (small_batches(), run.last_checkpoints()?);
    let components =
        ComponentRequest { sides: vec![Side::Low], radii: vec![4, 8], ..ComponentRequest::default() };
    let attack = Attack { ball: Ball::L2, radius: 0.5, step: 0.2, steps: 2, random_start: false };
    let settings = EvaluationSettings {
        components,
        features: true,
        attack: Some(attack),
        ..EvaluationSettings::default()
    };
    let evaluator = Evaluator::new(&settings, &run.dataset.test, &profile, "resnet20".parse()?, session)?;
    if !session.ranks.is_first() {
        return evaluator.help(&checkpoints);
    }
    let labelled = checkpoints.into_iter().map(|checkpoint| (checkpoint, "epoch".to_owned())).collect();
    let (measured, partial) = evaluator.resume(labelled, output)?;
    EvaluationReport { evaluator: &evaluator, measured: &measured }.save(output)?;
    partial.remove()
}

/// Checks that the work leaves the same files on any number of ranks; of several, all must succeed.
fn check(name: &str, sizes: &[usize], work: impl Fn(&Session, &Path) -> Result<(), Error> + Sync) -> Outcome {
    let alone = tempfile::tempdir()?;
    work(&Session::default(), alone.path())?;
    let expected = files(alone.path())?;
    assert!(expected.len() >= 3, "{name}: {:?}", expected.keys());
    for (seed, &size) in sizes.iter().enumerate() {
        let output = tempfile::tempdir()?;
        let ended = Simulation::new(size, seed as u64)
            .run(|ranks| work(&Session { ranks, ..Session::default() }, output.path()));
        for (rank, ended) in ended.into_iter().enumerate() {
            ended.map_err(|error| format!("{name}, rank {rank} of {size}: {error}"))?;
        }
        assert!(files(output.path())? == expected, "{name} on {size} ranks, seed {seed}");
    }
    Ok(())
}

#[test]
fn any_number_of_ranks_leaves_the_same_files() -> Outcome {
    let mut run = Run::new()?;
    run.dataset.test.limit(33);
    check("grad", &[2, 3, 4, 64], |session, output| spectrum(&run, session, output))?;
    check("evaluate", &[2, 3], |session, output| evaluation(&run, session, output))?;
    let sensitivity = |session: &Session, output: &Path| measured(&run, Sensitivity::new, session, output);
    check("sensitivity", &[2, 3, 4, 20], sensitivity)?;
    check("phase-amplitude", &[3], |session, output| {
        measured(&run, |subject| PhaseAmplitude::new(subject, 1), session, output)
    })?;
    // Steps are shared by two, batches by three.
    check("critical-bands", &[2, 3], |session, output| {
        measured(&run, |subject| CriticalBands::new(subject, 1), session, output)
    })?;
    check("fourier-heat-map", &[2, 4], |session, output| {
        measured(&run, |subject| FourierHeatMap::new(subject)?.within(2), session, output)
    })?;
    check("layer-spectra", &[3], |session, output| {
        measured(&run, |_| Ok(LayerSpectra::new(1)), session, output)
    })?;
    let attack = Attack { ball: Ball::L2, radius: 0.5, step: 0.2, steps: 2, random_start: false };
    check("attack-spectrum", &[2], |session, output| {
        measured(&run, |subject| AttackSpectrum::new(subject, attack), session, output)
    })
}

#[test]
fn measures_of_several_passes_are_shared_too() -> Outcome {
    let mut run = Run::new()?;
    run.dataset.test.limit(9);
    run.measured = 1;
    check("shortcuts", &[2], |session, output| {
        measured(&run, |subject| Shortcuts::new(subject)?.of_classes(&[2]), session, output)
    })?;
    check("corruptions", &[3], |session, output| {
        measured(
            &run,
            |subject| Corruptions::new(subject, CorruptionSource::BuiltIn { seed: 0 }),
            session,
            output,
        )
    })
}

/// Says how a rank's work ended, as programs do.
fn with_farewell(ranks: &Ranks, ended: Result<(), Error>) -> Result<(), Error> {
    match &ended {
        Err(Error::Ranks(ranks::Error::Ended)) => return ended,
        Err(error) if error.is_interrupted() => ranks.say_stopped()?,
        Err(error) => ranks.say_failed(&error.to_string())?,
        Ok(()) => {}
    }
    ranks.end()?;
    ended
}

#[test]
fn a_measurement_stopped_on_two_ranks_goes_on_on_three() -> Outcome {
    let run = Run::new()?;
    // In the first batch and later, on rank 0 and on the other one.
    check_stopping([(0, 5), (1, 30), (0, 100)], |session, output| {
        measured(&run, |subject| CriticalBands::new(subject, 1), session, output)
    })?;
    // Of twelve batches each: in the first checkpoint and in the second.
    check_stopping([(0, 4), (1, 30), (0, 13)], |session, output| spectrum(&run, session, output))?;
    // Of nine batches and six components.
    check_stopping([(0, 12), (1, 30), (0, 40)], |session, output| evaluation(&run, session, output))
}

/// Checks that work which two ranks stop at these steps, and three end, leaves what one rank leaves.
fn check_stopping(
    stops: [(usize, usize); 3],
    work: impl Fn(&Session, &Path) -> Result<(), Error> + Sync,
) -> Outcome {
    let (alone, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    work(&Session::default(), alone.path())?;
    for (stops, steps) in stops {
        let ended = Simulation::new(2, steps as u64).run(|ranks| {
            let stopped = if ranks.rank() == stops { stopped_after(steps) } else { Session::default() };
            // Only rank 0 shows progress, and so only its flag is set by it.
            if stops == 1 && ranks.rank() == 1 {
                stopped.progress.interrupt().store(true, Ordering::SeqCst);
            }
            let session = Session { ranks: ranks.clone(), ..stopped };
            with_farewell(&ranks, work(&session, parts.path()))
        });
        assert!(matches!(ended[0], Err(Error::MeasureInterrupted { .. })), "{stops} {steps}: {:?}", ended[0]);
        assert!(ended[1].is_err());
        assert_eq!(files(parts.path())?.len(), 1, "what was measured, and no result");
    }
    let ended =
        Simulation::new(3, 1).run(|ranks| work(&Session { ranks, ..Session::default() }, parts.path()));
    ended.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert!(files(parts.path())? == files(alone.path())?);
    Ok(())
}

#[test]
fn what_fails_on_a_rank_is_said_by_rank_0() -> Outcome {
    let run = Run::new()?;
    let output = tempfile::tempdir()?;
    // Rank 1 sees other images.
    let ended = Simulation::new(2, 5).run(|ranks| {
        let session = Session { ranks: ranks.clone(), ..Session::default() };
        let (mut images, checkpoints) = (run.dataset.test.clone(), run.checkpoints()?);
        if ranks.rank() == 1 {
            images.limit(50);
        }
        let profile = small_batches();
        let spectrum = GradientSpectrum::new(&images, &profile, "resnet20".parse()?, &session)?;
        let ended = match ranks.rank() {
            0 => spectrum.resume(&checkpoints, &spectrum.describe(&checkpoints)?, output.path()).map(drop),
            _ => spectrum.help(&checkpoints),
        };
        with_farewell(&ranks, ended)
    });
    let said = ended[0].as_ref().expect_err("other images").to_string();
    assert!(said.starts_with("rank 1: measured: ") && said.contains("50 images"), "{said}");
    assert!(said.contains("where rank 0 has") && said.contains("60 images"), "{said}");
    assert!(files(output.path())?.is_empty());
    Ok(())
}

/// Whenever rank 1 dies, rank 0 names it and keeps finished rows; the command given again leaves the usual files.
#[test]
fn a_death_costs_no_finished_row() -> Outcome {
    let run = Run::new()?;
    let alone = tempfile::tempdir()?;
    spectrum(&run, &Session::default(), alone.path())?;
    let (parts, mut kept) = (tempfile::tempdir()?, 0);
    for calls in [0, 1, 9, 12, 20] {
        let ended = Simulation::new(2, calls).dying(1, calls).run(|ranks| {
            let ranks = ranks.with_patience(Duration::from_secs(20));
            spectrum(&run, &Session { ranks, ..Session::default() }, parts.path())
        });
        let said = ended[0].as_ref().expect_err("rank 1 dies").to_string();
        assert!(said.starts_with("rank 1 has sent nothing for 20 s"), "{calls}: {said}");
        kept = files(parts.path())?.len().max(kept);
    }
    assert_eq!(kept, 1, "the first row was finished once");
    spectrum(&run, &Session::default(), parts.path())?;
    assert!(files(parts.path())? == files(alone.path())?);
    Ok(())
}
