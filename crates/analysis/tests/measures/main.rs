//! Measures whose values are known on paper, of networks whose weights are made for that; and measuring that is stopped.
#![allow(clippy::result_large_err, reason = "errors hold the facts that they tell")]

mod on_ranks;
mod planted;
mod trained_on_ranks;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use analysis::{
    AttackSpectrum, ComponentRequest, CriticalBands, Error, EvaluationReport, EvaluationSettings, Evaluator,
    FourierHeatMap, GradientSpectrum, LayerSpectra, Measure, MeasureReport, PhaseAmplitude, Sensitivity,
    Shortcuts, Side, SpectrumGroups, Subject, measure_network, resume_measure,
};
use candle_core::{Device, Tensor};
use datasets::{ImageSet, ImageShape, synthetic::Synthetic};
use models::{Attack, Ball, Classifier, Frozen, Normaliser};
use pipeline::{DatasetProfile, Session, TrainingRun};
use progress::Progress;
use runs::checkpoints_of_run;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const SHAPE: ImageShape = ImageShape { channels: 3, height: 32, width: 32 };

/// A ResNet-20 that is linear: it sees red pixels on a grid of 8×8, every fourth row and column, and nothing else. Its ReLUs are all
/// open, its residual branches empty. The margin of class 1 over class 0 is 100 · (mean of these pixels − 0.5).
fn linear_network() -> Outcome<Frozen> {
    const OPEN: f32 = 16.0;
    let architecture: models::Architecture = "resnet20".parse()?;
    let mut weights = BTreeMap::new();
    for (name, shape) in architecture.graph(2).shapes().iter() {
        let count = shape.iter().product::<usize>();
        let mut values = vec![0f32; count];
        let is_norm = name.contains("bn") || name.contains("norm");
        if name.ends_with("running_var") || (is_norm && name.ends_with("weight")) {
            values.fill(1.0);
        }
        match name.as_str() {
            // The first output channel is the red pixel in the middle of the window.
            "conv1.weight" => values[4] = 1.0,
            "bn1.bias" => values[0] = OPEN,
            // Shortcuts put as many empty channels before the others as behind them: channel 0 of 16 is 24 of 64.
            "linear.weight" => values[count / 2 + 24] = 100.0,
            // Batch-norm divides by √(1 + 10⁻⁵).
            "linear.bias" => values[1] = -100.0 * (OPEN + 0.5 / (1.0f32 + 1e-5).sqrt()),
            _ => {}
        }
        weights.insert(name.clone(), Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?);
    }
    let plain = Normaliser::new([0.0; 3], [1.0; 3])?;
    Ok(Classifier::new(architecture, 2, plain, &weights)?.freeze()?)
}

fn images(count: usize, pixel: impl Fn(u32, usize) -> f32) -> Result<ImageSet, datasets::Error> {
    let labels: Vec<u32> = (0..count as u32).map(|image| image % 2).collect();
    let of_image = |&label: &u32| (0..SHAPE.len()).map(|at| pixel(label, at % 1024)).collect::<Vec<_>>();
    let pixels: Vec<f32> = labels.iter().flat_map(of_image).collect();
    ImageSet::new(pixels, labels, ["dark", "light"].map(String::from).into(), SHAPE)
}

fn profile() -> DatasetProfile {
    DatasetProfile { batch_size: 24, ..DatasetProfile::synthetic() }
}

fn measured<'a, M: Measure>(
    images: &'a ImageSet,
    measure: impl FnOnce(&Subject<'a>) -> Result<M, Error>,
) -> Outcome<(M, M::Row)> {
    let (profile, session): (&'static _, &'static _) =
        (Box::leak(Box::new(profile())), Box::leak(Box::new(Session::default())));
    let subject =
        Subject { images, profile, network: "resnet20".parse::<models::Architecture>()?.into(), session };
    let measure = measure(&subject)?;
    let row = measure_network(&measure, &subject, &linear_network()?)?;
    Ok((measure, row))
}

/// Grey images a little darker or lighter than the network's threshold.
fn grey(count: usize) -> Result<ImageSet, datasets::Error> {
    images(count, |label, _| if label == 0 { 0.44 } else { 0.56 })
}

/// A grid of every fourth pixel cannot tell frequencies that differ by 8: those at multiples of 8 are its mean.
fn is_seen(frequency: i64) -> bool {
    frequency % 8 == 0
}

