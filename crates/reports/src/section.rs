//! A section of a page, and where its numbers are.

use maud::{Markup, html};

/// A part of the page.
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) title: String,
    /// What is not as it should be.
    pub(crate) remarks: Vec<String>,
    pub(crate) body: Markup,
}

/// Where the numbers of a section are.
pub(crate) fn source(file: &str) -> Markup {
    html! { p { small { "All numbers: " a href=(file) { (file) } } } }
}
