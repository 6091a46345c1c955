//! The figure that stands beside a claim: what its rule compares.

use pages::Chart;
use plots::{Axes, Curve, Spread};
use spectral::{SpectrumRow, SpectrumTable};

use crate::{
    findings::{Bands, Component, Evaluation, Findings},
    radii::RADII,
    training_set::TrainingSet,
};

/// The quantile of the normal law at 0.975.
const Z: f64 = 1.96;

/// Which epoch of a spectrum.
#[derive(Clone, Copy)]
enum Epoch {
    First,
    Last,
}

/// A side of the cut at a radius.
type Side = fn(&Evaluation, usize) -> Option<&Component>;

const LOW: Side = Evaluation::low;
const HIGH: Side = Evaluation::high;

/// None where what the claim is about was not measured.
pub(super) fn of_claim(id: &str, findings: &Findings) -> Option<Chart> {
    use Epoch::{First, Last};
    use TrainingSet::{Hars, Original, Scr, Wcr};
    match id {
        "low-first" => profiles(id, findings, &[(Original, First)]),
        "upward" => profiles(id, findings, &[(Original, First), (Original, Last)]),
        "finest-dark" => profiles(id, findings, &[(Original, Last)]),
        "density" => density(id, findings),
        "second-peak" => second_peak(id, findings),
        "scr-high" => profiles(id, findings, &[(Scr, Last), (Original, Last)]),
        "wcr-dark" => profiles(id, findings, &[(Wcr, Last), (Scr, Last)]),
        "scr-table" => accuracies(
            id,
            "Accuracy on high-pass images",
            findings,
            &[(Scr, HIGH), (Wcr, HIGH), (Original, HIGH)],
        ),
        "by-radius" => accuracies(
            id,
            "Accuracy of the network trained on original images",
            findings,
            &[(Original, LOW), (Original, HIGH)],
        ),
        "correlation" => correlation(id, findings),
        "features" => features(id, findings),
        "hars-high" => {
            accuracies(id, "Accuracy on high-pass images", findings, &[(Hars, HIGH), (Original, HIGH)])
        }
        "hars-low" => {
            accuracies(id, "Accuracy on low-pass images", findings, &[(Hars, LOW), (Original, LOW)])
        }
        _ => None,
    }
}

fn chart(
    id: &str,
    title: &str,
    [right, up]: [&str; 2],
    places: Vec<f64>,
    curves: Vec<Curve>,
) -> Option<Chart> {
    let axes = Axes { right: right.to_owned(), up: up.to_owned() };
    (!curves.is_empty()).then(|| Chart::new(format!("{id}-figure"), title, axes, places, curves))
}

const OVER_BANDS: [&str; 2] = ["frequency band (radius ρ)", "mean, scaled to [0, 1] per image"];

fn places(radii: &[usize]) -> Vec<f64> {
    radii.iter().map(|&radius| radius as f64).collect()
}

/// Profiles with the 95 % intervals of their means.
fn profiles(id: &str, findings: &Findings, of: &[(TrainingSet, Epoch)]) -> Option<Chart> {
    let table = |set: &TrainingSet| findings.spectra.get(set);
    let radii = table(&of.first()?.0)?.radii.clone();
    let curve = |(set, epoch): &(TrainingSet, Epoch)| {
        profile(table(set).filter(|table| table.radii == radii)?, *set, *epoch)
    };
    let curves = of.iter().filter_map(curve).collect();
    chart(id, "Mean input gradient by band", OVER_BANDS, places(&radii), curves)
}

fn profile(table: &SpectrumTable, set: TrainingSet, epoch: Epoch) -> Option<Curve> {
    let row = match epoch {
        Epoch::First => table.rows.first()?,
        Epoch::Last => table.rows.last()?,
    };
    let SpectrumRow { epoch, mean, std, skipped, .. } = row;
    let label = format!("{}, epoch {epoch}", set.label());
    Some(of_mean(label, mean, std, table.n_images.saturating_sub(*skipped)))
}

fn of_mean(label: String, mean: &[f64], std: &[f64], images: usize) -> Curve {
    let half = |std: &f64| Z * std / (images.max(1) as f64).sqrt();
    let ends = mean.iter().zip(std).map(|(mean, std)| [mean - half(std), mean + half(std)]).collect();
    Curve { label, mean: mean.to_vec(), spread: Spread::Interval(ends) }
}