#[test]
fn a_linear_network_errs_on_the_frequencies_that_it_sees_and_no_others() -> Outcome {
    let images = grey(40)?;
    // v = 2: pairs ±k move the mean by 2·√2/32 = 0.088, beyond the margin of 0.06; lone frequencies by 2/32 = 0.0625, just as well;
    // of v = 1.5 the pairs alone do: 0.066 and 0.047.
    for (norm, moves_lone) in [(2.0, true), (1.5, false)] {
        let (measure, row) =
            measured(&images, |subject| Ok(FourierHeatMap::new(subject)?.with_norm(norm)?.clipped(false)))?;
        assert_eq!((row.images, row.clean_errors, row.errors.len()), (40, 0, 514));
        let findings = measure.findings(&[&row], &[0], "")?;
        let map = &findings.arrays[0];
        assert_eq!((map.name.as_str(), &map.shape[..]), ("error_rate", &[1, 32, 32][..]));
        for (at, &rate) in map.values.iter().enumerate() {
            let (u, v) = ((at / 32) as i64 - 16, (at % 32) as i64 - 16);
            let is_lone = u % 16 == 0 && v % 16 == 0;
            if is_seen(u) && is_seen(v) && (moves_lone || !is_lone) {
                // One of the two signs is the wrong one: half of 40, ± 4 standard deviations.
                assert!((0.18..=0.82).contains(&rate), "({u}, {v}): {rate}");
            } else {
                assert_eq!(rate, 0.0, "({u}, {v})");
            }
        }
        // The first order, by v²·E[(∂ℓ/∂mean)²]·a², is that of the frequencies seen; pairs have twice the share of lone ones.
        let first_order = &findings.arrays[3].values;
        let at = |u: i64, v: i64| first_order[((u + 16) * 32 + v + 16) as usize];
        assert!((at(8, -8) / at(0, 0) - 2.0).abs() < 1e-4, "{} {}", at(8, -8), at(0, 0));
        assert!((at(0, 8) / at(-16, -16) - 2.0).abs() < 1e-4);
        assert!((0..32).all(|v| is_seen(v - 16) || at(8, v - 16) < 1e-10 * at(0, 0)));
        // By hand: the loss of each image falls by p·100 per unit of the mean, p = 1 / (1 + e⁶) the chance of the other class.
        let slope = 100.0 / (1.0 + 6f64.exp());
        let expected = (f64::from(norm) * slope / 32.0).powi(2);
        assert!((at(0, 0) / expected - 1.0).abs() < 1e-2, "{} {expected}", at(0, 0));
    }
    Ok(())
}

#[test]
fn images_are_drawn_until_the_error_rate_is_known() -> Outcome {
    let images = grey(1500)?;
    // The frequencies up to 1 in either direction, of which the mean alone is seen, and what half of the images show.
    let all = |subject: &Subject<'_>| FourierHeatMap::new(subject)?.with_norm(2.0)?.clipped(false).within(1);
    let (_, whole) = measured(&images, all)?;
    let (measure, drawn) = measured(&images, |subject| all(subject)?.with_precision(0.05))?;
    assert_eq!((drawn.images, drawn.clean_errors, drawn.seen.len()), (1500, 0, 5));
    assert!(whole.seen.is_empty() && whole.evaluations().is_none());
    for direction in 0..5 {
        let ([low, high], share) = (drawn.interval(direction), whole.rate(direction));
        assert!(low <= share && share <= high && high - low <= 0.1 + 1e-12, "{low} {share} {high}");
    }
    // Of none a few batches of 24 say enough, of one half 1 / (1/384 + 1/1500) and a tenth more.
    assert!(drawn.seen[0] <= 72 && (300..400).contains(&drawn.seen[4]), "{:?}", drawn.seen);
    assert_eq!(drawn.evaluations(), Some(drawn.seen.iter().sum()));
    // First order and clean errors are of all images.
    assert_eq!(drawn.first_order, whole.first_order);
    let findings = measure.findings(&[&drawn], &[0], "")?;
    let json = &findings.rows[0];
    assert_eq!(json["images_drawn"][1][1], drawn.seen[4]);
    assert_eq!((&json["evaluations_of_all_images"], findings.arrays.len()), (&7500.into(), 7));
    assert_eq!(measure.settings()["precision_goal"], 0.05);
    // The ring has no errors but those that its interval allows.
    assert!(
        drawn.ring_mean[0] == 0.0
            && drawn.ring_interval[0].is_some_and(|[low, high]| low == 0.0 && high < 0.1)
    );
    Ok(())
}

