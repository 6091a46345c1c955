//! What the network gets right, on images and on frequency components.

use maud::{Markup, html};
use pages::{Cell, Chart, Map, MapAxis, Maps, Numbers, Table, names};
use plots::{Curve, Spread};
use serde_json::Value;

use crate::{
    json::{number, numbers as list, pair},
    rows::{chart, shown},
    run::Run,
    section::{Section, source},
    state,
};

/// Classes whose table and confusions are shown at most.
const MOST_CLASSES: usize = 128;

/// None where nothing was evaluated.
pub(crate) fn section(run: &Run, numbers: &mut Numbers) -> Option<Section> {
    let found = run.evaluation.as_ref()?;
    let result = &found.content;
    let checkpoints = result["checkpoints"].as_array()?;
    let epochs: Vec<usize> =
        checkpoints.iter().filter_map(|of| Some(of["epoch"].as_u64()? as usize)).collect();
    let remarks = state::remarks(run, result["arch"].as_str(), &epochs);
    let body = html! {
        p { "Accuracy in percent with 95 % intervals (Wilson). d is the distance of a frequency from the centre of the spectrum." }
        @for (at, of) in checkpoints.iter().take(MOST_CHECKPOINTS).enumerate() { (checkpoint(result, of, at, numbers)) }
        @if checkpoints.len() > MOST_CHECKPOINTS { p.note { "Checkpoints after the first " (MOST_CHECKPOINTS) " are in the file alone." } }
        (source(&found.file))
    };
    Some(Section { id: "evaluation".to_owned(), title: "What it gets right".to_owned(), remarks, body })
}

/// Networks that a page shows.
const MOST_CHECKPOINTS: usize = 12;

