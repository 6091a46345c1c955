//! The tables of accuracy.

use maud::{Markup, html};

use super::number::{interval, number};
use crate::{
    claims::Unit,
    tables::{Cell, Table},
};

pub(super) fn section(tables: &[Table]) -> Markup {
    if tables.is_empty() {
        return html! {};
    }
    html! {
        h2 id="accuracy" { "What each network gets right" } "\n"
        p {
            "Accuracy in percent with 95 % intervals (Wilson), on test images of the kind that the network was trained on; the network \
             trained on hybrids is tested on original images. d is the distance of a frequency from the centre of the spectrum."
        } "\n"
        @for (index, of) in tables.iter().enumerate() { (table(index, of)) "\n" }
    }
}

fn table(index: usize, table: &Table) -> Markup {
    html! {
        div.wide role="region" tabindex="0" aria-label={ "Accuracy: " (table.title) } {
            table.sortable id={ "accuracy-" (index) } {
                caption { (table.title) }
                thead {
                    tr {
                        th scope="col" { "trained on" }
                        @for column in &table.columns { th scope="col" { (column) } }
                    }
                } "\n"
                tbody {
                    @for (place, row) in table.rows.iter().enumerate() {
                        tr {
                            th scope="row" { (row.label) }
                            @for (column, of) in row.cells.iter().enumerate() {
                                td data-v=(serde_json::json!(of.value)) { (cell(&format!("/tables/{index}/rows/{place}/cells/{column}"), *of)) }
                            }
                        } "\n"
                    }
                }
            }
        }
        button.download type="button" data-table={ "accuracy-" (index) } hidden { "Table as CSV" }
    }
}

fn cell(at: &str, cell: Cell) -> Markup {
    html! {
        (number(&format!("{at}/value"), cell.value, Unit::Percent))
        br;
        small { (interval(&format!("{at}/interval"), cell.interval, Unit::Percent)) }
    }
}
