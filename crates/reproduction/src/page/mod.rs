//! The report as one page that needs no other file: figures are in it; it is readable in light and dark, on a phone and on paper.
//!
//! Every number is a `data` element: its `value` has all digits, and its `data-at` is the number's place in `report.json` (RFC 6901).

mod accuracy;
mod claims;
mod figures;
mod number;
mod steps;
mod summary;

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{error::Error, report::Report};

const STYLE: &str = include_str!("page.css");

/// The page, with the figures below `root` in it.
///
/// # Errors
/// If a figure cannot be read.
pub(crate) fn render(report: &Report, root: &Path) -> Result<String, Error> {
    let [authors, ..] = report.config.paper.citation();
    let title = if report.config.paper.is_default() {
        format!("Frequency bias: {} on {}", report.config.arch, report.config.dataset)
    } else {
        format!("{authors}: {} on {}", report.config.arch, report.config.dataset)
    };
    let sections = [
        summary::section(report),
        claims::sections(report),
        accuracy::section(&report.tables),
        figures::section(report, root)?,
        steps::section(report),
    ];
    let page = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            (head(&title)) "\n"
            body {
                a.skip href="#claims" { "Skip to the claims" } "\n"
                main {
                    h1 { (title) }
                    @for section in &sections { (section) "\n" }
                }
            }
        }
    };
    Ok(page.into_string() + "\n")
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            link rel="icon" href="data:,";
            title { (title) } "\n"
            style { "\n" (PreEscaped(STYLE)) }
        }
    }
}
