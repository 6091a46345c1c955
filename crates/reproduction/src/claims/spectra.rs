//! Claims about densities and gradient spectra.

use evaluation::{correlation_interval, pearson};
use spectral::{SpectrumRow, SpectrumTable};

use super::{
    groups::Groups,
    measure::{Measure, Unit},
    scores::must_have_learned,
    statement::{Outcome, Statement, Untested},
};
use crate::{
    findings::{Densities, Findings},
    training_set::TrainingSet,
};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "low-first",
        figures: &["heat_map_original"],
        title: "A network looks at low frequencies first.",
        paper: "In epochs 0 and 1 the gradient spectrum is bright in bands 0 to 5 (ρ = 1 to 6).",
        rule: "After the first epoch, the mean gradient over bands 0 to 5 is above that over bands 7 to 17.",
        test: low_first,
    },
    Statement {
        id: "upward",
        figures: &["heat_map_original"],
        title: "Then it looks at higher ones.",
        paper: "The energy moves to bands 7 to 17 (ρ = 8 to 18), with a peak near band 11.",
        rule: "What bands 7 to 17 have more than bands 0 to 5 is larger after the last epoch than after the first.",
        test: upward,
    },
    Statement {
        id: "finest-dark",
        figures: &["heat_map_original"],
        title: "It never looks at the highest ones.",
        paper: "Bands 18 and 19 (ρ = 19 and 20) stay dark.",
        rule: "After the last epoch, the mean gradient over bands 18 and 19 is below half of the strongest band's.",
        test: finest_dark,
    },
    Statement {
        id: "density",
        figures: &["density_original"],
        title: "What it looks at goes with what images hold.",
        paper: "The density of images and that of gradients both fall with frequency and nearly coincide.",
        rule: "After the last epoch, the correlation of the two over bands is above zero.",
        test: density,
    },
    Statement {
        id: "second-peak",
        figures: &["images_scr", "images_wcr"],
        title: "Small kernels give images a second peak at high frequencies.",
        paper: "Densities of SCR and WCR images have a valley at band 9 and a second peak near band 16 (about 0.38).",
        rule: "For both, the density at the highest band above the valley is above that in the valley.",
        test: second_peak,
    },
    Statement {
        id: "scr-high",
        figures: &["heat_map_scr"],
        title: "Where high frequencies tell classes apart, a network looks at them.",
        paper: "The gradient spectrum of a network trained on SCR images is brightest at bands 18 and 19 from about epoch 4 on.",
        rule: "After the last epoch, the SCR network's mean gradient over bands 15 to 19 is above that over bands 0 to 14.",
        test: scr_high,
    },
    Statement {
        id: "wcr-dark",
        figures: &["heat_map_wcr", "heat_map_scr"],
        title: "Where they are there but do not tell classes apart, it does not.",
        paper: "A network trained on WCR images has its peak in bands 5 to 9 and leaves those from 15 up dark.",
        rule: "After the last epoch, the WCR network's mean gradient over bands 15 to 19 is below that over bands 0 to 14, and below \
               the SCR network's.",
        test: wcr_dark,
    },
];

fn spectrum(
    findings: &Findings,
    set: TrainingSet,
) -> Result<(&SpectrumTable, &SpectrumRow, &SpectrumRow), Untested> {
    let missing = || Untested::missing(&format!("the spectrum of the network trained on {}", set.label()));
    let table = findings.spectra.get(&set).ok_or_else(missing)?;
    let bands = table.radii.len();
    let is_whole = |row: &SpectrumRow| bands > 0 && [row.mean.len(), row.std.len()] == [bands; 2];
    match (table.rows.first(), table.rows.last()) {
        (Some(first), Some(last)) if is_whole(first) && is_whole(last) => Ok((table, first, last)),
        _ => Err(missing()),
    }
}

fn low_first(findings: &Findings) -> Outcome {
    let (table, first, _) = spectrum(findings, TrainingSet::Original)?;
    let groups = Groups::of_table(table);
    let low = Measure::of_row("bands 0 to 5, epoch 0", first, table.n_images, &groups.low());
    let middle = Measure::of_row("bands 7 to 17, epoch 0", first, table.n_images, &groups.middle());
    let holds = low.above(&middle);
    Ok((vec![low, middle, centre(table, first), peak(table, first)], holds))
}

fn upward(findings: &Findings) -> Outcome {
    let (table, first, last) = spectrum(findings, TrainingSet::Original)?;
    must_have_learned(findings, TrainingSet::Original)?;
    let groups = Groups::of_table(table);
    let contrast = |row: &SpectrumRow| {
        let over = |bands: &[usize]| Measure::of_row("", row, table.n_images, bands);
        let label = format!("bands 7 to 17 minus bands 0 to 5, epoch {}", row.epoch);
        Measure::difference(label, &over(&groups.middle()), &over(&groups.low()))
    };
    let (before, after) = (contrast(first), contrast(last));
    let holds = after.above(&before);
    let centres = [centre(table, first), centre(table, last), peak(table, last)];
    Ok(([before, after].into_iter().chain(centres).collect(), holds))
}

