//! A gradient spectrum epoch by epoch: one slider for heat map, profile and accuracy.

use maud::{Markup, html};
use plots::{Axes, Curve, Spread};
use serde_json::json;
use spectral::{SpectrumRow, SpectrumTable};

use crate::{
    cells,
    chart::Chart,
    maps::{self, MapAxis, grid},
    numbers::Numbers,
    text::rounded,
};

/// The gradient spectrum of a run: the heat map of epochs and bands, the profile of one epoch with its standard deviation, and accuracy
/// over epochs. The slider chooses the epoch; without a script it is the last one.
#[derive(Debug, Clone)]
pub struct Explorer<'a> {
    /// Unique in the page.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The numbers, with one epoch at least.
    pub table: &'a SpectrumTable,
}

impl Explorer<'_> {
    /// The figure with its caption; its numbers are added to the page's. Of a table without epochs or bands there is none.
    pub fn show(&self, numbers: &mut Numbers) -> Markup {
        let table = self.table;
        let Some(last) = table.rows.last().filter(|_| !table.radii.is_empty()) else { return html! {} };
        let name = numbers.keep(&self.name, self.json());
        let slider = format!("{name}-epoch");
        let (profile, profile_name) = self.profile(last, &name).picture(numbers, &name);
        let (accuracy, accuracy_name) = self.accuracy(&name).picture(numbers, &name);
        html! {
            figure.explorer id=(name) data-explorer=(name) {
                figcaption { b { (self.title) "." } " " (self.caption) }
                @if table.rows.len() > 1 {
                    p.control hidden {
                        label for=(slider) { "Epoch" }
                        input id=(slider) type="range" min="0" max=(table.rows.len() - 1) step="1" value=(table.rows.len() - 1);
                        output for=(slider) { (last.epoch) }
                    }
                }
                p.reading data-reading=(name) aria-live="polite" { (words(last, &table.radii)) }
                div.panels {
                    div {
                        (maps::scale((0.0, 1.0), "mean gradient magnitude, min–max scaled over the map"))
                        (self.map(&name))
                    }
                    div {
                        p.name { "Profile of the epoch, ±1 standard deviation over images " b data-values=(profile_name) {} }
                        (profile)
                        p.name { "Accuracy on the same images " b data-values=(accuracy_name) {} }
                        (accuracy)
                    }
                }
                button.download type="button" data-of=(name) hidden { "Numbers as CSV" }
            }
        }
    }

    fn map(&self, name: &str) -> Markup {
        let table = self.table;
        let names =
            |of: &mut dyn Iterator<Item = usize>| of.map(|number| number.to_string()).collect::<Vec<_>>();
        let rows =
            MapAxis { label: "epoch".to_owned(), names: names(&mut table.rows.iter().map(|row| row.epoch)) };
        let columns = MapAxis { label: BANDS.to_owned(), names: names(&mut table.radii.iter().copied()) };
        let sides = [rows.names.len(), columns.names.len()];
        // The first epoch is the lowest row.
        let values: Vec<f64> = table.scaled().into_iter().rev().flatten().collect();
        let drawn = grid(&rows, &columns, &cells::link(&values, sides, (0.0, 1.0)), true);
        let words = format!("{}: mean gradient by epoch and band", self.title);
        let height = (drawn.frame.bottom - drawn.frame.top) / sides[0] as f64;
        html! {
            svg.map viewBox=(drawn.size) role="img" aria-label=(words) data-figure=(name) data-frame=(drawn.frame.json()) {
                (drawn.markup)
                rect.row x=(drawn.frame.left) y=(drawn.frame.top) width=(drawn.frame.right - drawn.frame.left) height=(height) {}
            }
        }
    }

    fn profile(&self, row: &SpectrumRow, name: &str) -> Chart {
        let axes = Axes { right: BANDS.to_owned(), up: "mean gradient magnitude".to_owned() };
        let curve =
            Curve { label: "mean".to_owned(), mean: row.mean.clone(), spread: Spread::Std(row.std.clone()) };
        let places = self.table.radii.iter().map(|&radius| radius as f64).collect();
        let (low, high) = self.extent();
        Chart::new(format!("{name}-profile"), "Profile", axes, places, vec![curve])
            .within(low, high)
            .of_height(170.0)
    }

    /// Of all epochs: the axis stays when the slider moves.
    fn extent(&self) -> (f64, f64) {
        let ends =
            self.table.rows.iter().flat_map(|row| {
                row.mean.iter().zip(&row.std).flat_map(|(mean, std)| [mean - std, mean + std])
            });
        ends.filter(|end| end.is_finite())
            .fold((0.0, 0.0), |(low, high): (f64, f64), end| (low.min(end), high.max(end)))
    }

    fn accuracy(&self, name: &str) -> Chart {
        let axes = Axes { right: "epoch".to_owned(), up: "accuracy, %".to_owned() };
        let rows = &self.table.rows;
        let mean = rows.iter().map(|row| row.nat_prec1).collect();
        let curve = Curve { label: "accuracy".to_owned(), mean, spread: Spread::None };
        let epochs = rows.iter().map(|row| row.epoch as f64).collect();
        Chart::new(format!("{name}-accuracy"), "Accuracy", axes, epochs, vec![curve]).of_height(90.0)
    }

    fn json(&self) -> serde_json::Value {
        let rows = &self.table.rows;
        json!({
            "kind": "explorer",
            "epochs": rows.iter().map(|row| row.epoch).collect::<Vec<_>>(),
            "radii": self.table.radii,
            "mean": rows.iter().map(|row| &row.mean).collect::<Vec<_>>(),
            "std": rows.iter().map(|row| &row.std).collect::<Vec<_>>(),
            "accuracy": rows.iter().map(|row| row.nat_prec1).collect::<Vec<_>>(),
            "readings": rows.iter().map(|row| words(row, &self.table.radii)).collect::<Vec<_>>(),
        })
    }
}

