//! Tables that sort.

use maud::{Markup, html};
use serde_json::json;

use crate::text::rounded;

/// A cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number, with four significant digits; all of them for programs.
    Number(f64),
    /// A number, as people read it.
    Shown(f64, String),
    /// There is none.
    Nothing,
}

/// A table whose rows can be sorted by any column; the first column names the rows.
#[derive(Debug, Clone)]
pub struct Table {
    /// Unique in the page.
    pub name: String,
    /// What it holds.
    pub title: String,
    /// The heads of all columns.
    pub columns: Vec<String>,
    /// As many cells a row as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// The table, which scrolls for itself where it is wide.
    pub fn show(&self) -> Markup {
        html! {
            div.table {
                div.wide role="region" tabindex="0" aria-label=(self.title) {
                    table.sortable id=(self.name) {
                        caption { (self.title) }
                        thead { tr { @for column in &self.columns { th scope="col" { (column) } } } }
                        tbody { @for row in &self.rows { (line(row)) "\n" } }
                    }
                }
                button.download type="button" data-table=(self.name) hidden { "Table as CSV" }
            }
        }
    }
}

fn line(row: &[Cell]) -> Markup {
    html! {
        tr {
            @for (at, of) in row.iter().enumerate() {
                @if at == 0 { th scope="row" data-v=[value(of)] { (text(of)) } } @else { td data-v=[value(of)] { (text(of)) } }
            }
        }
    }
}

fn value(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Number(value) | Cell::Shown(value, _) if value.is_finite() => Some(json!(value).to_string()),
        _ => None,
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Shown(_, text) => text.clone(),
        Cell::Number(value) => rounded(*value),
        Cell::Nothing => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_all_digits_for_programs() {
        let row = vec![
            Cell::Text("<b>".to_owned()),
            Cell::Number(1.0 / 3.0),
            Cell::Number(f64::NAN),
            Cell::Nothing,
        ];
        let table = Table {
            name: "t".to_owned(),
            title: "T".to_owned(),
            columns: vec![String::new(); 4],
            rows: vec![row],
        };
        let markup = table.show().into_string();
        assert!(
            markup.contains("&lt;b&gt;")
                && markup.contains(r#"<td data-v="0.3333333333333333">0.3333</td><td>–</td><td>–</td>"#),
            "{markup}"
        );
    }
}
