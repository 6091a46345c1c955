//! The page around everything.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use plots::color_map;

use crate::numbers::Numbers;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What a browser is to do with the page: nothing is fetched from anywhere.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page that needs no other file.
#[derive(Debug, Clone)]
pub struct Page {
    /// What tabs and search results call it.
    pub title: String,
    /// Everything from the first heading on.
    pub body: Markup,
    /// The numbers of the figures in it.
    pub numbers: Numbers,
}

impl Page {
    /// The page as a file has it.
    pub fn render(&self) -> String {
        let page = html! {
            (DOCTYPE) "\n"
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    link rel="icon" href="data:,";
                    title { (self.title) } "\n"
                    style { "\n" (PreEscaped(colors())) (PreEscaped(STYLE)) }
                } "\n"
                body {
                    a.skip href="#content" { "Skip to the content" } "\n"
                    main id="content" { (self.body) } "\n"
                    script id="numbers" type="application/json" { (PreEscaped(self.numbers.json())) } "\n"
                    script { "\n" (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string() + "\n"
    }
}

/// The colour map of maps.
fn colors() -> String {
    let stop = |at: u32| {
        let [red, green, blue] = color_map(f64::from(at) / 16.0);
        format!("#{red:02x}{green:02x}{blue:02x}")
    };
    format!(
        ":root {{ --scale: linear-gradient(to right, {}); }}\n",
        (0..=16).map(stop).collect::<Vec<_>>().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In HTML an element of SVG that is not closed holds what follows it.
    #[test]
    fn every_element_of_a_figure_is_closed() -> Result<(), spectral::Error> {
        let mut table = spectral::SpectrumTable::new("synthetic", "resnet20", 1, vec![1, 2]);
        table.push(spectral::SpectrumRow {
            epoch: 0,
            mean: vec![0.0, 1.0],
            std: vec![0.1; 2],
            nat_prec1: 1.0,
            skipped: 0,
            details: spectral::SpectrumDetails::default(),
        })?;
        let (name, title) = ("a".to_owned(), "A".to_owned());
        let body = crate::Explorer { name, title, caption: String::new(), table: &table }
            .show(&mut Numbers::default());
        let markup = body.into_string();
        for element in ["path", "rect", "image", "g", "svg", "text"] {
            let count = |text: String| markup.matches(&text).count();
            let opened = count(format!("<{element} ")) + count(format!("<{element}>"));
            assert_eq!(opened, count(format!("</{element}>")), "{element}");
        }
        Ok(())
    }

    #[test]
    fn the_page_needs_nothing_else() {
        let page = Page {
            title: "</title><script>".to_owned(),
            body: html! { h1 { "A" } },
            numbers: Numbers::default(),
        }
        .render();
        assert!(page.contains("<title>&lt;/title&gt;&lt;script&gt;</title>"));
        for reference in ["src=", "url(", "http://", "https://", "@import", "fetch(", "import("] {
            assert!(!page.contains(reference), "{reference}");
        }
        assert_eq!(page.matches("<script").count(), 2);
        // Small beside the numbers that it shows.
        assert!(SCRIPT.len() < 12_500 && STYLE.len() < 9_000, "{} {}", SCRIPT.len(), STYLE.len());
    }
}
