//! Fits of kernels: resumed or whole, and what is rejected; and the images that they make.

use std::{fs, path::Path};

use crate::common::{Outcome, assert_same, content, data, interrupted};
use cdes::FitSettings;
use datasets::{Dataset, Limits, generated};
use derived::{
    Error, Experiment, Provenance,
    kernels::{FitOn, Fitted, KernelFit},
    restructured::Restructuring,
};
use progress::Progress;
use training::Start;

fn fit(folder: &Path, epochs: usize) -> KernelFit {
    KernelFit {
        experiment: Experiment::Wcr,
        number: 2,
        kernel_size: 3,
        steps: FitSettings { epochs, batch_size: 6, ..FitSettings::default() },
        provenance: Provenance { command: "test".into(), version: "1".into(), ..Provenance::default() },
        ..KernelFit::new(folder)
    }
}

fn run(fit: &KernelFit, start: Start) -> Result<Vec<Fitted>, Error> {
    fit.run(&data(), start, None, &Progress::default())
}

#[test]
fn one_epoch_and_another_equal_two() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let of = |folder: &Path, epochs| KernelFit { experiment: Experiment::Scr, ..fit(folder, epochs) };
    let fitted = run(&of(whole.path(), 2), Start::Fresh)?;
    assert_eq!(fitted.iter().map(|fitted| fitted.scope.folder()).collect::<Vec<_>>(), ["class0", "class1"]);
    run(&of(parts.path(), 1), Start::Fresh)?;
    let resumed = run(&of(parts.path(), 2), Start::Resume)?;
    assert_eq!(resumed[1].epochs, fitted[1].epochs);
    let files = content(whole.path())?;
    for name in
        ["class0/Epoch1.safetensors", "class1/Img/Sp-epoch0.png", "class1/Img/Img-epoch1.png", "config.json"]
    {
        assert!(files.contains_key(Path::new(name)), "{name}");
    }
    assert_same(&files, &content(parts.path())?);
    Ok(())
}

#[test]
fn a_stopped_fit_says_where_and_is_resumed() -> Outcome {
    let (whole, parts) = (tempfile::tempdir()?, tempfile::tempdir()?);
    run(&fit(whole.path(), 2), Start::Fresh)?;
    let stopped = fit(parts.path(), 2).run(&data(), Start::Fresh, None, &interrupted());
    match stopped {
        Err(Error::FitInterrupted { label, epoch: 0, batches: 1, folder }) => {
            assert_eq!((label.as_str(), folder.as_path()), ("all classes", parts.path()));
        }
        other => panic!("{other:?}"),
    }
    assert!(!parts.path().join("all_class/Epoch0.safetensors").exists());
    run(&fit(parts.path(), 2), Start::Resume)?;
    assert_same(&content(whole.path())?, &content(parts.path())?);
    Ok(())
}

#[test]
fn rejected_fits_change_nothing() -> Outcome {
    let root = tempfile::tempdir()?;
    let folder = root.path().join("WCR");
    let fit = fit(&folder, 1);
    let missing = run(&fit, Start::Resume);
    assert!(matches!(missing, Err(Error::NothingToResume { .. })), "{missing:?}");
    let even = run(&KernelFit { kernel_size: 4, ..fit.clone() }, Start::Fresh);
    assert!(matches!(even, Err(Error::KernelForm { .. })), "{even:?}");
    let mut few = data();
    few.train.limit(1);
    few.test.limit(1);
    let scr = KernelFit { experiment: Experiment::Scr, ..fit.clone() };
    let none = scr.run(&few, Start::Fresh, None, &Progress::default());
    assert!(matches!(none, Err(Error::NoImages { images: 2, .. })), "{none:?}");
    assert_eq!(fs::read_dir(root.path())?.count(), 0);

    run(&fit, Start::Fresh)?;
    let before = content(&folder)?;
    let exists = run(&fit, Start::Fresh);
    assert!(matches!(exists, Err(Error::FitExists { .. })), "{exists:?}");
    let more = KernelFit { steps: FitSettings { epochs: 2, ..fit.steps.clone() }, ..fit.clone() };
    let warm = run(&KernelFit { warm_start: true, ..more.clone() }, Start::Resume);
    assert!(matches!(warm, Err(Error::SettingChanged { name: "warm start", .. })), "{warm:?}");
    let mut other = data();
    other.test.limit(7);
    let resume = |data: &Dataset| more.run(data, Start::Resume, None, &Progress::default());
    let changed = resume(&other);
    assert!(matches!(changed, Err(Error::ImagesChanged { .. })), "{changed:?}");
    let renamed = resume(&Dataset { name: "renamed".into(), ..data() });
    assert!(matches!(renamed, Err(Error::SettingChanged { name: "data set", .. })), "{renamed:?}");
    let huge = run(&KernelFit { kernel_size: 4_000_000_001, ..fit.clone() }, Start::Overwrite);
    assert!(matches!(huge, Err(Error::KernelForm { .. })), "{huge:?}");
    assert_same(&content(&folder)?, &before);

    fs::write(folder.join("config.json"), "[7]")?;
    let damaged = run(&more, Start::Resume).expect_err("no configuration").to_string();
    assert!(damaged.contains("config.json: not a configuration of kernels"), "{damaged}");
    fs::remove_file(folder.join("all_class/latest.state.safetensors"))?;
    for start in [Start::Fresh, Start::Resume] {
        let lost = run(&fit, start);
        assert!(matches!(lost, Err(Error::StateMissing { .. })), "{lost:?}");
    }
    fs::write(folder.join("all_class/notes.txt"), "mine")?;
    run(&fit, Start::Overwrite)?;
    assert_eq!(fs::read(folder.join("all_class/notes.txt"))?, b"mine");
    fs::remove_file(folder.join("all_class/notes.txt"))?;
    assert_same(&content(&folder)?, &before);
    Ok(())
}