fn of_bands(label: &str, bands: &Bands, images: usize) -> Curve {
    of_mean(label.to_owned(), &bands.mean, &bands.std, images)
}

fn density(id: &str, findings: &Findings) -> Option<Chart> {
    let table = findings.spectra.get(&TrainingSet::Original)?;
    let images = findings.densities.values().next().filter(|found| found.radii == table.radii)?;
    let mut curves = vec![of_bands("images", &images.before, images.images)];
    let gradients = [Epoch::First, Epoch::Last].map(|epoch| profile(table, TrainingSet::Original, epoch));
    curves.extend(
        gradients
            .into_iter()
            .flatten()
            .map(|curve| Curve { label: curve.label.replace("original images", "gradients"), ..curve }),
    );
    chart(id, "What images hold, and what the network looks at", OVER_BANDS, places(&table.radii), curves)
}

fn second_peak(id: &str, findings: &Findings) -> Option<Chart> {
    let radii = findings.densities.values().next()?.radii.clone();
    let own = findings.densities.iter().filter(|(_, found)| found.radii == radii);
    let mut curves: Vec<Curve> =
        own.map(|(set, found)| of_bands(set.label(), &found.after, found.images)).collect();
    let before = findings.densities.values().next()?;
    curves.push(of_bands("the same images before", &before.before, before.images));
    chart(id, "Spectral density of images", OVER_BANDS, places(&radii), curves)
}

/// By radius, with intervals, of networks on a side of the cut each.
fn accuracies(id: &str, title: &str, findings: &Findings, of: &[(TrainingSet, Side)]) -> Option<Chart> {
    let one_network = of.iter().all(|(set, _)| *set == of[0].0);
    let curve = |(at, (set, side)): (usize, &(TrainingSet, Side))| {
        let found = findings.evaluations.get(set)?;
        let parts: Vec<&Component> = RADII.iter().map(|&r| side(found, r)).collect::<Option<_>>()?;
        let label = if one_network {
            ["low-pass, d < r", "high-pass, d ≥ r"][at.min(1)].to_owned()
        } else {
            format!("trained on {}", set.label())
        };
        let (mean, ends) = parts.iter().map(|part| (part.prec1, part.prec1_interval)).unzip();
        Some(Curve { label, mean, spread: Spread::Interval(ends) })
    };
    let curves = of.iter().enumerate().filter_map(curve).collect();
    chart(id, title, ["cut-off radius r, cycles per image", "accuracy, %"], places(&RADII), curves)
}

/// Accuracy against the variance between classes, a point each component.
fn correlation(id: &str, findings: &Findings) -> Option<Chart> {
    let parts = findings.evaluations.get(&TrainingSet::Original)?.frequencies();
    let mut points: Vec<(f64, &Component)> =
        parts.filter_map(|part| Some((part.features?.inter_class_variance?, part))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mean, ends) = points.iter().map(|(_, part)| (part.prec1, part.prec1_interval)).unzip();
    let curve = Curve { label: "a frequency component".to_owned(), mean, spread: Spread::Interval(ends) };
    let places: Vec<f64> = points.iter().map(|(variance, _)| *variance).collect();
    let chart = chart(
        id,
        "Accuracy against how far classes lie apart",
        ["variance of features between classes", "accuracy, %"],
        places,
        vec![curve],
    );
    chart.filter(|_| points.len() > 2).map(Chart::scattered)
}

/// The ratio of variances by radius.
fn features(id: &str, findings: &Findings) -> Option<Chart> {
    let found = findings.evaluations.get(&TrainingSet::Original)?;
    let curve = |(label, side): (&str, Side)| {
        let ratio = |&r: &usize| side(found, r)?.features?.ratio;
        let mean: Vec<f64> = RADII.iter().map(ratio).collect::<Option<_>>()?;
        Some(Curve { label: label.to_owned(), mean, spread: Spread::None })
    };
    let curves =
        [("low-pass, d < r", LOW), ("high-pass, d ≥ r", HIGH)].into_iter().filter_map(curve).collect();
    chart(
        id,
        "How far features separate classes",
        ["cut-off radius r, cycles per image", "variance between / within classes"],
        places(&RADII),
        curves,
    )
}