/// What the axis of bands is called in every figure.
const BANDS: &str = "frequency band (radius ρ)";

fn words(row: &SpectrumRow, radii: &[usize]) -> String {
    let (centre, peak) = (row.centre_of_mass(radii), row.peak(radii));
    format!(
        "Epoch {}: accuracy {} %, centre of mass ρ = {}, strongest band ρ = {peak}",
        row.epoch,
        rounded(row.nat_prec1),
        rounded(centre)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_script_the_last_epoch_is_shown() -> Result<(), spectral::Error> {
        let mut table = SpectrumTable::new("synthetic", "resnet20", 10, vec![1, 2, 3]);
        let explorer = |table: &SpectrumTable| {
            let mut numbers = Numbers::default();
            let (name, title) = ("s".to_owned(), "Spectrum".to_owned());
            let markup =
                Explorer { name, title, caption: String::new(), table }.show(&mut numbers).into_string();
            (markup, numbers)
        };
        assert!(explorer(&table).0.is_empty());
        for (epoch, mean) in [(3, vec![0.9, 0.1, 0.0]), (7, vec![0.2, 0.25, 1.0])] {
            table.push(SpectrumRow {
                epoch,
                mean,
                std: vec![0.125; 3],
                nat_prec1: 10.0 * epoch as f64,
                skipped: 0,
                details: spectral::SpectrumDetails::default(),
            })?;
        }
        let (markup, numbers) = explorer(&table);
        assert!(
            markup.contains("Epoch 7: accuracy 70 %, centre of mass ρ = 2.552, strongest band ρ = 3"),
            "{markup}"
        );
        assert!(markup.contains(r#"type="range" min="0" max="1""#));
        let data = numbers.get("s-profile").expect("a profile");
        assert_eq!(data["curves"][0]["values"], json!([0.2, 0.25, 1.0]));
        assert_eq!(numbers.get("s").expect("all epochs")["mean"][0], json!([0.9, 0.1, 0.0]));
        Ok(())
    }
}
