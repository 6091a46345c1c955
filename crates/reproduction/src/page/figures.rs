//! The figures as files, for papers and slides.

use maud::{Markup, html};

use crate::{claims::Claim, figures::Figure, report::Report};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        @if !report.figures.is_empty() {
            h2 id="figures" { "Figures as files" } "\n"
            p { "As the programs drew them, in " code { "figures/" } " beside this page." }
            ul { @for figure in &report.figures { (line(figure, &report.claims)) "\n" } }
        }
    }
}

fn line(figure: &Figure, claims: &[Claim]) -> Markup {
    let Figure { id, title, caption, files: [png, svg] } = figure;
    let shown: Vec<&Claim> = claims.iter().filter(|claim| claim.figures.contains(&id.as_str())).collect();
    html! {
        li id=(id) {
            b { (title) } " (" a href=(png.to_string_lossy()) { "PNG" } ", " a href=(svg.to_string_lossy()) { "SVG" } "). " (caption)
            @if !shown.is_empty() {
                " Claims that it shows: "
                @for (at, claim) in shown.iter().enumerate() { @if at > 0 { " " } a href={ "#" (claim.id) } { (claim.title) } }
            }
        }
    }
}
