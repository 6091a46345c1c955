//! How the numbers were made: software, settings and command lines.

use maud::{Markup, html};

use super::number::seconds;
use crate::report::Report;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        h2 id="how" { "How this was made" } "\n"
        p {
            "freqbias " (report.version) ", kernels " (report.kernels) ", seed " (report.config.seed) ". Intervals of spectra are those of \
             the mean over test images, with deviations of bands added as if all moved together, so that they are at least as wide as \
             the true ones. They do not hold the chance of training: other seeds give other networks. All numbers are in "
            code { "report.json" } ", tables in " code { "claims.csv" } " and " code { "accuracy.csv" } ", figures in "
            code { "figures/" } ", beside this page."
        } "\n"
        ol {
            @for (index, step) in report.steps.iter().enumerate() {
                li {
                    (step.name) " ("
                    @match step.seconds {
                        Some(took) => (seconds(&format!("/steps/{index}/seconds"), took)),
                        None if step.done => "run by itself",
                        None => "not done yet",
                    }
                    ")" pre { code { (step.command) } }
                } "\n"
            }
        }
    }
}