#[test]
fn clipping_keeps_pixels_in_their_range() -> Outcome {
    // White and black images: what would leave the range does not count. At zero frequency the mean moves by nothing or by v/32 = 0.63;
    // at others half of each wave counts, and the mean moves by about √2·v/32/π = 0.28.
    let images = images(40, |label, _| label as f32)?;
    let (_, row) = measured(&images, |subject| FourierHeatMap::new(subject)?.with_norm(20.0)?.within(1))?;
    // The margin is 0.5.
    let zero = row.errors[4];
    assert!((8..=32).contains(&zero), "half of 40: {zero}");
    assert_eq!((row.clean_errors, &row.errors[..4]), (0, &[0; 4][..]), "half a wave is not enough");
    Ok(())
}

#[test]
fn a_linear_networks_energy_is_at_the_multiples_of_its_grid() -> Outcome {
    let images = grey(40)?;
    let (_, row) = measured(&images, Sensitivity::new)?;
    // 15 frequencies but zero, all alike: 4 at 8, 4 at √128, 2 at 16, 4 at √320, 1 at √512.
    let expected = BTreeMap::from([(8, 4.0), (11, 4.0), (16, 2.0), (18, 4.0), (23, 1.0)]);
    for (index, share) in row.mean.iter().enumerate() {
        let of_ring = expected.get(&(index + 1)).copied().unwrap_or(0.0) / 15.0;
        assert!((share - of_ring).abs() < 1e-6, "r = {}: {share}", index + 1);
    }
    let centre: f64 = expected.iter().map(|(&radius, count)| radius as f64 * count / 15.0).sum();
    assert!((row.centre - centre).abs() < 1e-5 && row.skipped == 0 && row.correct == 40);
    // The gradient spectrum has the same shares, by transforms in f32.
    let (profile, session) = (profile(), Session::default());
    let spectrum = GradientSpectrum::new(&images, &profile, "resnet20".parse()?, &session)?;
    let of_spectrum = spectrum.of_network(&linear_network()?, 0)?;
    let shares = of_spectrum.details.shares.as_ref().ok_or("shares")?;
    assert!(shares.images == 40 && shares.mean.len() == row.mean.len());
    assert!(shares.mean.iter().zip(&row.mean).all(|(a, b)| (a - b).abs() < 1e-6), "{shares:?}");
    let found = spectrum.empty_table().energy_centre(&of_spectrum).ok_or("a centre")?;
    assert!((found - centre).abs() < 1e-5, "{found} {centre}");
    // All images have the same shares: nothing is uncertain.
    let [low, high] = row.centre_interval.ok_or("an interval")?;
    assert!(high - low < 1e-5);
    Ok(())
}

#[test]
fn what_differs_in_amplitude_goes_by_amplitude_and_what_differs_in_phase_by_phase() -> Outcome {
    // Grey images have no phase but that of their mean.
    let amplitude = grey(40)?;
    let (_, row) = measured(&amplitude, |subject| PhaseAmplitude::new(subject, 3))?;
    assert_eq!((row.images, row.correct, row.by_phase, row.by_amplitude), (40, 40, 0, 40));
    // Waves of one amplitude, up or down on the grid.
    let wave = |label: u32, at: usize| {
        let crest = (std::f32::consts::TAU * (at % 32) as f32 / 4.0).cos();
        0.5 + if label == 0 { -0.2 } else { 0.2 } * crest
    };
    let phase = images(40, wave)?;
    let (_, row) = measured(&phase, |subject| PhaseAmplitude::new(subject, 3))?;
    assert_eq!((row.correct, row.by_phase, row.by_amplitude), (40, 40, 0));
    Ok(())
}

#[test]
fn an_adversary_of_a_linear_network_changes_what_that_sees() -> Outcome {
    let images = grey(40)?;
    // The mean of 64 pixels moves by ε/8 where all frequencies may change; with n of its 16 frequencies by √(n/16)·ε/8. The margin of
    // 0.06 takes ε = 0.48; 0.68 in the octave 8–15, which has eight of them, and 0.73 in 16–23, which has seven. Others see nothing.
    let attack = Attack { ball: Ball::L2, radius: 0.7, step: 0.25, steps: 5, random_start: false };
    let (_, row) = measured(&images, |subject| AttackSpectrum::new(subject, attack))?;
    assert_eq!((row.images, row.skipped, row.clean_errors, row.attacked_errors), (40, 0, 0, 40));
    assert_eq!(row.octave_errors, [0, 0, 0, 40, 0]);
    // A change of length ε in one of three channels has |F| = ε/4 at each of 16 frequencies; of ring 8 they are four.
    let bins = spectral::RadialBins::new(32, 32, spectral::Convention::Nearest);
    let expected = 4.0 / bins.counts()[7] as f64 * 0.7 / 4.0 / 3.0;
    assert!((row.change_mean[7] / expected - 1.0).abs() < 1e-4, "{} {expected}", row.change_mean[7]);
    for (change, gradient) in row.change_mean.iter().zip(&row.gradient_mean) {
        assert!(
            (change - gradient).abs() < 1e-6,
            "a linear network's gradient is the change: {change} {gradient}"
        );
    }
    Ok(())
}

