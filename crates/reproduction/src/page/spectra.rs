//! The gradient spectrum of each network, epoch by epoch.

use std::path::Path;

use maud::{Markup, html};
use pages::{Explorer, Numbers};

use crate::{paths::ResultPaths, report::Report, training_set::TrainingSet};

pub(super) fn section(
    report: &Report,
    paths: &ResultPaths<'_>,
    root: &Path,
    numbers: &mut Numbers,
) -> Markup {
    let spectra = &report.findings.spectra;
    html! {
        @if !spectra.is_empty() {
            h2 id="spectra" { "Which frequencies each network uses" } "\n"
            p {
                "The mean input gradient by frequency band, scaled to [0, 1] for each image. Colours span the values of one map: compare \
                 networks by their numbers. Move the slider to see the profile of an epoch."
            }
            @for (&set, table) in spectra {
                @let title = format!("Trained on {}", set.label());
                @let explorer = Explorer { name: format!("spectrum-{}", set.key()), title, caption: format!("{} test images.", table.n_images), table };
                (explorer.show(numbers)) "\n"
                p { small { a href=(page_of(paths, set, root)) { "Everything that was measured of this network" } } }
            }
        }
    }
}

/// The page of a network's run, relative to that of the reproduction.
fn page_of(paths: &ResultPaths<'_>, set: TrainingSet, root: &Path) -> String {
    let page = paths.run(set).join(runs::results::PAGE);
    let inside = page.strip_prefix(root).unwrap_or(&page);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
