//! Accuracy and loss by epoch.

use maud::html;
use pages::{Cell, Chart, Numbers, Table};
use plots::{Axes, Curve, Spread};
use training::EpochMetrics;

use crate::{
    run::Run,
    section::{Section, source},
};

/// A number of an epoch, where it has one.
type Of = fn(&EpochMetrics) -> Option<f64>;

const ACCURACIES: [(&str, Of); 4] = [
    ("test images", |epoch| Some(epoch.nat_prec1)),
    ("training images, augmented", |epoch| Some(epoch.train_prec1)),
    ("attacked test images", |epoch| epoch.adv_prec1),
    ("test images, averaged weights", |epoch| epoch.ema_prec1),
];

const LOSSES: [(&str, Of); 4] = [
    ("test images", |epoch| Some(epoch.nat_loss)),
    ("training images, augmented", |epoch| Some(epoch.train_loss)),
    ("attacked test images", |epoch| epoch.adv_loss),
    ("test images, averaged weights", |epoch| epoch.ema_loss),
];

const COLUMNS: [(&str, Of); 7] = [
    ("epoch", |epoch| Some(epoch.epoch as f64)),
    ("learning rate", |epoch| Some(epoch.lr)),
    ("test accuracy, %", |epoch| Some(epoch.nat_prec1)),
    ("top-5, %", |epoch| Some(epoch.nat_prec5)),
    ("test loss", |epoch| Some(epoch.nat_loss)),
    ("training accuracy, %", |epoch| Some(epoch.train_prec1)),
    ("training loss", |epoch| Some(epoch.train_loss)),
];

/// None where there are no epochs.
pub(crate) fn section(run: &Run, numbers: &mut Numbers) -> Option<Section> {
    let epochs = &run.metrics[..];
    if epochs.is_empty() {
        return None;
    }
    let accuracy = chart("accuracy", "Accuracy", "accuracy, %", epochs, &ACCURACIES);
    let loss = chart("loss", "Loss", "loss, nats", epochs, &LOSSES);
    let cell = |epoch: &EpochMetrics, of: Of| of(epoch).map_or(Cell::Nothing, Cell::Number);
    let table = Table {
        name: "epochs".to_owned(),
        title: "Epochs".to_owned(),
        columns: COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        rows: epochs.iter().map(|epoch| COLUMNS.iter().map(|(_, of)| cell(epoch, *of)).collect()).collect(),
    };
    let body = html! {
        p { "Test images are measured after each epoch; training images while the weights move, as they are augmented." }
        div.figures { (accuracy.show(numbers)) (loss.show(numbers)) }
        details { summary { "All epochs as a table" } (table.show()) }
        (source("metrics.jsonl"))
    };
    Some(Section { id: "training".to_owned(), title: "Training".to_owned(), remarks: Vec::new(), body })
}

fn chart(name: &str, title: &str, up: &str, epochs: &[EpochMetrics], curves: &[(&str, Of)]) -> Chart {
    let curve = |(label, of): &(&str, Of)| {
        let mean: Vec<f64> = epochs.iter().map(|epoch| of(epoch).unwrap_or(f64::NAN)).collect();
        let curve = Curve { label: (*label).to_owned(), mean, spread: Spread::None };
        curve.mean.iter().any(|value| value.is_finite()).then_some(curve)
    };
    let axes = Axes { right: "epoch".to_owned(), up: up.to_owned() };
    let places = epochs.iter().map(|epoch| epoch.epoch as f64).collect();
    Chart::new(name, title, axes, places, curves.iter().filter_map(curve).collect())
}
