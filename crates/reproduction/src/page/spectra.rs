//! The gradient spectrum of each network, epoch by epoch.

use std::path::Path;

use maud::{Markup, html};
use pages::{Explorer, Numbers};

use super::networks::Shown;

pub(super) fn section(networks: &[Shown<'_>], root: &Path, numbers: &mut Numbers) -> Markup {
    let shown = || networks.iter().filter_map(|network| Some((network, network.table?)));
    html! {
        @if shown().next().is_some() {
            h2 id="spectra" { "Which frequencies each network uses" } "\n"
            p {
                "The mean input gradient by frequency band, scaled to [0, 1] for each image. Colours span the values of one map: compare \
                 networks by their numbers. Move the slider to see the profile of an epoch."
            }
            @for (network, table) in shown() {
                @let explorer = Explorer {
                    name: format!("spectrum-{}", network.key),
                    title: network.title.clone(),
                    caption: format!("{} test images.", table.n_images),
                    table,
                };
                (explorer.show(numbers)) "\n"
                p { small { a href=(page_of(&network.run, root)) { "Everything that was measured of this network" } } }
            }
        }
    }
}

/// The page of a network's run, relative to that of the reproduction.
fn page_of(run: &Path, root: &Path) -> String {
    let page = run.join(runs::results::PAGE);
    let inside = page.strip_prefix(root).unwrap_or(&page);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
