//! Truths that were planted: octaves that a linear network sees, a wave on its way through it, frequencies that stand for classes.

use std::f32::consts::TAU;

use analysis::{
    CorruptionSource, Corruptions, CriticalBands, LayerSpectra, Measure, Shortcuts, ShortcutsRow,
};
use datasets::{
    ImageShape,
    catalog::{CorruptedImages, Name, Request},
    frequency::{Writer, write_numbers},
};
use progress::Progress;

use super::{Outcome, images, measured};

/// Φ(z), by the trapezium rule on the density.
fn normal(z: f64) -> f64 {
    let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let step = z / 2000.0;
    let inner: f64 = (1..2000).map(|at| density(at as f64 * step)).sum();
    0.5 + step * (inner + (density(0.0) + density(z)) / 2.0)
}

#[test]
fn a_linear_network_is_stopped_by_octaves_that_it_sees() -> Outcome {
    const MARGIN: f64 = 0.004;
    // Pale grey 0.496 and 0.504: 0.449 + 0.2·(g − 0.449).
    let images = images(200, |label, _| if label == 0 { 0.684 } else { 0.724 })?;
    let (measure, row) = measured(&images, |subject| CriticalBands::new(subject, 5)?.with_criterion(0.8))?;
    assert_eq!((row.images, row.clean), (200, 200));
    // Frequencies of each octave, and those of them at multiples of 8, which alone move the mean of the grid.
    let mut counts = [[0f64; 2]; 4];
    for (u, v) in (-16i32..16).flat_map(|u| (-16i32..16).map(move |v| (u, v))) {
        let octave = (f64::from(u).hypot(f64::from(v)) / 1.75).log2() + 0.5;
        if (0.0..4.0).contains(&octave) {
            let is_seen = u % 8 == 0 && v % 8 == 0;
            counts[octave as usize][0] += 1.0;
            counts[octave as usize][1] += f64::from(u8::from(is_seen));
        }
    }
    for (octave, [all, seen]) in counts.into_iter().enumerate() {
        for (at, strength) in [0.02, 0.04, 0.08, 0.16].into_iter().enumerate() {
            let deviation = strength * (seen / all).sqrt();
            let expected = if seen == 0.0 { 1.0 } else { normal(MARGIN / deviation) };
            let sure = 4.0 * (expected * (1.0 - expected) / 200.0).sqrt();
            let found = row.correct[octave][at] as f64 / 200.0;
            assert!((found - expected).abs() <= sure, "octave {octave}, σ = {strength}: {found} {expected}");
        }
        assert_eq!(row.thresholds[octave].is_some(), seen > 0.0, "{:?}", row.thresholds);
        let sensitivities = row.sensitivities.as_ref().ok_or("above the criterion")?;
        assert_eq!(sensitivities[octave] > 0.0, seen > 0.0);
        if let (Some(threshold), Some([low, high])) =
            (row.thresholds[octave], row.threshold_intervals[octave])
        {
            assert!(low <= threshold && threshold <= high);
        }
    }
    assert_eq!(row.channel, None, "two octaves make no Gaussian");
    let all_but_blind = |subject: &analysis::Subject<'_>| {
        CriticalBands::new(subject, 5)?.with_contrast(1.0)?.with_criterion(0.4)
    };
    // At full contrast both greys are light: half of the images are right without noise, and with any.
    let (_, light) = measured(&images, all_but_blind)?;
    assert_eq!((light.clean, light.thresholds[3], light.sensitivities), (100, None, Some(vec![0.0; 4])));
    assert_eq!(measure.findings(&[&row], &[0], "")?.arrays[0].shape, [1, 4, 5]);
    Ok(())
}

