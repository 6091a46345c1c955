//! A section for each claim.

use maud::{Markup, html};

use pages::Numbers;

use super::{
    beside, measured,
    number::{interval, number},
};
use crate::{
    claims::{Claim, Measure, Unit, Verdict},
    figures::Figure,
    findings::Findings,
    report::Report,
};

pub(super) fn sections(report: &Report, numbers: &mut Numbers) -> Markup {
    html! {
        @for (index, claim) in report.claims.iter().enumerate() {
            (section(index, claim, &report.figures, &report.findings, numbers)) "\n"
        }
    }
}

/// The verdict as a coloured word.
pub(super) fn badge(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::Reproduced => "yes",
        Verdict::NotReproduced => "no",
        Verdict::NotTested => "open",
    };
    html! { span class={ "badge " (class) } { (verdict.as_str()) } }
}

fn section(
    index: usize,
    claim: &Claim,
    figures: &[Figure],
    findings: &Findings,
    numbers: &mut Numbers,
) -> Markup {
    let shown: Vec<&Figure> =
        figures.iter().filter(|figure| claim.figures.contains(&figure.id.as_str())).collect();
    html! {
        section.claim id=(claim.id) {
            div {
            h3 { (claim.title) }
            p { (badge(claim.verdict)) }
            dl {
                dt { "The paper" } dd { (claim.paper) }
                dt { "Reproduced if" } dd { (claim.rule) }
                @if let Some(reason) = &claim.reason { dt { "Not tested" } dd { (reason) } }
                @if !shown.is_empty() { dt { "As files" } dd { (links(&shown)) } }
            }
            @if !claim.measures.is_empty() { (measures(index, claim)) }
            }
            @if let Some(chart) = beside::of_claim(claim.id, findings).or_else(|| measured::of_claim(claim.id, findings)) { div { (chart.show(numbers)) } }
        }
    }
}

fn links(figures: &[&Figure]) -> Markup {
    html! {
        @for (index, figure) in figures.iter().enumerate() {
            @if index > 0 { "; " }
            a href={ "#" (figure.id) } { (figure.title) }
        }
    }
}

fn measures(index: usize, claim: &Claim) -> Markup {
    let has_paper = claim.measures.iter().any(|measure| measure.paper.is_some());
    html! {
        div.wide role="region" tabindex="0" aria-label={ "Measured: " (claim.title) } {
            table aria-label={ "Measured: " (claim.title) } {
                thead {
                    tr {
                        th scope="col" { "measured" }
                        th scope="col" { "value" }
                        th scope="col" { "95 % interval" }
                        @if has_paper { th scope="col" { "the paper’s" } }
                    }
                } "\n"
                tbody {
                    @for (place, measure) in claim.measures.iter().enumerate() {
                        (row(&format!("/claims/{index}/measures/{place}"), measure, has_paper)) "\n"
                    }
                }
            }
        }
    }
}

fn row(at: &str, measure: &Measure, has_paper: bool) -> Markup {
    let Measure { label, unit, value, interval: ends, paper } = measure;
    html! {
        tr {
            th scope="row" { (label) }
            td {
                (number(&format!("{at}/value"), *value, *unit))
                @if *unit == Unit::Percent { "\u{a0}%" }
            }
            td { @if let Some(ends) = ends { (interval(&format!("{at}/interval"), *ends, *unit)) } }
            @if has_paper {
                td { @if let Some(paper) = paper { (number(&format!("{at}/paper"), *paper, *unit)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let figure = Figure {
            id: "a\"b".to_owned(),
            title: "<b>&".to_owned(),
            caption: String::new(),
            files: ["a.png".into(), "a.svg".into()],
        };
        assert_eq!(links(&[&figure]).into_string(), "<a href=\"#a&quot;b\">&lt;b&gt;&amp;</a>");
    }
}