fn finest_dark(findings: &Findings) -> Outcome {
    let (table, _, last) = spectrum(findings, TrainingSet::Original)?;
    must_have_learned(findings, TrainingSet::Original)?;
    let strongest = table.radii.iter().position(|&radius| radius == last.peak(&table.radii)).unwrap_or(0);
    let label = |what: &str| format!("{what}, epoch {}", last.epoch);
    let finest = Groups::of_table(table).finest();
    let finest = Measure::of_row(label("bands 18 and 19"), last, table.n_images, &finest);
    let strongest = Measure::of_row(label("the strongest band"), last, table.n_images, &[strongest]);
    let [low, _] = strongest.interval.unwrap_or([strongest.value; 2]);
    let half = Measure::plain("", Unit::Scaled, low / 2.0);
    let holds = half.above(&finest);
    Ok((vec![finest, strongest], holds))
}

fn density(findings: &Findings) -> Outcome {
    let (_, first, last) = spectrum(findings, TrainingSet::Original)?;
    must_have_learned(findings, TrainingSet::Original)?;
    let found = findings.densities.values().next();
    let images = found.ok_or_else(|| Untested::missing("the density of the images"))?;
    let correlation = |row: &SpectrumRow| {
        let found = pearson(&images.before.mean, &row.mean);
        let found = found.ok_or_else(|| Untested::missing("a spectrum that is not the same at all bands"))?;
        let label = format!("correlation over {} bands, epoch {}", row.mean.len(), row.epoch);
        let interval = correlation_interval(found, row.mean.len());
        Ok(Measure { interval, ..Measure::plain(label, Unit::Ratio, found) })
    };
    let (before, after) = (correlation(first)?, correlation(last)?);
    let holds = after.exceeds(0.0);
    Ok((vec![before, after], holds))
}

fn second_peak(findings: &Findings) -> Outcome {
    let mut measures = Vec::new();
    let mut holds = true;
    for (set, name) in [(TrainingSet::Scr, "SCR"), (TrainingSet::Wcr, "WCR")] {
        let missing = || Untested::missing(&format!("the density of {name} images"));
        let found = findings.densities.get(&set).ok_or_else(missing)?;
        let (valley, peak) = valley_and_peak(found);
        let at = |what: &str, band: usize| {
            let label = format!("{name} images, {what} at ρ = {}", found.radii[band]);
            Measure::of_density(label, &found.after, found.images, band)
        };
        let (low, high) = (at("valley", valley), at("second peak", peak));
        let before = format!("the same images before, at ρ = {}", found.radii[peak]);
        let before = Measure::of_density(before, &found.before, found.images, peak);
        holds &= high.above(&low);
        measures.extend([low, high, before]);
    }
    Ok((measures, holds))
}

/// Where the density is lowest between the peaks, and where it is highest beyond that.
fn valley_and_peak(found: &Densities) -> (usize, usize) {
    let mean = &found.after.mean;
    let lower = |a: &usize, b: &usize| mean[*a].total_cmp(&mean[*b]);
    let valley = Groups::of_bands(mean.len()).valley().into_iter().min_by(lower).unwrap_or(0);
    (valley, (valley..mean.len()).max_by(lower).unwrap_or(0))
}

fn scr_high(findings: &Findings) -> Outcome {
    let (table, _, last) = spectrum(findings, TrainingSet::Scr)?;
    must_have_learned(findings, TrainingSet::Scr)?;
    let (high, rest) = high_and_rest(table, last, "SCR");
    let holds = high.above(&rest);
    Ok((vec![high, rest, centre(table, last), peak(table, last)], holds))
}

fn wcr_dark(findings: &Findings) -> Outcome {
    let (table, _, last) = spectrum(findings, TrainingSet::Wcr)?;
    let (scr, _, scr_last) = spectrum(findings, TrainingSet::Scr)?;
    must_have_learned(findings, TrainingSet::Wcr)?;
    must_have_learned(findings, TrainingSet::Scr)?;
    let (high, rest) = high_and_rest(table, last, "WCR");
    let (scr_high, _) = high_and_rest(scr, scr_last, "SCR");
    let holds = rest.above(&high) && scr_high.above(&high);
    Ok((vec![high, rest, scr_high, centre(table, last), peak(table, last)], holds))
}

fn high_and_rest(table: &SpectrumTable, row: &SpectrumRow, name: &str) -> (Measure, Measure) {
    let groups = Groups::of_table(table);
    let over = |what: &str, bands: &[usize]| {
        let label = format!("{name} network, bands {what}, epoch {}", row.epoch);
        Measure::of_row(label, row, table.n_images, bands)
    };
    (over("15 to 19", &groups.high()), over("0 to 14", &groups.below_high()))
}

fn centre(table: &SpectrumTable, row: &SpectrumRow) -> Measure {
    let label = format!("centre of mass ρ, epoch {}", row.epoch);
    Measure::plain(label, Unit::Radius, row.centre_of_mass(&table.radii))
}

fn peak(table: &SpectrumTable, row: &SpectrumRow) -> Measure {
    let label = format!("strongest band ρ, epoch {}", row.epoch);
    Measure::plain(label, Unit::Band, row.peak(&table.radii) as f64)
}
