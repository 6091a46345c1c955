//! The gradient spectrum.

use maud::{Markup, html};
use pages::{Explorer, Numbers};
use spectral::SpectrumTable;

use crate::{
    run::{Found, Run},
    section::{Section, source},
    state,
};

const ABOUT: &str = "Which frequencies the loss depends on: the radial mean of the input gradient’s |DFT|, scaled to [0, 1] for each image, mean \
                     over test images. Bright bands are those that the network uses.";

/// Of the checkpoints, and as it was recorded in training, where the two are not the same.
pub(crate) fn sections(run: &Run, numbers: &mut Numbers) -> Vec<Section> {
    let rows = |found: &Found<SpectrumTable>| found.content.rows.clone();
    let is_same =
        run.spectrum.as_ref().zip(run.live.as_ref()).is_some_and(|(own, live)| rows(own) == rows(live));
    let own =
        run.spectrum.as_ref().map(|found| section(run, found, "spectrum", "Gradient spectrum", numbers));
    let title =
        if run.spectrum.is_some() { "Gradient spectrum, recorded in training" } else { "Gradient spectrum" };
    let live = run
        .live
        .as_ref()
        .filter(|_| !is_same)
        .map(|found| section(run, found, "live-spectrum", title, numbers));
    own.into_iter().chain(live).collect()
}

fn section(run: &Run, found: &Found<SpectrumTable>, id: &str, title: &str, numbers: &mut Numbers) -> Section {
    let table = &found.content;
    let skipped: usize = table.rows.iter().map(|row| row.skipped).sum();
    let caption = format!("{} on {}, {} test images", table.arch, table.dataset, table.n_images);
    let explorer = Explorer {
        name: id.to_owned(),
        title: "Epoch by epoch".to_owned(),
        caption: format!("{caption}."),
        table,
    };
    let body: Markup = html! {
        p { (ABOUT) }
        @if skipped > 0 { p.note { (skipped) " gradients over all epochs have no profile (zero, constant or not finite) and are left out." } }
        (explorer.show(numbers))
        (source(&found.file))
    };
    Section { id: id.to_owned(), title: title.to_owned(), remarks: state::of_spectrum(run, table), body }
}
