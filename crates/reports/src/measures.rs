//! A section for each measure that has results, made of its JSON file.

use std::path::Path;

use maud::{Markup, html};
use pages::{Chart, MapAxis, Maps, Numbers, names};
use serde_json::Value;

use crate::{
    json::numbers as list,
    rows::{Rows, chart, shown},
    run::{Found, Run},
    section::{Section, source},
    state,
};

/// How a measure is shown.
struct Kind {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    figures: fn(Rows<'_>) -> Vec<Figure>,
}

/// A figure of either kind; absent where the result has no numbers for it.
enum Figure {
    Chart(Option<Box<Chart>>),
    Maps(Option<Box<Maps>>),
}

const RINGS: &str = "ring of frequencies r, cycles per image";

/// In the order in which pages have them; what is not among them is shown as a table.
const KINDS: [Kind; 8] = [
    Kind {
        name: "fourier-heat-map",
        title: "Fourier heat map",
        about: "The share of test images that are taken for another class once a wave of one frequency is added to them (Yin et al., NeurIPS \
                2019). The middle of a map is frequency zero; ±k are one wave, so that maps are their own mirror image.",
        figures: fourier_heat_map,
    },
    Kind {
        name: "sensitivity",
        title: "Fourier sensitivity",
        about: "Shares of the input gradient’s energy by ring of frequencies; all rings together are 1 (Chari et al., TMLR 2022).",
        figures: sensitivity,
    },
    Kind {
        name: "phase-amplitude",
        title: "Phase or amplitude",
        about: "Of images with the phase of one image and the amplitude of another one of another class: how many are taken for the class of \
                which (Chen et al., ICCV 2021).",
        figures: phase_amplitude,
    },
    Kind {
        name: "corruptions",
        title: "Corrupted images",
        about: "Error rates on corrupted images by severity (Hendrycks & Dietterich, ICLR 2019).",
        figures: corruptions,
    },
    Kind {
        name: "critical-bands",
        title: "Critical bands",
        about: "How much noise of an octave of frequencies the network withstands on grey images of low contrast (Subramanian et al., NeurIPS \
                2023).",
        figures: critical_bands,
    },
    Kind {
        name: "shortcuts",
        title: "Frequency shortcuts",
        about: "Images filtered to the few frequencies that matter most to a class: how many of that class are right (TPR), and how many of \
                other classes are taken for it (FPR). Where both are high, these frequencies are a shortcut (Wang et al., ICCV 2023).",
        figures: shortcuts,
    },
    Kind {
        name: "attack-spectrum",
        title: "Frequencies of attacks",
        about: "Which frequencies an adversary changes, and the error rate where it has those of an octave alone (Yin et al., NeurIPS 2019; \
                Ortiz-Jiménez et al., NeurIPS 2020).",
        figures: attack_spectrum,
    },
    Kind {
        name: "layer-spectra",
        title: "Spectra of layers",
        about: "How much of the highest frequencies each block leaves, against its mean: log amplitude along the diagonal (Park & Kim, ICLR \
                2022).",
        figures: layer_spectra,
    },
];

/// The sections of all measures of a run, for a page of several runs: `before` stands before the names of their figures.
pub fn measure_sections(run: &Path, before: &str, numbers: &mut Numbers) -> Vec<(String, Markup)> {
    let found = Run::measures_of(run);
    let problems = found.problems.iter().map(|problem| (String::new(), html! { p.note { (problem) } }));
    let own = ordered(&found).into_iter().map(|of| {
        let title = title(of);
        (title, body(of, before, numbers))
    });
    own.collect::<Vec<_>>().into_iter().chain(problems).collect()
}

/// The sections of the page of a run.
pub(crate) fn sections(run: &Run, numbers: &mut Numbers) -> Vec<Section> {
    let section = |of: &Found<Value>| {
        let rows = Rows { result: &of.content };
        Section {
            id: format!("measure-{}", pages::slug(name(of))),
            title: title(of),
            remarks: state::remarks(run, of.content["arch"].as_str(), &rows.epochs()),
            body: html! { (body(of, "", numbers)) (source(&of.file)) },
        }
    };
    ordered(run).into_iter().map(section).collect()
}

/// Those that are known first, in their order.
fn ordered(run: &Run) -> Vec<&Found<Value>> {
    let place =
        |of: &&Found<Value>| KINDS.iter().position(|kind| kind.name == name(of)).unwrap_or(KINDS.len());
    let mut all: Vec<&Found<Value>> = run.measures.iter().collect();
    all.sort_by_key(place);
    all
}

fn name(of: &Found<Value>) -> &str {
    of.content["measure"].as_str().unwrap_or("measure")
}

fn title(of: &Found<Value>) -> String {
    let kind = KINDS.iter().find(|kind| kind.name == name(of));
    kind.map_or_else(|| name(of).to_owned(), |kind| kind.title.to_owned())
}

fn body(of: &Found<Value>, before: &str, numbers: &mut Numbers) -> Markup {
    let rows = Rows { result: &of.content };
    let name = format!("{before}{}", pages::slug(name(of)));
    let kind = KINDS.iter().find(|kind| kind.name == self::name(of));
    let figures = kind.map_or_else(Vec::new, |kind| (kind.figures)(rows));
    let images = of.content["n_images"].as_u64();
    html! {
        @if let Some(kind) = kind { p { (kind.about) } }
        p { small { @if let Some(images) = images { (images) " test images; " } "intervals are 95 %." } }
        div.figures {
            @for figure in figures {
                @match figure {
                    Figure::Chart(found) => { @if let Some(chart) = found { (chart.named(&name).show(numbers)) } }
                    Figure::Maps(found) => { @if let Some(mut maps) = found { ({ maps.name = format!("{name}-{}", maps.name); maps.show(numbers) }) } }
                }
            }
        }
        @if let Some(table) = rows.table(&name) { details { summary { "All epochs as a table" } (table.show()) } }
    }
}

/// A chart of several curves over epochs; none of one epoch, which is a table.
fn over_epochs(rows: Rows<'_>, title: &str, up: &str, curves: &[(&str, &str)], by: f64) -> Figure {
    let places: Vec<f64> = rows.epochs().into_iter().map(|epoch| epoch as f64).collect();
    let curves = curves.iter().map(|(label, key)| rows.over_epochs(label, key, by)).collect();
    boxed(chart("epochs", title, ["epoch", up], places, curves).filter(|_| rows.epochs().len() > 1))
}

fn boxed(found: Option<Chart>) -> Figure {
    Figure::Chart(found.map(Box::new))
}

/// A chart over rings.
fn over_rings(rows: Rows<'_>, name: &str, title: &str, up: &str, curves: Vec<plots::Curve>) -> Figure {
    boxed(chart(name, title, [RINGS, up], list(&rows.result["radii"]), curves))
}

fn axis(label: &str, names: Vec<String>) -> MapAxis {
    MapAxis { label: label.to_owned(), names }
}

fn maps(maps: Maps) -> Figure {
    Figure::Maps(shown(maps).map(Box::new))
}

fn fourier_heat_map(rows: Rows<'_>) -> Vec<Figure> {
    let map = |name: &str, title: &str, quantity: &str, key: &str, by: f64| {
        maps(Maps {
            name: name.to_owned(),
            title: title.to_owned(),
            caption: String::new(),
            quantity: quantity.to_owned(),
            rows: axis("vertical frequency", names(&rows.result["vertical_frequencies"])),
            columns: axis("horizontal frequency", names(&rows.result["horizontal_frequencies"])),
            maps: rows.maps(key, by),
            from: Some(0.0),
        })
    };
    vec![
        map("errors", "Errors by frequency of the wave", "error rate, %", "error_rate", 100.0),
        over_rings(
            rows,
            "rings",
            "Errors by ring of frequencies",
            "error rate, %",
            rows.by_epoch("ring_error_rate", "ring_error_rate_interval", 100.0),
        ),
        map(
            "first-order",
            "What one gradient says of each frequency",
            "squared change of loss, nats²",
            "first_order",
            1.0,
        ),
        over_epochs(
            rows,
            "Errors without a wave",
            "error rate, %",
            &[("clean images", "clean_error")],
            100.0,
        ),
    ]
}

fn sensitivity(rows: Rows<'_>) -> Vec<Figure> {
    vec![
        over_rings(
            rows,
            "shares",
            "Shares of gradient energy",
            "share of energy, %",
            rows.by_epoch("mean", "interval", 100.0),
        ),
        over_epochs(rows, "Mean radius of the energy", "r, cycles per image", &[("centre", "centre")], 1.0),
    ]
}

fn phase_amplitude(rows: Rows<'_>) -> Vec<Figure> {
    let curves = [
        ("images as they are", "accuracy"),
        ("recombined: class of the phase", "by_phase"),
        ("recombined: class of the amplitude", "by_amplitude"),
    ];
    vec![over_epochs(rows, "Which of two images the network sees", "share of images, %", &curves, 100.0)]
}

fn corruptions(rows: Rows<'_>) -> Vec<Figure> {
    let severities = rows.last()["error"][0].as_array().map_or(0, Vec::len);
    let kinds = names(&rows.result["corruptions"]).into_iter().map(|name| name.replace('_', " ")).collect();
    // Rows of a map come from an object of the last row: its table and that alone.
    let mut last = rows.maps("error", 100.0);
    let last = last.split_off(last.len().saturating_sub(1));
    let curves = [("clean images", "clean_error"), ("corrupted images, mean", "mean_corruption_error")];
    vec![
        maps(Maps {
            name: "errors".to_owned(),
            title: "Errors by corruption and severity".to_owned(),
            caption: "After the last epoch.".to_owned(),
            quantity: "error rate, %".to_owned(),
            rows: axis("", kinds),
            columns: axis("severity", (1..=severities).map(|severity| severity.to_string()).collect()),
            maps: last,
            from: Some(0.0),
        }),
        over_rings(
            rows,
            "sensitivity",
            "Shares of gradient energy",
            "share of energy, %",
            rows.by_epoch("sensitivity", "", 100.0),
        ),
        over_epochs(rows, "Errors over epochs", "error rate, %", &curves, 100.0),
    ]
}

fn critical_bands(rows: Rows<'_>) -> Vec<Figure> {
    let octaves = names(&rows.result["octave_centres"]);
    let mut last = rows.maps("accuracy", 100.0);
    let last = last.split_off(last.len().saturating_sub(1));
    let places: Vec<f64> = (0..octaves.len()).map(|octave| octave as f64).collect();
    let sensitivities = rows.by_epoch("sensitivity", "", 1.0);
    let axes = ["centre of the octave, cycles per image", "log₁₀(strongest noise / threshold)"];
    vec![
        maps(Maps {
            name: "accuracy".to_owned(),
            title: "Accuracy under noise of an octave".to_owned(),
            caption: "After the last epoch.".to_owned(),
            quantity: "accuracy, %".to_owned(),
            rows: axis("centre of the octave", octaves.clone()),
            columns: axis("standard deviation of the noise", names(&rows.result["noise"])),
            maps: last,
            from: Some(0.0),
        }),
        boxed(
            chart("channel", "Which octaves of noise matter", axes, places, sensitivities)
                .map(|chart| chart.joined_names(octaves)),
        ),
        over_epochs(rows, "Width of the channel", "octaves", &[("width", "channel.width_in_octaves")], 1.0),
    ]
}

fn shortcuts(rows: Rows<'_>) -> Vec<Figure> {
    let classes = rows.last()["classes"].as_array().map_or(&[][..], Vec::as_slice);
    let shares = list(&rows.result["dominant_percent"]);
    let Some(at) = shares.iter().position(|share| *share == 5.0) else { return Vec::new() };
    let curve = |label: &str, key: &str| {
        let value = |class: &Value| 100.0 * crate::json::number(&class[key][at]);
        let ends =
            |class: &Value| crate::json::pair(&class[format!("{key}_interval")][at]).map(|end| 100.0 * end);
        plots::Curve {
            label: label.to_owned(),
            mean: classes.iter().map(value).collect(),
            spread: plots::Spread::Interval(classes.iter().map(ends).collect()),
        }
    };
    let curves =
        vec![curve("TPR: of the class, right", "tpr"), curve("FPR: of other classes, taken for it", "fpr")];
    let places = (0..classes.len()).map(|class| class as f64).collect();
    let title = "What the 5 % of frequencies that matter most to a class are taken for";
    let names = names(&rows.last()["classes"]);
    let found = chart("rates", title, ["class", "share of images, %"], places, curves);
    vec![boxed(found.map(|chart| chart.with_caption("After the last epoch.").of_names(names)))]
}

fn attack_spectrum(rows: Rows<'_>) -> Vec<Figure> {
    let octaves = names(&rows.result["octaves"]);
    let places = (0..octaves.len()).map(|octave| octave as f64).collect();
    let errors = vec![rows.of_last("attacked in these frequencies alone", "octave_error", 100.0)];
    let both = vec![
        rows.of_last("change", "change", 1.0),
        rows.of_last("gradient, scaled to its length", "gradient", 1.0),
    ];
    let curves = [("not attacked", "clean_error"), ("attacked", "attacked_error")];
    let by_octave = chart("octaves", "Errors by octave", ["frequencies r", "error rate, %"], places, errors);
    vec![
        over_rings(rows, "change", "What the adversary changes", "mean amplitude, in units of pixels", both),
        boxed(by_octave.map(|chart| chart.with_caption("After the last epoch.").of_names(octaves))),
        over_epochs(rows, "Errors over epochs", "error rate, %", &curves, 100.0),
    ]
}

fn layer_spectra(rows: Rows<'_>) -> Vec<Figure> {
    let blocks = names(&rows.result["blocks"]);
    let places = (0..blocks.len()).map(|block| block as f64).collect();
    let curves = rows.by_epoch("delta", "delta_interval", 1.0);
    let found = chart(
        "delta",
        "What each block leaves of the highest frequencies",
        ["block", "A(π) − A(0), nats"],
        places,
        curves,
    );
    vec![boxed(found.map(|chart| chart.joined_names(blocks)))]
}
