//! The figures that stand beside the claims of papers whose networks are measured by `measure`.

use pages::Chart;
use plots::{Axes, Curve, Spread};

use crate::{
    findings::Findings,
    measured::{Measured, Row},
};

/// What measured a network, and the number of a list in its rows.
type Numbers = Vec<(String, Vec<f64>, Vec<[f64; 2]>)>;

/// None where what the claim is about was not measured.
pub(super) fn of_claim(id: &str, findings: &Findings) -> Option<Chart> {
    match id {
        "amplitude-first" | "phase-later" => phase_or_amplitude(id, findings),
        "transformer-low" | "adversarial-lower" => {
            by_radius(id, findings, "sensitivity", ["mean", "interval"], "share of the gradient's energy")
        }
        "attacks-lower" => by_radius(
            id,
            findings,
            "attack-spectrum",
            ["change", "change_interval"],
            "amplitude of the change",
        ),
        "noise-helped" => noise(id, findings),
        "corruptions-predicted" => predicted(id, findings),
        "shortcut-enough" => rates(id, findings, ["tpr", "true positives, %"]),
        "shortcut-misleads" => rates(id, findings, ["fpr", "false positives, %"]),
        _ => None,
    }
}

fn of_measure<'a>(
    findings: &'a Findings,
    measure: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Measured, Row<'a>)> {
    let own = findings.measured.iter().filter(move |((_, of), _)| of == measure);
    own.filter_map(|((network, _), found)| Some((network.as_str(), found, found.rows().next_back()?)))
}

fn chart(id: &str, title: &str, axes: [&str; 2], places: Vec<f64>, numbers: Numbers) -> Option<Chart> {
    let [right, up] = axes.map(str::to_owned);
    let is_whole = |(_, values, ends): &(String, Vec<f64>, Vec<[f64; 2]>)| {
        values.len() == places.len() && ends.len() == places.len()
    };
    let curves: Vec<Curve> = numbers
        .into_iter()
        .filter(is_whole)
        .map(|(label, mean, ends)| Curve { label, mean, spread: Spread::Interval(ends) })
        .collect();
    let is_drawn = !curves.is_empty() && !places.is_empty();
    is_drawn.then(|| Chart::new(format!("{id}-figure"), title, Axes { right, up }, places, curves))
}

fn percent(values: Vec<f64>, ends: Vec<[f64; 2]>) -> (Vec<f64>, Vec<[f64; 2]>) {
    let ends = ends.into_iter().map(|ends| ends.map(|end| 100.0 * end)).collect();
    (values.into_iter().map(|value| 100.0 * value).collect(), ends)
}

fn phase_or_amplitude(id: &str, findings: &Findings) -> Option<Chart> {
    let (_, found, _) = of_measure(findings, "phase-amplitude").next()?;
    let epochs = found.rows().map(|row| row.epoch() as f64).collect();
    let curve = |label: &str, name: &str| {
        let values = found.rows().map(|row| row.get(name)).collect::<Option<_>>()?;
        let ends = found.rows().map(|row| row.get(&format!("{name}_interval"))).collect::<Option<_>>()?;
        let (values, ends) = percent(values, ends);
        Some((label.to_owned(), values, ends))
    };
    let curves = [("by phase", "by_phase"), ("by amplitude", "by_amplitude")];
    let curves = curves.into_iter().filter_map(|(label, name)| curve(label, name)).collect();
    let title = "Images of the phase of one class and the amplitude of another";
    chart(id, title, ["epoch", "taken for the class, %"], epochs, curves)
}

fn by_radius(
    id: &str,
    findings: &Findings,
    measure: &str,
    [values, ends]: [&str; 2],
    up: &str,
) -> Option<Chart> {
    let radii: Vec<usize> = of_measure(findings, measure).next()?.1.shared("radii")?;
    let curve = |(network, _, row): (&str, &Measured, Row<'_>)| {
        Some((format!("{network} network"), row.get(values)?, row.get(ends)?))
    };
    let curves = of_measure(findings, measure).filter_map(curve).collect();
    let places = radii.into_iter().map(|radius| radius as f64).collect();
    chart(id, "After the last epoch, by radius", ["radius r, cycles per image", up], places, curves)
}

