//! Whole fits: the same bits again, interrupted or not and on any number of threads, and what is refused.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use candle_core::{Device, Tensor};
use cdes::{
    ByteImages, EpochLosses, Error, Fit, FitEvent, FitSettings, FloatImages, ImageSource, KernelFolder,
    Objective, Outcome, Start, ToyKernels, target_density,
};
use spectral::{Convention, RadialBins};
use training::Schedule;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SIZE: [usize; 2] = [12, 10];

/// 50 images: at 20 a batch, three batches, the last one smaller and more than sixteen images in the others.
fn bytes() -> Vec<u8> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..50 * 360).map(|_| next()).collect()
}

fn settings(epochs: usize) -> FitSettings {
    let schedule = Schedule::Step { epochs: 1, factor: 0.5 };
    FitSettings { epochs, schedule, batch_size: 20, seed: 3, ..FitSettings::default() }
}

fn target() -> Vec<f64> {
    target_density(RadialBins::new(12, 10, Convention::Reference).len(), 12, 1.0)
}

fn fit(settings: FitSettings) -> Fit {
    let objective = Objective::new(12, 10, target()).expect("a target of as many bands");
    settings.check(objective).expect("settings in their ranges")
}

fn kernels() -> ToyKernels {
    ToyKernels::new(5, 3, 1).expect("an odd size")
}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

/// Runs in a folder and gives back the losses of the epochs it did.
fn run(
    fit: &Fit,
    folder: &KernelFolder,
    interrupt: &AtomicBool,
    stop_after: usize,
) -> Result<(Outcome, Vec<EpochLosses>)> {
    let (bytes, mut epochs, mut batches) = (bytes(), Vec::new(), 0);
    let outcome =
        fit.run(&mut kernels(), &ByteImages::new(&bytes, SIZE)?, Some(folder), interrupt, &mut |event| {
            match event {
                FitEvent::Batch { .. } => {
                    batches += 1;
                    if batches == stop_after {
                        interrupt.store(true, Ordering::SeqCst);
                    }
                }
                FitEvent::Epoch { losses, .. } => epochs.push(*losses),
            }
        })?;
    Ok((outcome, epochs))
}

/// Every file's name and content.
fn content(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read(&path)?));
    }
    files.sort();
    Ok(files)
}

fn in_folder(name: &str) -> Result<(tempfile::TempDir, KernelFolder)> {
    let root = tempfile::tempdir()?;
    let folder = KernelFolder::begin(root.path().join(name), Start::Fresh)?;
    Ok((root, folder))
}

#[test]
fn a_fit_leaves_its_files_and_its_losses_fall() -> Result {
    let (_root, folder) = in_folder("whole")?;
    let (outcome, epochs) = run(&fit(settings(3)), &folder, &never(), 0)?;
    assert_eq!((outcome, epochs.len()), (Outcome::Finished, 3));
    assert!(epochs[2].loss < epochs[0].loss, "{epochs:?}");
    assert_eq!([epochs[0].lr, epochs[1].lr], [0.01, 0.005]);
    let names: Vec<String> = content(folder.path())?.into_iter().map(|(name, _)| name).collect();
    let expected =
        ["Epoch0", "Epoch1", "Epoch2", "latest", "latest.state"].map(|name| format!("{name}.safetensors"));
    assert_eq!(names[..3], expected[..3]);
    assert_eq!(names[3..], [&expected[3..], &["log.jsonl".to_owned()]].concat());
    let log = fs::read_to_string(folder.log_path())?;
    let lines: std::result::Result<Vec<EpochLosses>, _> = log.lines().map(serde_json::from_str).collect();
    assert_eq!(lines?.len(), 3);
    assert!(log.starts_with("{\"epoch\":0,\"image_loss\":"), "{log}");
    assert_eq!(fs::read(folder.latest_path())?, fs::read(folder.checkpoint_path(2))?);
    assert_eq!(ToyKernels::load(&folder.latest_path())?.number(), 5);
    Ok(())
}

