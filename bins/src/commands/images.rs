//! The images that flags name, with what is noted of them.

use datasets::{Dataset, ImageSet, catalog::Request};
use pipeline::Session;
use progress::Progress;

use crate::cli::note_advice;

/// How a data set is opened.
pub(super) type Open = fn(&Request, &Progress) -> Result<Dataset, datasets::Error>;

/// Opens a data set, and says what people should know of how it was read.
///
/// # Errors
/// If it is not where it should be, or cannot be read.
pub(super) fn open(request: &Request, how: Open, session: &Session) -> anyhow::Result<Dataset> {
    let dataset = how(request, &session.progress)?;
    for note in &dataset.notes {
        let advice = note_advice(note).map_or_else(String::new, |advice| format!("; {advice}"));
        session.progress.note(&format!("{note}{advice}"));
    }
    Ok(dataset)
}

/// Says which images were left out so far.
pub(super) fn note_left_out(dataset: &Dataset, session: &Session) {
    let left_out: Vec<String> = [&dataset.train, &dataset.test].into_iter().flat_map(left_out).collect();
    if let Some(words) = left_out_words(&left_out) {
        session.progress.note(&words);
    }
}

/// The files that were left out, and what is wrong with each.
pub(super) fn left_out(set: &ImageSet) -> Vec<String> {
    set.left_out().iter().map(ToString::to_string).collect()
}

/// How many were left out, and the first; nothing where none was.
pub(super) fn left_out_words(left_out: &[String]) -> Option<String> {
    let first = left_out.first()?;
    Some(match left_out.len() {
        1 => format!("1 damaged image was left out: {first}"),
        count => format!("{count} damaged images were left out; the first: {first}"),
    })
}