fn noise(id: &str, findings: &Findings) -> Option<Chart> {
    let curve = |(network, found, row): (&str, &Measured, Row<'_>)| {
        let names: Vec<String> = found.shared("corruptions")?;
        let place = names.iter().position(|name| name == "gaussian_noise")?;
        let values: Vec<Vec<f64>> = row.get("error")?;
        let ends: Vec<Vec<[f64; 2]>> = row.get("error_interval")?;
        let (values, ends) = percent(values.get(place)?.clone(), ends.get(place)?.clone());
        Some((format!("{network} network"), values, ends))
    };
    let curves: Numbers = of_measure(findings, "corruptions").filter_map(curve).collect();
    let severities = (1..=curves.first()?.1.len()).map(|severity| severity as f64).collect();
    chart(id, "Error under Gaussian noise", ["severity", "error, %"], severities, curves)
}

fn predicted(id: &str, findings: &Findings) -> Option<Chart> {
    let (_, _, row) = of_measure(findings, "corruptions").find(|(network, ..)| *network == "standard")?;
    let lists = [row.get::<Vec<Vec<f64>>>("predicted")?, row.get("error")?].map(|lists| lists.concat());
    let ends: Vec<Vec<[f64; 2]>> = row.get("error_interval")?;
    let [predicted, error] = lists;
    let mut points: Vec<_> = predicted.into_iter().zip(error.into_iter().zip(ends.concat())).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (values, ends) =
        points.iter().map(|(_, (error, ends))| (100.0 * error, ends.map(|end| 100.0 * end))).unzip();
    let places = points.iter().map(|(predicted, _)| *predicted).collect();
    let curve = ("a corruption and severity".to_owned(), values, ends);
    let title = "Error against what frequencies predict";
    chart(id, title, ["Σ D(r)·S(r)", "error, %"], places, vec![curve]).map(Chart::scattered)
}

fn rates(id: &str, findings: &Findings, [name, up]: [&str; 2]) -> Option<Chart> {
    let shares: Vec<usize> = of_measure(findings, "shortcuts").next()?.1.shared("dominant_percent")?;
    let curve = |(network, _, row): (&str, &Measured, Row<'_>)| {
        let classes: Vec<serde_json::Value> = row.get("classes")?;
        let over = |name: &str| {
            let lists = classes.iter().map(|class| serde_json::from_value(class.get(name)?.clone()).ok());
            lists.collect::<Option<Vec<Vec<serde_json::Value>>>>()
        };
        let mean = |lists: &[Vec<serde_json::Value>],
                    at: usize,
                    number: &dyn Fn(&serde_json::Value) -> Option<f64>| {
            let values: Option<Vec<f64>> = lists.iter().map(|list| number(list.get(at)?)).collect();
            values.map(|values| values.iter().sum::<f64>() / values.len().max(1) as f64)
        };
        let (values, ends) = (over(name)?, over(&format!("{name}_interval"))?);
        let each = 0..shares.len();
        let means =
            each.clone().map(|at| mean(&values, at, &|value| value.as_f64())).collect::<Option<_>>()?;
        let ends = each.map(|at| Some([0, 1].map(|end| mean(&ends, at, &|value| value.get(end)?.as_f64()))));
        let ends = ends.map(|ends| Some([ends?[0]?, ends?[1]?])).collect::<Option<_>>()?;
        let (values, ends) = percent(means, ends);
        Some((format!("{network} network, mean over classes"), values, ends))
    };
    let curves = of_measure(findings, "shortcuts").filter_map(curve).collect();
    let places = shares.iter().map(|&share| share as f64).collect();
    chart(id, "Only the dominant frequencies of a class left", ["frequencies left, %", up], places, curves)
}