#[test]
fn a_wave_goes_through_a_linear_network_as_it_is() -> Outcome {
    const AMPLITUDE: f32 = 0.2;
    let wave = |_, at: usize| 0.5 + AMPLITUDE * (TAU * (3 * (at / 32 + at % 32)) as f32 / 32.0).cos();
    let (measure, row) = measured(&images(40, wave)?, |_| Ok(LayerSpectra::new(0)))?;
    assert_eq!((row.images, row.blocks.len(), row.blocks[0].size), (40, 9, [32, 32]));
    // The first channel has the red pixels and 16 more, and every second row and column of them on the next stage; others are empty.
    let expected = f64::from(AMPLITUDE / 2.0) / 16.5;
    for block in &row.blocks {
        let found = block.log_amplitude[3].ok_or("an amplitude")?;
        assert!((found - expected.ln()).abs() < 1e-4, "{}: {found} {}", block.name, expected.ln());
        assert!(block.log_amplitude[0] == Some(0.0) && block.delta.is_none_or(|delta| delta < -10.0));
    }
    let findings = measure.findings(&[&row], &[0], "")?;
    assert_eq!((findings.arrays.len(), &findings.arrays[11].shape[..]), (12, &[1, 5][..]), "8×8: 0, π/4 … π");
    Ok(())
}

/// Of the two classes TPR and FPR at 1 % and at 20 % of frequencies.
fn rates(row: &ShortcutsRow) -> Vec<[f64; 4]> {
    let rate = |class: &analysis::ClassShortcut, share: usize, which: usize| {
        class.rates(share)[which].fraction().unwrap_or(f64::NAN)
    };
    let of_class = |class| [(0, 0), (0, 1), (3, 0), (3, 1)].map(|(share, which)| rate(class, share, which));
    row.classes.iter().map(of_class).collect()
}

/// Crests at the pixels that the network sees: frequency (0, 8) across, (8, 0) down.
fn waves(at: usize) -> [f32; 2] {
    [at % 32, at / 32].map(|place| (TAU * place as f32 / 4.0).cos())
}

#[test]
fn a_planted_shortcut_is_found() -> Outcome {
    // Light images have a wave across and little against it, dark ones the same wave and as much against it down the image: whoever
    // sees the wave across alone says light, whoever sees that down the image alone says dark.
    let set = images(16, |label, at| {
        let [across, down] = waves(at);
        0.44 + 0.14 * across - if label == 0 { 0.14 } else { 0.02 } * down
    })?;
    let (measure, row) = measured(&set, Shortcuts::new)?;
    assert_eq!((row.images, row.classes[0].correct, row.classes[1].correct), (16, 8, 8));
    for (class, found) in rates(&row).into_iter().enumerate() {
        assert_eq!(found, [1.0, 1.0, 1.0, 1.0], "class {class}");
    }
    let findings = measure.findings(&[&row], &[0], "")?;
    let rises = findings.arrays.iter().find(|array| array.name == "loss_rise").ok_or("loss_rise")?;
    let at = |class: usize, u: i64, v: i64| rises.values[class * 1024 + ((u + 16) * 32 + v + 16) as usize];
    // By hand: the mean 0.56 of light images becomes 0.42 without the wave across, a margin of −8 instead of 6.
    let loss = |margin: f64| (1.0 + (-margin).exp()).ln();
    assert!((at(1, 0, 8) - (loss(-8.0) - loss(6.0))).abs() < 1e-3, "{}", at(1, 0, 8));
    assert!((at(1, 0, -8) - at(1, 0, 8)).abs() < 1e-12 && at(1, 8, 0) < 0.0, "{}", at(1, 8, 0));
    assert!((at(0, -8, 0) - (loss(-8.0) - loss(6.0))).abs() < 1e-3, "{}", at(0, -8, 0));
    assert!(at(1, 3, 5).abs() < 1e-4, "what is not seen does not matter");
    // Only down the image the amplitudes differ: dark images have more.
    let ranks =
        findings.arrays.iter().find(|array| array.name == "amplitude_rank").ok_or("amplitude_rank")?;
    let rank = |class: usize, u: i64, v: i64| ranks.values[class * 1024 + ((u + 16) * 32 + v + 16) as usize];
    assert_eq!([rank(0, 8, 0), rank(1, 8, 0), rank(1, -8, 0)], [1.0, -1.0, -1.0]);
    Ok(())
}