/// A session that sets its own interrupt flag at the n-th step.
fn stopped_after(steps: usize) -> Session {
    let (flag, seen) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
    let own = Arc::clone(&flag);
    let report = move |event: progress::Event<'_>| {
        if matches!(event, progress::Event::Advance(_)) && seen.fetch_add(1, Ordering::SeqCst) + 1 == steps {
            own.store(true, Ordering::SeqCst);
        }
    };
    Session { progress: Progress::new(report, flag), ..Session::default() }
}

/// A session that counts steps.
fn counting() -> (Session, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&seen);
    let report = move |event: progress::Event<'_>| {
        own.fetch_add(usize::from(matches!(event, progress::Event::Advance(_))), Ordering::SeqCst);
    };
    (Session { progress: Progress::new(report, Arc::default()), ..Session::default() }, seen)
}

/// Stops a measurement at several steps, goes on each time, and compares with one that was never stopped.
fn check_resuming<M: Measure>(
    images: &ImageSet,
    run: &std::path::Path,
    measure: impl Fn(&Subject<'_>) -> Result<M, Error> + Sync,
    stops: &[usize],
) -> Outcome
where
    M::Row: PartialEq + std::fmt::Debug + Send,
{
    let (profile, checkpoints) = (profile(), checkpoints_of_run(run)?);
    let measured = |session: &Session, output: &std::path::Path| {
        let subject = Subject {
            images,
            profile: &profile,
            network: "resnet20".parse::<models::Architecture>()?.into(),
            session,
        };
        let measure = measure(&subject)?;
        let (rows, partial) = resume_measure(&measure, &subject, &checkpoints, output)?;
        let networks = subject.describe(&checkpoints)?;
        let files = MeasureReport::new(&measure, &subject, &networks, &rows)?.save(output)?;
        partial.remove()?;
        Ok::<_, Error>((rows, files))
    };
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (expected, files) = measured(&Session::default(), whole.path())?;
    assert_eq!(expected.len(), 2);
    for &steps in stops {
        let stopped = measured(&stopped_after(steps), parts.path()).expect_err("stopped");
        assert!(matches!(stopped, Error::MeasureInterrupted { .. }), "{stopped}");
        assert_eq!(std::fs::read_dir(parts.path())?.count(), 1, "what was measured, and no result");
    }
    let (found, _) = rayon_threads(1, || measured(&Session::default(), parts.path()))?;
    assert_eq!(found, expected);
    for file in files.iter().filter(|file| file.parent() == Some(whole.path())) {
        let other = parts.path().join(file.file_name().unwrap_or_default());
        assert!(std::fs::read(file)? == std::fs::read(&other)?, "{}", other.display());
    }
    assert!(!parts.path().join(format!("{}.partial.json", M::NAME)).exists());
    Ok(())
}

/// Runs something on so many threads.
fn rayon_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(run)
}

#[test]
fn a_measurement_that_is_stopped_goes_on_and_gives_the_same_files() -> Outcome {
    let folder = tempfile::tempdir()?;
    let dataset = Synthetic { seed: 0, train: 64, test: 60 }.generate();
    let profile = profile();
    let run =
        TrainingRun { epochs: 2, ..TrainingRun::new("resnet20".parse()?, &dataset, &profile, folder.path()) };
    run.train(&Session::default())?;
    let (images, run) = (&dataset.test, folder.path());
    // Three batches of ten steps: in the first, in the middle of the second, in the second network.
    let map = |subject: &Subject<'_>| FourierHeatMap::new(subject)?.within(1);
    check_resuming(images, run, map, &[4, 9, 12])?;
    // Three batches of a step, then of five in another order, until their rates are known.
    let drawn = |subject: &Subject<'_>| FourierHeatMap::new(subject)?.within(1)?.with_precision(0.05);
    check_resuming(images, run, drawn, &[2, 5, 11])?;
    check_resuming(images, run, Sensitivity::new, &[1, 3])?;
    check_resuming(images, run, |subject| CriticalBands::new(subject, 1), &[5, 20])?;
    check_resuming(images, run, |_| Ok(LayerSpectra::new(1)), &[1, 2])?;
    // Once through with 515 steps, and again with four.
    let mut few = images.clone();
    few.limit(6);
    check_resuming(&few, run, |subject| Shortcuts::new(subject)?.of_classes(&[2]), &[3, 515 + 2])?;
    Ok(())
}

