//! What is written of frequency shortcuts.

use evaluation::Accuracy;
use plots::{Axes, Curve, FrequencyMap, FrequencyMaps, LineChart};
use serde_json::{Value, json};
use spectral::Array;

use super::row::{ClassShortcut, MOST_MAPPED, SHARES, ShortcutsRow};
use crate::{
    Error,
    measuring::{Directions, Findings, Picture, fraction, of_last, rate_curve},
};

/// Classes whose maps a figure shows: those with the strongest shortcuts.
const MOST_SHOWN: usize = 6;
/// The share whose rates figures show.
const SHOWN: usize = 1;

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) names: &'a [String],
    pub(super) directions: &'a Directions,
}

/// All rows together; their classes are the same.
pub(super) fn of(
    asked: Asked<'_>,
    rows: &[&ShortcutsRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Findings, Error> {
    let mut findings = Findings {
        rows: rows.iter().map(|row| row_json(asked, row)).collect(),
        arrays: arrays(asked, rows),
        scalars: rows.iter().map(|row| scalars(row)).collect(),
        pictures: pictures(asked, rows, epochs, subject)?,
        ..Findings::default()
    };
    findings.shared.insert("dominant_percent".to_owned(), json!(SHARES));
    Ok(findings)
}

/// Means of TPR and FPR over classes.
pub(super) fn means(row: &ShortcutsRow, share: usize) -> [f64; 2] {
    [0, 1].map(|which| {
        let sum: f64 = row.classes.iter().map(|class| fraction(class.rates(share)[which])).sum();
        sum / row.classes.len().max(1) as f64
    })
}

/// The class for which the lower of both rates is highest, and that rate.
pub(super) fn strongest(row: &ShortcutsRow, share: usize) -> (f64, Option<u32>) {
    let found = row.classes.iter().map(|class| (both(class, share), class.class));
    let best = found.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or((0.0, None), |(rate, class)| (rate, Some(class)))
}

fn both(class: &ClassShortcut, share: usize) -> f64 {
    let [tpr, fpr] = class.rates(share).map(fraction);
    tpr.min(fpr)
}

fn scalars(row: &ShortcutsRow) -> Vec<(&'static str, f64)> {
    let [tpr, fpr] = means(row, SHOWN);
    vec![("mean_tpr_at_5", tpr), ("mean_fpr_at_5", fpr), ("most_of_both_at_5", strongest(row, SHOWN).0)]
}

fn row_json(asked: Asked<'_>, row: &ShortcutsRow) -> Value {
    let of_class = |class: &ClassShortcut| {
        let all: Vec<[Accuracy; 2]> = (0..SHARES.len()).map(|share| class.rates(share)).collect();
        let rates = |which: usize| all.iter().map(|rates| fraction(rates[which])).collect::<Vec<_>>();
        let ends = |which: usize| all.iter().map(|rates| rates[which].interval()).collect::<Vec<_>>();
        json!({
            "class": class.class,
            "name": asked.names[class.class as usize],
            "images": class.images,
            "accuracy": class.correct as f64 / class.images.max(1) as f64,
            "tpr": rates(0),
            "tpr_interval": ends(0),
            "fpr": rates(1),
            "fpr_interval": ends(1),
        })
    };
    json!({ "classes": row.classes.iter().map(of_class).collect::<Vec<_>>() })
}

/// By row and class; maps have zero in the middle. Those of many classes and frequencies are left out.
fn arrays(asked: Asked<'_>, rows: &[&ShortcutsRow]) -> Vec<Array> {
    let classes = rows.first().map_or(0, |row| row.classes.len());
    let all = || rows.iter().flat_map(|row| &row.classes);
    let rates = |name: &str, which: usize| {
        let values =
            all().flat_map(|class| (0..SHARES.len()).map(move |share| fraction(class.rates(share)[which])));
        Array::new(name, &[rows.len(), classes, SHARES.len()], values.collect())
    };
    let numbers = rows
        .first()
        .map_or(Vec::new(), |row| row.classes.iter().map(|class| f64::from(class.class)).collect());
    let mut arrays = vec![Array::new("classes", &[classes], numbers), rates("tpr", 0), rates("fpr", 1)];
    let [height, width] = asked.directions.map();
    if classes * height * width <= MOST_MAPPED {
        let rises = all().flat_map(|class| asked.directions.spread(&class.loss_rise)).collect();
        arrays.push(Array::new("loss_rise", &[rows.len(), classes, height, width], rises));
        // Of the data alone: the same in each row.
        let ranks = rows.iter().take(1).flat_map(|row| &row.classes).map(|class| &class.amplitude_rank);
        let ranks: Vec<f64> = ranks
            .filter(|ranks| !ranks.is_empty())
            .flat_map(|ranks| asked.directions.spread(ranks))
            .map(|rank| rank as f64)
            .collect();
        if !ranks.is_empty() {
            arrays.push(Array::new("amplitude_rank", &[classes, height, width], ranks));
        }
    }
    arrays
}

fn pictures(
    asked: Asked<'_>,
    rows: &[&ShortcutsRow],
    epochs: &[usize],
    subject: &str,
) -> Result<Vec<(&'static str, Picture)>, Error> {
    let Some(last) = rows.last() else { return Ok(Vec::new()) };
    let subtitle = of_last(subject, epochs);
    let rates = LineChart::new(
        "Frequency shortcuts: what a class's dominant frequencies are taken for",
        format!(
            "{subtitle}; images filtered to the {} % of frequencies that matter most to each class",
            SHARES[SHOWN]
        ),
        Axes { right: "class".to_owned(), up: "share of images, %".to_owned() },
        last.classes.iter().map(|class| class.class as usize).collect(),
        [(0, "TPR: of the class, right"), (1, "FPR: of other classes, taken for it")]
            .map(|(which, label)| curve(last, which, label))
            .into(),
    )?;
    let mut shown: Vec<&ClassShortcut> = last.classes.iter().collect();
    shown.sort_by(|a, b| both(b, SHOWN).total_cmp(&both(a, SHOWN)).then(a.class.cmp(&b.class)));
    let map = |class: &&ClassShortcut| {
        let [tpr, fpr] = class.rates(SHOWN).map(|rate| 100.0 * fraction(rate));
        // Without the mean of the image a network sees nothing: its rise would hide all others.
        let rises = (0..class.loss_rise.len()).zip(&class.loss_rise);
        let rises = rises.map(|(at, &rise)| (asked.directions.frequency(at) != [0, 0]).then_some(rise));
        FrequencyMap {
            title: format!("{}: {tpr:.0} %, {fpr:.0} %", asked.names[class.class as usize]),
            values: asked.directions.spread(&rises.collect::<Vec<_>>()),
        }
    };
    let maps = FrequencyMaps::new(
        "Which frequencies each class needs",
        format!("{subtitle}; rise of the class's loss without ±k; TPR and FPR at {} %", SHARES[SHOWN]),
        "rise of loss, nats",
        asked.directions.map(),
        shown.iter().take(MOST_SHOWN).map(map).collect(),
    )?;
    Ok(vec![("", Picture::Lines(rates)), ("frequencies", Picture::Maps(maps))])
}

fn curve(row: &ShortcutsRow, which: usize, label: &str) -> Curve {
    let rates: Vec<Accuracy> = row.classes.iter().map(|class| class.rates(SHOWN)[which]).collect();
    rate_curve(label, &rates)
}
