//! The page: what is known at a glance, a section each, and what could not be read.

use std::path::{Path, PathBuf};

use files::FolderLock;
use maud::{Markup, html};
use pages::{Numbers, Page, rounded};
use runs::results;

use crate::{Error, evaluation, how, measures, run::Run, section::Section, spectrum, training};

/// The page of a run.
#[derive(Debug, Clone)]
pub struct RunPage {
    folder: PathBuf,
    html: String,
    problems: Vec<String>,
}

/// Makes the page of a run anew from the files in its folder: `report.html`, whose path is returned.
///
/// # Errors
/// If the page cannot be written. What is wrong with results is said on the page.
pub fn save_run_page(run: &Path) -> Result<PathBuf, Error> {
    RunPage::read(run).save()
}

impl RunPage {
    /// The page of a folder as it is now.
    pub fn read(folder: &Path) -> Self {
        let run = Run::read(folder);
        let mut numbers = Numbers::default();
        let mut sections = spectrum::sections(&run, &mut numbers);
        sections.extend(training::section(&run, &mut numbers));
        sections.extend(evaluation::section(&run, &mut numbers));
        sections.extend(measures::sections(&run, &mut numbers));
        sections.extend(how::section(&run));
        let title = title(&run);
        let body = html! {
            h1 { (title) }
            (lead(&run))
            @if sections.len() > 1 {
                nav aria-label="Parts of this page" { ul { @for of in &sections { li { a href={ "#part-" (of.id) } { (of.title) } } } } }
            }
            @for problem in &run.problems { p.note { b { "Not shown: " } (problem) } }
            @for section in &sections { (shown(section)) "\n" }
        };
        let html = Page { title, body, numbers }.render();
        Self { folder: folder.to_owned(), html, problems: run.problems }
    }

    /// The page as its file has it.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// Files that could not be read, and why; the page says so, too.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Writes `report.html` into the folder, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self) -> Result<PathBuf, Error> {
        let path = self.folder.join(results::PAGE);
        // With the lock, what a program that was killed here has left goes. Whoever trains the run has it, and removes that itself.
        let _lock = match FolderLock::take(&self.folder) {
            Err(files::Error::InUse { .. }) => None,
            taken => Some(taken?),
        };
        files::write_atomically(&path, self.html.as_bytes())?;
        Ok(path)
    }
}

fn title(run: &Run) -> String {
    match run.what() {
        [Some(arch), Some(dataset)] => format!("{arch} on {dataset}"),
        [Some(arch), None] => arch,
        _ => run.name.clone(),
    }
}

fn lead(run: &Run) -> Markup {
    let best = run.metrics.iter().max_by(|a, b| a.nat_prec1.total_cmp(&b.nat_prec1));
    let config = run.config.as_ref();
    let count =
        |of: fn(&runs::RunConfig) -> Option<usize>| config.and_then(of).map(|count| count.to_string());
    let facts = [
        ("run", Some(run.name.clone())),
        ("epochs", run.metrics.last().map(|_| run.metrics.len().to_string())),
        ("test accuracy", run.metrics.last().map(|last| format!("{} %", rounded(last.nat_prec1)))),
        (
            "best test accuracy",
            best.map(|best| format!("{} % (epoch {})", rounded(best.nat_prec1), best.epoch)),
        ),
        ("training images", count(|config| config.train_images)),
        ("test images", count(|config| config.test_images)),
        ("seed", config.and_then(|config| config.seed).map(|seed| seed.to_string())),
    ];
    let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    html! { dl.facts { @for (name, value) in known { div { dt { (name) } dd { (value) } } } } }
}

fn shown(section: &Section) -> Markup {
    html! {
        section aria-labelledby={ "part-" (section.id) } {
            h2 id={ "part-" (section.id) } { (section.title) }
            @for remark in &section.remarks { p.note { (remark) } }
            (section.body)
        }
    }
}
