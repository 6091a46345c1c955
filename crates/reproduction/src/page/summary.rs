//! The top of the page: what was tested, and all verdicts at a glance.

use maud::{Markup, html};

use super::{claims::badge, networks::Shown};
use crate::{
    claims::{Claim, Verdict},
    report::Report,
};

pub(super) fn section(report: &Report, networks: &[Shown<'_>], has_measures: bool) -> Markup {
    html! {
        (lead(report)) "\n"
        nav aria-label="Parts of this page" {
            ul {
                li { a href="#claims" { "Claims" } }
                @if networks.iter().any(|network| network.table.is_some()) { li { a href="#spectra" { "Gradient spectra" } } }
                @if !report.tables.is_empty() { li { a href="#accuracy" { "Accuracy" } } }
                @if has_measures { li { a href="#measures" { "Other measures" } } }
                @if !report.figures.is_empty() { li { a href="#figures" { "Figures as files" } } }
                li { a href="#how" { "How this was made" } }
            }
        } "\n"
        h2 id="claims" { "Claims" } "\n"
        (verdicts(&report.claims)) "\n"
        p {
            "A claim is reproduced where its rule holds, which stands with it below. There, “more” and “above” mean beyond the 95 % \
             intervals: those of two values must not overlap, and a value is above a number with all of its interval."
        }
    }
}

fn lead(report: &Report) -> Markup {
    let [authors, title, published, number] = report.config.paper.citation();
    html! {
        p.lead {
            "Claims of " (authors) ", " a href={ "https://arxiv.org/abs/" (number) } { (title) } " (" (published) "), tested at scale "
            b { (report.config.scale.as_str()) } ": " (report.count(Verdict::Reproduced)) " of " (report.claims.len())
            " reproduced, " (report.count(Verdict::NotReproduced)) " not, " (report.count(Verdict::NotTested))
            " not tested at this scale."
        }
    }
}

fn verdicts(claims: &[Claim]) -> Markup {
    html! {
        table.verdicts aria-label="All claims and their verdicts" {
            thead { tr { th scope="col" { "verdict" } th scope="col" { "claim" } } }
            tbody {
                @for claim in claims {
                    tr {
                        td { (badge(claim.verdict)) }
                        td { a href={ "#" (claim.id) } { (claim.title) } }
                    } "\n"
                }
            }
        }
    }
}