fn checkpoint(result: &Value, of: &Value, at: usize, numbers: &mut Numbers) -> Markup {
    let parts = of["components"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |what: &str| {
        if at == 0 { format!("evaluation-{what}") } else { format!("evaluation-{what}-{}", at + 1) }
    };
    let label = match (of["epoch"].as_u64(), of["label"].as_str()) {
        (Some(epoch), _) => format!("Epoch {epoch}"),
        (_, label) => label.unwrap_or("A network").to_owned(),
    };
    let classes = names(&result["classes"]);
    html! {
        h3 { (label) }
        (components(parts, name("components")).show())
        div.figures {
            @if let Some(chart) = by_radius(parts, &name("radius")) { (chart.show(numbers)) }
            @for chart in densities(parts, &classes, &name("density")) { (chart.show(numbers)) }
            @if let Some(maps) = confusion(parts, &classes, name("confusion")) { (maps.show(numbers)) }
        }
        @if let Some(table) = by_class(parts, name("classes")) { details { summary { "Every class" } (table.show()) } }
    }
}

/// A part of the images in words.
fn words(part: &Value) -> String {
    let r = |key: &str| part[key].as_u64().unwrap_or(0);
    match part["component"].as_str().unwrap_or("?") {
        "low" => format!("low-pass, d < {}", r("r")),
        "high" => format!("high-pass, d ≥ {}", r("r")),
        "band" => format!("band, {} ≤ d < {}", r("r1"), r("r2")),
        "original" => "the test images".to_owned(),
        "adversarial" => "attacked".to_owned(),
        "rescaled" => "rescaled only".to_owned(),
        other => other.to_owned(),
    }
}

fn components(parts: &[Value], name: String) -> Table {
    let cell = |value: &Value| value.as_f64().map_or(Cell::Nothing, Cell::Number);
    let row = |part: &Value| {
        let [low, high] = pair(&part["prec1_interval"]);
        vec![
            Cell::Text(words(part)),
            cell(&part["prec1"]),
            Cell::Number(low),
            Cell::Number(high),
            cell(&part["prec5"]),
            cell(&part["loss"]),
            cell(&part["features"]["ratio"]),
        ]
    };
    let columns =
        ["images", "accuracy, %", "from", "to", "top-5, %", "loss", "variance between / within classes"];
    Table {
        name,
        title: "On images and their frequencies".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: parts.iter().map(row).collect(),
    }
}

fn by_radius(parts: &[Value], name: &str) -> Option<Chart> {
    let of_side = |side: &str| -> Vec<(u64, &Value)> {
        let mut own: Vec<(u64, &Value)> = parts
            .iter()
            .filter(|part| part["component"] == side)
            .filter_map(|part| Some((part["r"].as_u64()?, part)))
            .collect();
        own.sort_by_key(|(r, _)| *r);
        own
    };
    let sides = [("low-pass, d < r", of_side("low")), ("high-pass, d ≥ r", of_side("high"))];
    let mut radii: Vec<u64> = sides.iter().flat_map(|(_, parts)| parts.iter().map(|(r, _)| *r)).collect();
    radii.sort_unstable();
    radii.dedup();
    let curve = |(label, parts): &(&str, Vec<(u64, &Value)>)| {
        let at = |r: &u64| parts.iter().find(|(own, _)| own == r).map_or(&Value::Null, |(_, part)| *part);
        Curve {
            label: (*label).to_owned(),
            mean: radii.iter().map(|r| number(&at(r)["prec1"])).collect(),
            spread: Spread::Interval(radii.iter().map(|r| pair(&at(r)["prec1_interval"])).collect()),
        }
    };
    let curves = sides.iter().map(curve).collect();
    let places = radii.iter().map(|&r| r as f64).collect();
    chart(name, "Accuracy on low- and high-pass images", ["cut-off radius r", "accuracy, %"], places, curves)
}

/// The densities of features by class, a chart each component.
fn densities(parts: &[Value], classes: &[String], name: &str) -> Vec<Chart> {
    let of_part = |part: &Value| {
        let density = &part["density"];
        let [low, high] = pair(&density["range"]);
        let curves: Vec<Vec<f64>> = density["curves"].as_array()?.iter().map(list).collect();
        let points = curves.iter().map(Vec::len).max().filter(|&points| points > 1 && points <= 4096)?;
        let place = |at: usize| low + (high - low) * at as f64 / (points - 1) as f64;
        let curve = |(class, mean): (usize, Vec<f64>)| Curve {
            label: classes.get(class).cloned().unwrap_or_default(),
            mean,
            spread: Spread::None,
        };
        let right = if density["project"] == "mean" {
            "mean activation of the features"
        } else {
            "first principal component of the features"
        };
        let title = format!("Features: {}", words(part));
        let places = (0..points).map(place).collect();
        chart(name, &title, [right, "density"], places, curves.into_iter().enumerate().map(curve).collect())
    };
    parts.iter().filter_map(of_part).collect()
}

/// On the images themselves.
fn confusion(parts: &[Value], classes: &[String], name: String) -> Option<Maps> {
    let own = parts.iter().find(|part| part["component"] == "original")?;
    let rows = own["confusion"]
        .as_array()
        .filter(|rows| rows.len() == classes.len() && rows.len() <= MOST_CLASSES)?;
    let share = |row: &Value| {
        let counts = list(row);
        let all: f64 = counts.iter().sum();
        counts.into_iter().map(move |count| 100.0 * count / all).collect::<Vec<_>>()
    };
    shown(Maps {
        name,
        title: "Which class is taken for which".to_owned(),
        caption: "On the test images; rows are true classes and sum to 100 %.".to_owned(),
        quantity: "share of the true class, %".to_owned(),
        rows: MapAxis { label: "true class".to_owned(), names: classes.to_vec() },
        columns: MapAxis { label: "taken for".to_owned(), names: classes.to_vec() },
        maps: vec![Map {
            title: String::new(),
            values: rows.iter().flat_map(share).collect(),
            ends: Vec::new(),
        }],
        from: Some(0.0),
    })
}

fn by_class(parts: &[Value], name: String) -> Option<Table> {
    let own = parts.iter().find(|part| part["component"] == "original")?["per_class"].as_array()?;
    let row = |class: &Value| {
        let [low, high] = pair(&class["prec1_interval"]);
        let cell = |key: &str| class[key].as_f64().map_or(Cell::Nothing, Cell::Number);
        vec![
            Cell::Text(class["class"].as_str().unwrap_or("?").to_owned()),
            cell("prec1"),
            Cell::Number(low),
            Cell::Number(high),
            cell("images"),
        ]
    };
    let columns = ["class", "accuracy, %", "from", "to", "images"].map(str::to_owned).to_vec();
    Some(Table {
        name,
        title: "Accuracy of every class, on the test images".to_owned(),
        columns,
        rows: own.iter().map(row).collect(),
    })
}
