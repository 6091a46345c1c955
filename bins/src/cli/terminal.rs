//! What a person sees while a program works: notes and progress bars on stderr, results on stdout.

use std::{
    borrow::Cow,
    io::{ErrorKind, IsTerminal, Write},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use progress::{Event, Unit};

/// Whether this process is not to be seen: of several ranks the first one speaks.
pub(super) fn is_silent() -> bool {
    ranks::announced().is_some_and(|rank| rank > 0)
}

/// Notes and bars; silent with `--quiet`, and without bars where stderr is no terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    quiet: bool,
    bars: bool,
}

impl Terminal {
    /// The terminal of this process.
    pub(crate) fn new(quiet: bool) -> Self {
        let quiet = quiet || is_silent();
        Self { quiet, bars: !quiet && std::io::stderr().is_terminal() }
    }

    /// A line on stderr.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            note(message);
        }
    }

    /// Shows what a library reports: a pass as the one bar that there is.
    pub(crate) fn show(&self, bar: &mut Option<ProgressBar>, event: Event<'_>) {
        match (event, bar.as_ref()) {
            (Event::Begin { label, total, unit: Unit::Images }, _) => {
                *bar = Some(self.images_bar(total.unwrap_or(0), label.to_owned()));
            }
            (Event::Begin { label, .. }, _) => *bar = Some(self.bytes_bar(label.to_owned())),
            (Event::Length(length), Some(bar)) => bar.set_length(length),
            (Event::Advance(count), Some(bar)) => bar.inc(count),
            (Event::Position(count), Some(bar)) => {
                bar.set_position(count);
                bar.reset_eta();
            }
            (Event::Status(words), Some(bar)) => bar.set_message(words.to_owned()),
            (Event::End, _) => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
            }
            (Event::Line(line), _) => self.note(line),
            (Event::Note(note), _) => self.note(&format!("note: {note}")),
            _ => {}
        }
    }

    /// A bar that counts images; shows the rate and the time left.
    fn images_bar(&self, images: u64, label: String) -> ProgressBar {
        let target = if self.bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(images), target);
        let template = "{prefix:14} [{bar:32}] {pos}/{len} images, {per_sec}, {eta} left  {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0} images/s", state.per_sec());
        };
        bar.set_style(style.with_key("per_sec", rate).progress_chars("=> "));
        bar.set_prefix(label);
        bar
    }

    /// A bar that counts bytes; the length is set once it is known.
    fn bytes_bar(&self, label: String) -> ProgressBar {
        let target = if self.bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let template = "{prefix} [{bar:32}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix(label);
        bar
    }
}

/// A line on stderr, whatever `--quiet` says: errors, and what must not be missed. Of several ranks the first one says it.
pub(crate) fn note(message: &str) {
    if !is_silent() {
        alarm(message);
    }
}

/// The same from any rank: rank 0 cannot say it.
pub(crate) fn alarm(message: &str) {
    // A reader that went away (a closed pipe) is no reason to stop working.
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(message));
}

/// What names in files and folders hold may be commands to a terminal: those are shown as Rust writes them.
fn printable(message: &str) -> Cow<'_, str> {
    let is_command = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !message.contains(is_command) {
        return message.into();
    }
    let mut shown = String::with_capacity(message.len());
    for letter in message.chars() {
        if is_command(letter) { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown.into()
}

/// A number of things in words: `1 image`, `2 images`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    let ending = match one {
        _ if count == 1 => "",
        _ if one.ends_with("epoch") => "s",
        _ if one.ends_with('s') || one.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{count} {one}{ending}")
}

/// A line of the result, on stdout. A reader that went away (a closed pipe) has seen what it wanted.
///
/// # Errors
/// If the line cannot be written, as on a full disk.
pub(crate) fn result(line: &str) -> anyhow::Result<()> {
    result_as_it_is(format!("{}\n", printable(line)).as_bytes())
}

/// Writes to stdout what another program will read.
///
/// # Errors
/// As [`result`].
pub(crate) fn result_as_it_is(bytes: &[u8]) -> anyhow::Result<()> {
    if is_silent() {
        return Ok(());
    }
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write the result to stdout"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{counted, printable};

    #[test]
    fn names_command_no_terminal() {
        assert_eq!(printable("class \u{1b}[2J\u{7}: ρ\n\tone"), "class \\u{1b}[2J\\u{7}: ρ\n\tone");
        assert_eq!(printable("ordinary"), "ordinary");
    }

    #[test]
    fn one_is_no_plural() {
        let words =
            [("image", "image"), ("class", "class"), ("batch", "batch"), ("damaged image", "damaged image")];
        words.iter().for_each(|(one, said)| assert_eq!(counted(1, one), format!("1 {said}")));
        let many = words.map(|(one, _)| counted(2, one));
        assert_eq!(many, ["2 images", "2 classes", "2 batches", "2 damaged images"]);
        assert_eq!(counted(0, "class"), "0 classes");
        assert_eq!(counted(3, "epoch"), "3 epochs");
    }
}