#[test]
fn one_epoch_and_one_more_are_two() -> Result {
    let ((_one, whole), (_two, parts)) = (in_folder("whole")?, in_folder("parts")?);
    run(&fit(settings(2)), &whole, &never(), 0)?;
    run(&fit(settings(1)), &parts, &never(), 0)?;
    let (outcome, epochs) =
        run(&fit(settings(2)), &KernelFolder::begin(parts.path(), Start::Resume)?, &never(), 0)?;
    assert_eq!((outcome, epochs.len()), (Outcome::Finished, 1));
    assert_eq!(content(whole.path())?, content(parts.path())?);
    Ok(())
}

/// After every batch in turn, in the middle of epochs and at their ends.
#[test]
fn a_fit_may_be_interrupted_anywhere() -> Result {
    let (_one, whole) = in_folder("whole")?;
    run(&fit(settings(2)), &whole, &never(), 0)?;
    let (_two, parts) = in_folder("parts")?;
    let mut stops = Vec::new();
    while let (Outcome::Interrupted { epoch, batch }, _) = run(&fit(settings(2)), &parts, &never(), 1)? {
        stops.push((epoch, batch));
    }
    assert_eq!(stops, [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    assert_eq!(content(whole.path())?, content(parts.path())?);
    Ok(())
}

#[test]
fn one_thread_and_two_give_the_same_bits() -> Result {
    let on = |threads: usize| -> Result<Vec<(String, Vec<u8>)>> {
        let (_root, folder) = in_folder("fit")?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| {
            run(&fit(settings(1)), &folder, &never(), 0).map(drop).map_err(|error| error.to_string())
        })?;
        content(folder.path())
    };
    assert_eq!(on(1)?, on(2)?);
    Ok(())
}

#[test]
fn changed_settings_are_named() -> Result {
    let (_root, folder) = in_folder("fit")?;
    run(&fit(settings(1)), &folder, &never(), 0)?;
    let refused = |settings: FitSettings| match run(&fit(settings), &folder, &never(), 0) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let message = refused(FitSettings { lr: 0.02, ..settings(2) });
    assert!(message.contains("started with learning rate 0.01, but now it is 0.02"), "{message}");
    assert!(refused(FitSettings { seed: 4, ..settings(2) }).contains("seed 3"));
    assert!(refused(FitSettings { batch_size: 10, ..settings(2) }).contains("batch size 20"));
    assert!(
        refused(FitSettings { schedule: Schedule::Constant, ..settings(2) }).contains("schedule step:1:0.5")
    );
    assert!(refused(FitSettings { momentum: 0.5, ..settings(2) }).contains("momentum 0.9"));
    let other =
        settings(2).check(Objective::new(12, 10, target().iter().map(|value| value / 2.0).collect())?)?;
    let message = run(&other, &folder, &never(), 0).expect_err("another target").to_string();
    assert!(message.contains("started with target density 1 "), "{message}");
    let values = bytes();
    let (images, mut larger) = (ByteImages::new(&values, SIZE)?, ToyKernels::new(6, 3, 0)?);
    let error = fit(settings(2)).run(&mut larger, &images, Some(&folder), &never(), &mut |_| ());
    assert!(error.expect_err("six kernels").to_string().contains("number of kernels 5, but now it is 6"));
    Ok(())
}

#[test]
fn a_state_cut_short_is_an_error_that_names_it() -> Result {
    let (_root, folder) = in_folder("fit")?;
    run(&fit(settings(1)), &folder, &never(), 0)?;
    let whole = fs::read(folder.state_path())?;
    for length in (0..whole.len()).step_by(97) {
        fs::write(folder.state_path(), &whole[..length])?;
        let error = run(&fit(settings(2)), &folder, &never(), 0).expect_err("a state cut short").to_string();
        assert!(error.contains("latest.state.safetensors"), "{length}: {error}");
    }
    Ok(())
}

#[test]
fn folders_are_begun_with_care() -> Result {
    let (_root, folder) = in_folder("fit")?;
    assert!(matches!(KernelFolder::begin(folder.path(), Start::Resume), Err(Error::NothingToResume { .. })));
    run(&fit(settings(1)), &folder, &never(), 0)?;
    assert!(matches!(KernelFolder::begin(folder.path(), Start::Fresh), Err(Error::FitExists { .. })));
    fs::write(folder.path().join("notes.txt"), "mine")?;
    let names: Vec<String> = {
        KernelFolder::begin(folder.path(), Start::Overwrite)?;
        content(folder.path())?.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names, ["notes.txt"]);
    Ok(())
}

#[test]
fn a_fit_that_diverges_says_where() -> Result {
    let (values, settings) = (bytes(), FitSettings { lr: 1e6, ..settings(3) });
    let mut kernels = kernels();
    let outcome =
        fit(settings).run(&mut kernels, &ByteImages::new(&values, SIZE)?, None, &never(), &mut |_| ());
    assert!(
        matches!(outcome, Err(Error::Diverged { epoch: 0, batch: 1.., lr, .. }) if lr == 1e6),
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn images_that_do_not_fit_are_refused() -> Result {
    let attempt = |images: &dyn Fn() -> Result<Vec<f32>>, size| -> Result<String> {
        let values = images()?;
        let source = FloatImages::new(&values, size)?;
        let outcome = fit(settings(1)).run(&mut kernels(), &source, None, &never(), &mut |_| ());
        Ok(outcome.err().map(|error| error.to_string()).unwrap_or_default())
    };
    assert!(attempt(&|| Ok(vec![]), SIZE)?.contains("no images to fit on"));
    let message = attempt(&|| Ok(vec![0.5; 192]), [8, 8])?;
    assert!(message.contains("image size 8×8"), "{message}");
    let message = attempt(
        &|| {
            let mut values = vec![0.5; 3 * 360];
            values[2 * 360 + 5] = f32::NAN;
            Ok(values)
        },
        SIZE,
    )?;
    assert!(message.contains("NaN") && message.contains("0, 0, 5]"), "{message}");
    Ok(())
}

#[test]
fn settings_out_of_range_are_refused() -> Result {
    let refused = |settings: FitSettings| -> Result<String> {
        let checked = settings.check(Objective::new(12, 10, target())?);
        Ok(checked.err().map(|error| error.to_string()).unwrap_or_default())
    };
    assert!(refused(FitSettings { lr: f64::NAN, ..settings(1) })?.contains("learning rate NaN"));
    assert!(refused(FitSettings { weight_decay: -1.0, ..settings(1) })?.contains("weight decay -1"));
    assert!(refused(FitSettings { batch_size: 0, ..settings(1) })?.contains("batch size 0"));
    assert!(
        refused(FitSettings { schedule: Schedule::Step { epochs: 0, factor: 0.1 }, ..settings(1) })?
            .contains("step:0")
    );
    assert_eq!(refused(settings(1))?, "");
    Ok(())
}

/// A source of one's own: the same images by a closure's rule.
struct Half;

impl ImageSource for Half {
    fn len(&self) -> usize {
        2
    }

    fn size(&self) -> [usize; 2] {
        SIZE
    }

    fn write(&self, index: usize, pixels: &mut [f32]) {
        pixels.iter_mut().enumerate().for_each(|(at, pixel)| *pixel = ((at * (index + 3)) % 7) as f32 / 7.0);
    }
}

/// A fit of one batch is what a step by hand is.
#[test]
fn a_fit_takes_the_steps_that_its_parts_take() -> Result {
    let (mut fitted, by_hand) = (kernels(), kernels());
    let fit = fit(settings(1));
    fit.run(&mut fitted, &Half, None, &never(), &mut |_| ())?;
    let mut same = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let mut values = vec![0.0; 720];
        values.chunks_mut(360).zip(order).for_each(|(pixels, index)| Half.write(index, pixels));
        let images = Tensor::from_vec(values, (2, 3, 12, 10), &Device::Cpu)?;
        let noisy = cdes::noisy(&images, &mut cdes::noise_generator(3, 0, 0))?;
        let kernels = kernels();
        let (_, gradients) = kernels.gradients(fit.objective(), &noisy)?;
        training::Sgd::new(0.9, 1e-4).step(kernels.parameters(), &gradients, 0.01)?;
        let values =
            |kernels: &ToyKernels| kernels.parameters()["kernels.0.weight"].flatten_all()?.to_vec1::<f32>();
        assert_ne!(values(&kernels)?, values(&by_hand)?);
        same.push(values(&kernels)? == values(&fitted)?);
    }
    assert!(same.contains(&true), "in one of the two orders");
    Ok(())
}
