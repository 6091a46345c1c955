//! Truths that were planted: octaves that a linear network sees, a wave on its way through it, frequencies that stand for classes.

use std::f32::consts::TAU;

use analysis::{CriticalBands, LayerSpectra, Measure, Shortcuts, ShortcutsRow};

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
    let (measure, row) =
        measured(&images, |subject| CriticalBands::new(subject, 5)?.with_criterion(0.8))?;
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
        assert_eq!(row.sensitivities[octave] > 0.0, seen > 0.0);
        if let (Some(threshold), Some([low, high])) = (row.thresholds[octave], row.threshold_intervals[octave])
        {
            assert!(low <= threshold && threshold <= high);
        }
    }
    assert_eq!(row.channel, None, "two octaves make no Gaussian");
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
    let set = images(40, |label, at| {
        let [across, down] = waves(at);
        0.44 + 0.14 * across - if label == 0 { 0.14 } else { 0.02 } * down
    })?;
    let (measure, row) = measured(&set, Shortcuts::new)?;
    assert_eq!((row.images, row.classes[0].correct, row.classes[1].correct), (40, 20, 20));
    for (class, found) in rates(&row).into_iter().enumerate() {
        assert_eq!(found, [1.0, 1.0, 1.0, 1.0], "class {class}");
    }
    let findings = measure.findings(&[&row], &[0], "")?;
    let rises = findings.arrays.iter().find(|array| array.name == "loss_rise").ok_or("loss_rise")?;
    let at = |class: usize, u: i64, v: i64| {
        rises.values[class * 1024 + ((u + 16) * 32 + v + 16) as usize]
    };
    // By hand: the mean 0.56 of light images becomes 0.42 without the wave across, a margin of −8 instead of 6.
    let loss = |margin: f64| (1.0 + (-margin).exp()).ln();
    assert!((at(1, 0, 8) - (loss(-8.0) - loss(6.0))).abs() < 1e-3, "{}", at(1, 0, 8));
    assert!((at(1, 0, -8) - at(1, 0, 8)).abs() < 1e-12 && at(1, 8, 0) < 0.0, "{}", at(1, 8, 0));
    assert!((at(0, -8, 0) - (loss(-8.0) - loss(6.0))).abs() < 1e-3, "{}", at(0, -8, 0));
    assert!(at(1, 3, 5).abs() < 1e-4, "what is not seen does not matter");
    // Only down the image the amplitudes differ: dark images have more.
    let ranks = findings.arrays.iter().find(|array| array.name == "amplitude_rank").ok_or("amplitude_rank")?;
    let rank = |class: usize, u: i64, v: i64| ranks.values[class * 1024 + ((u + 16) * 32 + v + 16) as usize];
    assert_eq!([rank(0, 8, 0), rank(1, 8, 0), rank(1, -8, 0)], [1.0, -1.0, -1.0]);
    Ok(())
}

#[test]
fn what_only_one_class_has_is_no_shortcut() -> Outcome {
    let set = images(40, |label, at| 0.44 + if label == 0 { 0.0 } else { 0.12 } * waves(at)[0])?;
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