#[test]
fn what_only_one_class_has_is_no_shortcut() -> Outcome {
    let set = images(16, |label, at| 0.44 + if label == 0 { 0.0 } else { 0.12 } * waves(at)[0])?;
    let (_, row) = measured(&set, |subject| Shortcuts::new(subject)?.of_classes(&[1]))?;
    // The mean and the wave are dominant: light images are right by them, dark ones have the mean alone.
    assert_eq!(rates(&row), [[1.0, 0.0, 1.0, 0.0]]);
    for classes in [&[][..], &[2]] {
        let refused = measured(&set, |subject| Shortcuts::new(subject)?.of_classes(classes));
        let said = refused.err().ok_or("refused")?.to_string();
        assert!(said.contains("numbers of classes from 0 to 1"), "{said}");
    }
    Ok(())
}

/// Grey images of CIFAR-100's form, dark and light by turns, and two corruptions of them: one makes them lighter by 5 of 255 a severity, the
/// other adds a wave across of 20 a severity.
fn corrupted_cifar(root: &std::path::Path) -> Outcome {
    const COUNT: u8 = 40;
    let grey = |image: u8| if image.is_multiple_of(2) { 112 } else { 143 };
    std::fs::create_dir(root.join("cifar-100-binary"))?;
    for name in ["train.bin", "test.bin"] {
        let record = |image: u8| [0, image % 2].into_iter().chain([grey(image); 3072]);
        std::fs::write(
            root.join("cifar-100-binary").join(name),
            (0..COUNT).flat_map(record).collect::<Vec<u8>>(),
        )?;
    }
    let corrupted = root.join("CIFAR-100-C");
    std::fs::create_dir(&corrupted)?;
    let pixel = |name: &str, image: u8, severity: u8, at: usize| {
        let wave = [1, 0, -1, 0][at % 32 % 4];
        let more = if name == "fog" { 5 } else { 20 * wave } * i16::from(severity);
        (i16::from(grey(image)) + more) as u8
    };
    for name in ["fog", "stripes"] {
        let mut writer =
            Writer::create(&corrupted.join(format!("{name}.npy")), ImageShape::RGB32, 5 * COUNT as usize)?;
        for (severity, image) in (1..=5).flat_map(|severity| (0..COUNT).map(move |image| (severity, image))) {
            let planes: Vec<u8> = (0..3072).map(|at| pixel(name, image, severity, at % 1024)).collect();
            writer.put(&planes)?;
        }
        writer.finish()?;
    }
    let labels: Vec<i64> = (0..5 * i64::from(COUNT)).map(|at| at % 2).collect();
    Ok(write_numbers(&corrupted.join("labels.npy"), &labels)?)
}

