//! The report as one page that needs no other file: each claim has its figure beside it; the spectra have sliders; measures are sections.
//!
//! Every number of the report is a `data` element: its `value` has all digits, and its `data-at` is the number's place in `report.json`
//! (RFC 6901).

mod accuracy;
mod beside;
mod claims;
mod figures;
mod measured;
mod measures;
mod networks;
mod number;
mod spectra;
mod steps;
mod summary;

use std::path::Path;

use maud::html;
use pages::{Numbers, Page};

use crate::report::Report;

/// The page, with the measures of the networks whose results are below `root`.
pub(crate) fn render(report: &Report, root: &Path) -> String {
    let [authors, ..] = report.config.paper.citation();
    let about = if report.config.paper.is_default() { "Frequency bias" } else { authors };
    let title = format!("{about}: {} on {}", report.config.arch, report.config.dataset);
    let networks = networks::all(report, root);
    let mut numbers = Numbers::default();
    let measures = measures::section(&networks, root, &mut numbers);
    let sections = [
        summary::section(report, &networks, measures.is_some()),
        claims::sections(report, &mut numbers),
        spectra::section(&networks, root, &mut numbers),
        accuracy::section(&report.tables),
        measures.unwrap_or_default(),
        figures::section(report),
        steps::section(report),
    ];
    let body = html! {
        h1 { (title) }
        @for section in &sections { (section) "\n" }
    };
    Page { title, body, numbers }.render()
}
