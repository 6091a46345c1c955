//! What else was measured of the networks: a section for each measure that has results.

use std::path::Path;

use maud::{Markup, html};
use pages::Numbers;

use super::networks::Shown;

/// None where no measure has results.
pub(super) fn section(networks: &[Shown<'_>], root: &Path, numbers: &mut Numbers) -> Option<Markup> {
    let of_network = |network: &Shown<'_>| {
        let name = network.run.strip_prefix(root).unwrap_or(&network.run).display().to_string();
        let before = format!("{}-", network.key);
        (network.title.clone(), name, reports::measure_sections(&network.run, &before, &mut *numbers))
    };
    let found: Vec<_> =
        networks.iter().map(of_network).filter(|(_, _, sections)| !sections.is_empty()).collect();
    (!found.is_empty()).then(|| {
        html! {
            h2 id="measures" { "Other measures" } "\n"
            p { "What " code { "measure" } " has measured of the networks, as other papers define it. A measure of further networks is shown once it is there." }
            @for (network, name, sections) in &found {
                @for (title, body) in sections {
                    section {
                        h3 { (network) @if !title.is_empty() { ": " (title) } }
                        (body)
                        p { small { "In " code { (name) } } }
                    } "\n"
                }
            }
        }
    })
}