#[test]
fn classes_begin_with_the_kernels_before_them_if_so_wanted() -> Outcome {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    for (folder, warm_start) in folders.iter().zip([false, true]) {
        let fit = KernelFit { experiment: Experiment::Scr, warm_start, ..fit(folder.path(), 1) };
        run(&KernelFit { fit_on: FitOn::Train, ..fit }, Start::Fresh)?;
    }
    let [cold, warm] = folders.each_ref().map(|folder| content(folder.path()));
    let (cold, warm) = (cold?, warm?);
    let kernels = |class: usize| format!("class{class}/Epoch0.safetensors");
    assert!(cold[Path::new(&kernels(0))] == warm[Path::new(&kernels(0))]);
    assert!(cold[Path::new(&kernels(1))] != warm[Path::new(&kernels(1))]);
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_images() -> Outcome {
    let (kernels, sets) = (tempfile::tempdir()?, [tempfile::tempdir()?, tempfile::tempdir()?]);
    let quiet = Progress::default();
    run(&fit(kernels.path(), 1), Start::Fresh)?;
    let into = |folder: &Path| Restructuring {
        experiment: Experiment::Wcr,
        radius: 2,
        ..Restructuring::new(kernels.path(), folder)
    };
    for set in &sets {
        let parts = into(set.path()).run(&data(), &quiet)?;
        assert_eq!(parts.iter().map(|part| part.images).collect::<Vec<_>>(), [16, 8]);
        assert_eq!(parts[1].folder, set.path().join("test"));
        assert_eq!(parts[0].valley_and_peak(), None, "images of few bands");
    }
    let before = content(sets[0].path())?;
    assert_same(&before, &content(sets[1].path())?);
    for name in ["config.json", "classes.txt", "train/images.npy", "test/density.json", "test/class1.png"] {
        assert!(before.contains_key(Path::new(name)), "{name}");
    }
    let written = generated::load(sets[0].path(), Limits::default())?;
    assert_eq!(written.train.labels(), data().train.labels());
    assert_eq!(written.train.classes(), ["even", "odd"]);

    let exists = into(sets[0].path()).run(&data(), &quiet);
    assert!(matches!(exists, Err(Error::SetExists { .. })), "{exists:?}");
    let again = Restructuring { overwrite: true, ..into(sets[0].path()) };
    let stopped = again.run(&data(), &interrupted());
    assert!(matches!(stopped, Err(Error::Interrupted(_))), "{stopped:?}");
    assert_same(&content(sets[0].path())?, &before);
    again.run(&data(), &quiet)?;
    assert_same(&content(sets[0].path())?, &before);
    Restructuring { seed: 1, ..again.clone() }.run(&data(), &quiet)?;
    let images = Path::new("test/images.npy");
    assert!(content(sets[0].path())?[images] != before[images], "other noise");
    let source = Some(sets[0].path().join("."));
    let replaced = Restructuring { source, ..again }.run(&data(), &quiet);
    assert!(matches!(replaced, Err(Error::SourceReplaced { .. })), "{replaced:?}");
    Ok(())
}

#[test]
fn images_are_made_by_the_kernels_that_are_meant() -> Outcome {
    let root = tempfile::tempdir()?;
    let (kernels, set, quiet) = (root.path().join("SCR"), root.path().join("set"), Progress::default());
    let making = Restructuring { radius: 2, ..Restructuring::new(&kernels, &set) };
    let run_with = |making: &Restructuring| making.run(&data(), &quiet);
    let none = run_with(&making);
    assert!(matches!(none, Err(Error::NoKernels { epoch: None, experiment: "SCR", .. })), "{none:?}");

    let of = |epochs| KernelFit { experiment: Experiment::Scr, ..fit(&kernels, epochs) };
    run(&of(1), Start::Fresh)?;
    let other = run_with(&Restructuring { number: Some(3), ..making.clone() });
    assert!(matches!(other, Err(Error::KernelNumber { found: 2, expected: 3, .. })), "{other:?}");
    let other = run_with(&Restructuring { kernel_size: Some(7), ..making.clone() });
    assert!(matches!(other, Err(Error::KernelSize { found: 3, expected: 7, .. })), "{other:?}");
    let later = run_with(&Restructuring { epoch: Some(1), ..making.clone() });
    assert!(matches!(later, Err(Error::NoKernels { epoch: Some(1), .. })), "{later:?}");
    let other = making.run(&Dataset { name: "other".into(), ..data() }, &quiet);
    assert!(matches!(other, Err(Error::OtherDataset { .. })), "{other:?}");
    fs::copy(kernels.join("class1/Epoch0.safetensors"), kernels.join("class1/Epoch4.safetensors"))?;
    match run_with(&making) {
        Err(Error::EpochsDiffer { scope, most: 4, least: 0, .. }) => assert_eq!(scope, "class1"),
        other => panic!("{other:?}"),
    }
    assert!(!set.exists(), "rejected sets have no folder");
    let parts = run_with(&Restructuring { epoch: Some(0), ..making })?;
    assert_eq!(parts[0].images, 16);
    Ok(())
}
