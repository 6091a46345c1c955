//! What a data set holds, for people and for programs.

use std::path::Path;

use analysis::{Inspection, PartFound, inspect_dataset};
use datasets::catalog::Request;
use pipeline::Session;

use super::images;
use crate::cli::{
    self, counted,
    flags::{DataFlags, Format},
};

/// Looks at every image of a data set, draws the classes' densities to `{stem}.png` and `.svg`, and prints what was found.
///
/// # Errors
/// If there is no data set, an image cannot be read, or the picture cannot be written.
pub(super) fn run(data: &DataFlags, stem: &Path, format: Format, session: &Session) -> anyhow::Result<()> {
    let dataset = images::open(&data.request(), Request::open_partial, session)?;
    let mut found = inspect_dataset(&dataset, data.workers, &session.progress)?;
    found.save_curves(stem)?;
    match format {
        Format::Json => cli::result(&serde_json::to_string(&found)?),
        Format::Text => text(&found).iter().try_for_each(|line| cli::result(line)),
    }
}

fn text(found: &Inspection) -> Vec<String> {
    let [channels, height, width] = found.shape;
    let mut lines = vec![format!(
        "{}: {}, images of {channels}×{height}×{width}",
        found.dataset,
        counted(found.classes.len(), "class")
    )];
    for PartFound { part, images, labels, mean, std } in &found.parts {
        let list =
            |values: &[f64]| values.iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(", ");
        let (least, most) = (labels.iter().min().unwrap_or(&0), labels.iter().max().unwrap_or(&0));
        let spread = if least == most { least.to_string() } else { format!("{least} to {most}") };
        if *images == 0 {
            lines.push(format!("{part}: no images"));
            continue;
        }
        lines.push(format!("{part}: {}, {spread} a class", counted(*images, "image")));
        lines.push(format!("  mean {}  standard deviation {}", list(mean), list(std)));
    }
    for (class, name) in found.classes.iter().enumerate() {
        let counts: Vec<String> =
            found.parts.iter().map(|part| format!("{:6}", part.labels[class])).collect();
        let output = found.outputs.as_ref().and_then(|outputs| outputs.get(class));
        let output = output.map_or_else(String::new, |output| format!("  (output {output})"));
        lines.push(format!("  {class:4} {}  {name}{output}", counts.join(" ")));
    }
    lines.extend(found.files.iter().map(|file| format!("written: {}", file.display())));
    match &found.problem {
        _ if found.damaged > 0 => lines.extend(damaged(found)),
        Some(problem) => lines.push(format!("problem: {problem}")),
        None => lines.push("no problem found".to_owned()),
    }
    lines
}

fn damaged(found: &Inspection) -> Vec<String> {
    let more = found.damaged - found.damaged_files.len();
    let files = found.damaged_files.iter().map(|file| format!("  {file}"));
    let more = (more > 0).then(|| format!("  and {more} more"));
    let were = if found.damaged == 1 { "was" } else { "were" };
    let head = format!("problem: {} {were} left out", counted(found.damaged, "damaged file"));
    [head].into_iter().chain(files).chain(more).collect()
}
