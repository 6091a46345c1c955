//! How curves are told apart: by colour, stroke and mark, as in the figures of `plots`.

use maud::{Markup, html};

/// Stroke and gap of each curve in turn.
const STROKES: [&str; 5] = ["none", "8 3.5", "2.5 2.5", "12 4", "5 2"];

/// The marks around (0, 0).
const MARKS: [&str; 5] = [
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "M-2.7-2.7h5.4v5.4h-5.4z",
    "M0-3.6L3.4 2.5h-6.8z",
    "M0-3.9L3.9 0L0 3.9L-3.9 0z",
    "M0 3.6L3.4-2.5h-6.8z",
];

/// How many colours the style sheet has.
const COLORS: usize = 7;

/// The class that has the colour of the n-th curve.
pub(crate) fn color(index: usize) -> String {
    format!("c{}", index % COLORS)
}

/// The n-th curve's strokes.
pub(crate) fn stroke(index: usize) -> &'static str {
    STROKES[index % STROKES.len()]
}

/// The n-th curve's mark around a point.
pub(crate) fn mark(index: usize, (x, y): (f64, f64)) -> Markup {
    html! { path.mark d=(MARKS[index % MARKS.len()]) transform={ "translate(" (short(x)) " " (short(y)) ")" } {} }
}

/// A piece of the n-th curve for a legend.
pub(crate) fn swatch(index: usize) -> Markup {
    html! {
        svg class={ "swatch " (color(index)) } viewBox="0 0 30 12" width="30" height="12" aria-hidden="true" {
            path.line d="M1 6H29" stroke-dasharray=(stroke(index)) {}
            (mark(index, (15.0, 6.0)))
        }
    }
}

/// A coordinate as files have it.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
