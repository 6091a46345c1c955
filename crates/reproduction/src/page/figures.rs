//! The figures, inside the page.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use crate::{claims::Claim, error::Error, figures::Figure, report::Report, storage};

pub(super) fn section(report: &Report, root: &Path) -> Result<Markup, Error> {
    let figures = report.figures.iter().map(|of| figure(of, &report.claims, root));
    let figures = figures.collect::<Result<Vec<_>, _>>()?;
    Ok(html! {
        h2 id="figures" { "Figures" } "\n"
        @for figure in &figures { (figure) "\n" }
    })
}

fn figure(figure: &Figure, claims: &[Claim], root: &Path) -> Result<Markup, Error> {
    let Figure { id, title, caption, files: [_, svg] } = figure;
    let picture = STANDARD.encode(storage::read(&root.join(svg))?);
    let shown: Vec<&Claim> = claims.iter().filter(|claim| claim.figures.contains(&id.as_str())).collect();
    Ok(html! {
        figure id=(id) {
            div.wide role="region" tabindex="0" aria-label={ "Figure: " (title) } {
                img alt=(title) src={ "data:image/svg+xml;base64," (picture) };
            } "\n"
            figcaption {
                b { (title) "." } " " (caption)
                @if !shown.is_empty() { (links(&shown)) }
            }
        }
    })
}

/// Back to the claims that a figure shows.
fn links(claims: &[&Claim]) -> Markup {
    html! {
        p.claims { "Claims that it shows:" }
        ul.claims {
            @for claim in claims { li { a href={ "#" (claim.id) } { (claim.title) } } }
        }
    }
}
