//! The embedded font: how wide a text is, and how it is broken into lines.
//!
//! The font is DejaVu Sans, cut down to Latin, Greek, punctuation, arrows and mathematical signs; its
//! licence is `fonts/LICENSE.txt`. Characters that it lacks are drawn as a box in a PNG, and in an SVG by
//! whatever font the viewer has for them. Widths are always those of the embedded font, so that PNG and SVG
//! have the same layout.

use std::sync::OnceLock;

use plotters::{
    prelude::{FontStyle, IntoFont},
    style::register_font,
};

/// The embedded face, and what a viewer of an SVG without it falls back to.
pub(crate) const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// Height of the font's line (ascender to descender) in em, from its `hhea` table.
pub(crate) const LINE_HEIGHT: f64 = 1.164;

/// Type sizes, in logical pixels an em.
pub(crate) mod size {
    /// First lines of the header.
    pub(crate) const TITLE: f64 = 16.0;
    /// Further lines of the header.
    pub(crate) const SUBTITLE: f64 = 12.0;
    /// What an axis shows.
    pub(crate) const LABEL: f64 = 12.5;
    /// Numbers along an axis, names in a legend, captions.
    pub(crate) const TICK: f64 = 11.0;
}

/// Longer texts are cut before they are measured: names come from files, and measuring takes time.
const MOST_CHARACTERS: usize = 2000;

/// Registers the embedded font; text needs nothing from the system then.
pub(crate) fn embed_font() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let bytes = include_bytes!("../fonts/DejaVuSans.ttf");
        assert!(register_font(FONT, FontStyle::Normal, bytes).is_ok(), "the embedded font is a font");
    });
}

/// Width of a text in logical pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    embed_font();
    // Measured at 1000 pixels an em because the answer comes in whole pixels.
    let layout = (FONT, 1000.0 * LINE_HEIGHT).into_font().layout_box(text);
    layout.map_or(0.6 * text.chars().count() as f64, |(_, (right, _))| f64::from(right) / 1000.0) * size
}

/// What XML and a single line can hold: control characters and non-characters become spaces.
pub(crate) fn clean(text: &str) -> String {
    let unfit = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().take(MOST_CHARACTERS).map(|c| if unfit(c) { ' ' } else { c }).collect()
}

/// The text if it fits, or else as much of it as fits with an ellipsis.
pub(crate) fn shorten(text: &str, size: f64, most: f64) -> String {
    let text = clean(text);
    if width(&text, size) <= most {
        return text;
    }
    let room = most - width("…", size);
    format!("{}…", &text[..fitting(&text, size, room)].trim_end())
}

/// The text in at most `lines` lines no wider than `most`, broken at spaces where there are any; what is left over is an
/// ellipsis.
pub(crate) fn wrap(text: &str, size: f64, most: f64, lines: usize) -> Vec<String> {
    let text = clean(text);
    let mut rest = text.trim();
    let mut wrapped = Vec::new();
    while !rest.is_empty() {
        if wrapped.len() + 1 == lines || width(rest, size) <= most {
            wrapped.push(shorten(rest, size, most));
            break;
        }
        // At least one character, or a narrow column would never end.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let cut = fitting(rest, size, most).max(first);
        let cut = if rest[cut..].starts_with(' ') { cut } else { rest[..cut].rfind(' ').unwrap_or(cut) };
        wrapped.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    wrapped
}

/// How many bytes of a text fit, whole characters. Widths grow with the text, so the place is found by
/// bisection.
fn fitting(text: &str, size: f64, most: f64) -> usize {
    let ends: Vec<usize> = text.char_indices().map(|(start, c)| start + c.len_utf8()).collect();
    let count = ends.partition_point(|&end| width(&text[..end], size) <= most);
    count.checked_sub(1).map_or(0, |last| ends[last])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        // The advance of a digit in DejaVu Sans is 1303 of 2048 units.
        assert!((width("0", 100.0) - 63.6).abs() < 0.1);
        assert!((width("0000", 10.0) - 25.4).abs() < 0.1);
    }

    #[test]
    fn lines_break_at_spaces_and_fit() {
        let text = "one two three four five six seven eight nine ten";
        let lines = wrap(text, 12.0, 100.0, 9);
        assert_eq!(lines.join(" "), text);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 12.0) <= 100.0));
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        let lines = wrap(&"word ".repeat(5000), 12.0, 100.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…') && width(&lines[1], 12.0) <= 100.0);
        assert_eq!(wrap(&"w".repeat(40), 12.0, 100.0, 9).concat(), "w".repeat(40));
        assert_eq!(wrap("wide", 12.0, 1.0, 9).len(), 4);
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(clean("a\u{0}b\nc\u{ffff}"), "a b c ");
    }
}
