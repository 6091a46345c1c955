//! What else was measured of the networks: a section for each measure that has results.

use std::path::Path;

use maud::{Markup, html};
use pages::Numbers;

use crate::{paths::ResultPaths, training_set::TrainingSet};

/// None where no measure has results.
pub(super) fn section(paths: &ResultPaths<'_>, root: &Path, numbers: &mut Numbers) -> Option<Markup> {
    let of_set = |set: TrainingSet| {
        let before = format!("{}-", set.key());
        let run = paths.run(set);
        let name = run.strip_prefix(root).unwrap_or(&run).display().to_string();
        (set, name, reports::measure_sections(&run, &before, &mut *numbers))
    };
    let found: Vec<_> =
        TrainingSet::ALL.into_iter().map(of_set).filter(|(_, _, sections)| !sections.is_empty()).collect();
    (!found.is_empty()).then(|| {
        html! {
            h2 id="measures" { "Other measures" } "\n"
            p { "What " code { "measure" } " has measured of the networks, as other papers define it. A measure of further networks is shown once it is there." }
            @for (set, name, sections) in &found {
                @for (title, body) in sections {
                    section {
                        h3 { @if !title.is_empty() { (title) ": " } "trained on " (set.label()) }
                        (body)
                        p { small { "In " code { (name) } } }
                    } "\n"
                }
            }
        }
    })
}