#[test]
fn published_corruptions_are_met_by_what_the_network_sees() -> Outcome {
    let folder = tempfile::tempdir()?;
    corrupted_cifar(folder.path())?;
    let request =
        Request { name: Name::Cifar100, root: Some(folder.path().to_path_buf()), ..Request::default() };
    let clean = request.open(&Progress::default())?.test;
    let published = || CorruptedImages::find(&request, &folder.path().join("CIFAR-100-C"));
    assert_eq!(published()?.names(), ["fog", "stripes"]);
    let source = CorruptionSource::Published(published()?.into());
    let (measure, row) = measured(&clean, |subject| Corruptions::new(subject, source))?;
    assert_eq!((row.images, row.clean_errors), (40, 0));
    // 112 + 15 of 255 is below the half, 112 + 20 above; a wave lifts the network's grid by all of its height.
    let errors = |at: usize| row.corrupted[at].iter().map(|of| of.errors).collect::<Vec<_>>();
    assert_eq!((errors(0), errors(1)), (vec![0, 0, 0, 20, 20], vec![20; 5]));
    assert!((row.mean_error() - 0.35).abs() < 1e-12, "half of (0.2 + 0.5): {}", row.mean_error());
    // A wave of height h has |F| = 16·h at two frequencies; its ring has 4 of the 15 frequencies that the network sees.
    let bins = spectral::RadialBins::new(32, 32, spectral::Convention::Nearest);
    for (at, found) in row.corrupted[1].iter().enumerate() {
        let expected = 16.0 * 20.0 * (at + 1) as f64 / 255.0 * 2.0 / bins.counts()[7] as f64;
        assert!((found.change[7] / expected - 1.0).abs() < 1e-5, "{} {expected}", found.change[7]);
        assert!((found.predicted / (expected * 4.0 / 15.0) - 1.0).abs() < 1e-4, "{}", found.predicted);
    }
    assert!(row.corrupted[0].iter().all(|of| of.change.iter().all(|&change| change < 1e-6)));
    assert!(row.rank_correlation.is_some_and(|found| found > 0.5), "{:?}", row.rank_correlation);
    let findings = measure.findings(&[&row], &[0], "")?;
    assert_eq!(findings.arrays[4].shape, [1, 2, 5, 23]);
    // Beside itself every corruption has the ratio 1; other results are refused.
    let results = folder.path().join("corruptions.json");
    let mut json = serde_json::json!({
        "measure": "corruptions", "arch": "resnet20", "dataset": super::profile().label, "rows": findings.rows,
    });
    json["corruptions"] = findings.shared["corruptions"].clone();
    std::fs::write(&results, serde_json::to_vec(&json)?)?;
    let source = CorruptionSource::Published(published()?.into());
    let (beside, row) = measured(&clean, |subject| Corruptions::new(subject, source)?.beside(&results))?;
    let findings = beside.findings(&[&row], &[0], "")?;
    assert_eq!((&findings.rows[0]["mce"], &findings.rows[0]["ce"][1]), (&1.0.into(), &1.0.into()));
    std::fs::write(&results, r#"{"measure": "sensitivity", "arch": "resnet20", "rows": [{"mean": []}]}"#)?;
    let source = CorruptionSource::Published(published()?.into());
    let refused = measured(&clean, |subject| Corruptions::new(subject, source)?.beside(&results)).err();
    assert!(refused.is_some_and(|error| error.to_string().contains("results of sensitivity")));
    Ok(())
}

#[test]
fn corruptions_of_other_images_are_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    corrupted_cifar(folder.path())?;
    let request =
        Request { name: Name::Cifar100, root: Some(folder.path().to_path_buf()), ..Request::default() };
    let mut clean = request.open(&Progress::default())?.test;
    clean.limit(30);
    let published = CorruptedImages::find(&request, &folder.path().join("CIFAR-100-C"))?;
    let source = CorruptionSource::Published(published.into());
    let refused = measured(&clean, |subject| Corruptions::new(subject, source)).err().ok_or("refused")?;
    assert!(refused.to_string().contains("fog:1: 40 images, and 30 without"), "{refused}");
    let synthetic = CorruptedImages::find(&Request::default(), folder.path());
    assert!(synthetic.is_err_and(|error| error.to_string().contains("synthetic: there are no published")));
    Ok(())
}

#[test]
fn corruptions_are_made_of_any_images() -> Outcome {
    let images = super::grey(40)?;
    let (_, row) =
        measured(&images, |subject| Corruptions::new(subject, CorruptionSource::BuiltIn { seed: 4 }))?;
    let errors = |at: usize| row.corrupted[at].iter().map(|of| of.errors).collect::<Vec<_>>();
    // Dark images of 0.44 become light with 0.1 more and not with 0.05; contrast and blur change no image of a single grey.
    assert_eq!([errors(0), errors(1), errors(2)], [vec![0, 20, 20, 20, 20], vec![0; 5], vec![0; 5]]);
    // The mean of 64 pixels moves by σ/8 = 0.0125 at most: 0.06 is far.
    assert_eq!(errors(3), [0; 5]);
    // Noise has E|F| = √(π/4)·σ at each frequency (Rayleigh), σ = 0.1; few values are clipped.
    let expected = (std::f64::consts::PI / 4.0).sqrt() * 0.1;
    let far = |found: f64| (found / expected - 1.0).abs();
    assert!(
        row.corrupted[3][4].change[..15].iter().all(|&found| far(found) < 0.08),
        "{:?}",
        row.corrupted[3][4]
    );
    Ok(())
}