#[test]
fn a_spectrum_that_is_stopped_goes_on_with_the_next_batch() -> Outcome {
    let folder = tempfile::tempdir()?;
    let dataset = Synthetic { seed: 0, train: 64, test: 60 }.generate();
    let usual = DatasetProfile { gradient_batch_size: 8, ..profile() };
    let run =
        TrainingRun { epochs: 2, ..TrainingRun::new("resnet20".parse()?, &dataset, &usual, folder.path()) };
    run.train(&Session::default())?;
    let (checkpoints, groups) = (
        checkpoints_of_run(folder.path())?,
        SpectrumGroups { difference: Some(spectral::Outcome::Wrong), per_class: true },
    );
    let output = tempfile::tempdir()?;
    let measured = |profile: &DatasetProfile, session: &Session| {
        let spectrum = GradientSpectrum::new(&dataset.test, profile, "resnet20".parse()?, session)?;
        let spectrum = spectrum.with_groups(groups);
        spectrum.resume(&checkpoints, &spectrum.describe(&checkpoints)?, output.path())
    };
    let (expected, partial) = measured(&usual, &Session::default())?;
    partial.remove()?;
    // Of eight batches a checkpoint: five, three of which are left, and one of the next.
    for steps in [5, 4] {
        let stopped = measured(&usual, &stopped_after(steps)).expect_err("stopped");
        assert!(matches!(stopped, Error::MeasureInterrupted { .. }), "{stopped}");
    }
    let (session, steps) = counting();
    let (found, partial) = measured(&usual, &session)?;
    assert_eq!((found, steps.load(Ordering::SeqCst)), (expected.clone(), 7));
    // Batches of another size begin elsewhere: the checkpoint is measured anew, a finished row is not.
    partial.remove()?;
    measured(&usual, &stopped_after(9)).expect_err("stopped");
    let (session, steps) = counting();
    let other = DatasetProfile { gradient_batch_size: 20, ..usual.clone() };
    let (found, partial) = measured(&other, &session)?;
    assert_eq!((found, steps.load(Ordering::SeqCst)), (expected, 3));
    Ok(partial.remove()?)
}

#[test]
fn an_evaluation_that_is_stopped_goes_on_with_the_next_batch_or_component() -> Outcome {
    let folder = tempfile::tempdir()?;
    let dataset = Synthetic { seed: 0, train: 64, test: 60 }.generate();
    let usual = DatasetProfile { batch_size: 16, ..profile() };
    let run =
        TrainingRun { epochs: 2, ..TrainingRun::new("resnet20".parse()?, &dataset, &usual, folder.path()) };
    run.train(&Session::default())?;
    let components =
        ComponentRequest { sides: vec![Side::Low], radii: vec![4, 8], ..ComponentRequest::default() };
    for features in [false, true] {
        let settings =
            EvaluationSettings { components: components.clone(), features, ..EvaluationSettings::default() };
        let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let measured = |profile: &DatasetProfile, output: &std::path::Path, session: &Session| {
            let evaluator = Evaluator::new(&settings, &dataset.test, profile, "resnet20".parse()?, session)?;
            let checkpoints = checkpoints_of_run(folder.path())?.into_iter();
            let labelled = checkpoints.map(|checkpoint| (checkpoint, "epoch".to_owned())).collect();
            let (measured, partial) = evaluator.resume(labelled, output)?;
            EvaluationReport { evaluator: &evaluator, measured: &measured }.save(output)?;
            partial.remove()
        };
        measured(&usual, whole.path(), &Session::default())?;
        // Each component is four batches: in the second one of the first checkpoint, and in the first one of the second checkpoint.
        let of_checkpoint = 4 * settings.plan().components.len();
        let again = of_checkpoint - 3;
        for (steps, finished) in [(6, 0), (again, 1)] {
            let stopped = measured(&usual, parts.path(), &stopped_after(steps)).expect_err("stopped");
            assert!(
                matches!(stopped, Error::MeasureInterrupted { finished: found } if found == finished),
                "features: {features}, after {steps}: {stopped}"
            );
            assert_eq!(std::fs::read_dir(parts.path())?.count(), 1, "what was measured, and no result");
        }
        let (session, steps) = counting();
        measured(&usual, parts.path(), &session)?;
        let done = if features { of_checkpoint } else { 6 + again };
        assert_eq!(steps.load(Ordering::SeqCst), 2 * of_checkpoint - done, "features: {features}");
        assert!(on_ranks::files(parts.path())? == on_ranks::files(whole.path())?);
    }
    Ok(())
}
