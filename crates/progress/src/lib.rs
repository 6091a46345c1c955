//! What long work reports while it runs, and how it is asked to stop.
//!
//! A library function that takes long takes a [`Progress`]. It reports [`Event`]s to a callback of the caller's, and stops at
//! the next batch once the interrupt flag is set. [`Progress::default`] reports to nobody and never stops.
//!
//! ```
//! use std::sync::{Arc, Mutex, atomic::AtomicBool};
//! use progress::{Event, Progress, Unit};
//!
//! let seen = Arc::new(Mutex::new(Vec::new()));
//! let log = Arc::clone(&seen);
//! let progress = Progress::new(move |event| log.lock().unwrap().push(format!("{event:?}")), Arc::new(AtomicBool::new(false)));
//! let pass = progress.pass("test images", 10);
//! pass.advance(10);
//! drop(pass);
//! assert_eq!(seen.lock().unwrap().len(), 3); // begin, advance, end
//! ```

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What happens while work goes on. Passes follow one another; they are not nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A pass begins.
    Begin {
        /// Over what, in a few words.
        label: &'a str,
        /// How many things it has, where that is known.
        total: Option<u64>,
        /// What is counted.
        unit: Unit,
    },
    /// The length of the pass is known only now.
    Length(u64),
    /// So many more things are done.
    Advance(u64),
    /// So many things are done in all: a pass that is resumed does not begin at zero.
    Position(u64),
    /// How the work stands, in a few words.
    Status(&'a str),
    /// The pass is over, done or not.
    End,
    /// A finished part of the work, as a line of text.
    Line(&'a str),
    /// Something about the result that its reader should know.
    Note(&'a str),
}

/// What a pass counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Images.
    Images,
    /// Bytes.
    Bytes,
}

/// Work was stopped because the interrupt flag was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Interrupted;

/// What is called with each event.
type Callback = dyn Fn(Event<'_>) + Send + Sync;

/// The caller's callback and interrupt flag. Clones share both.
#[derive(Clone)]
pub struct Progress {
    report: Arc<Callback>,
    interrupt: Arc<AtomicBool>,
}

impl Progress {
    /// Reports to a callback, and stops once the flag is set.
    pub fn new(report: impl Fn(Event<'_>) + Send + Sync + 'static, interrupt: Arc<AtomicBool>) -> Self {
        Self { report: Arc::new(report), interrupt }
    }

    /// Begins a pass over so many images; it ends when the returned value is dropped.
    pub fn pass(&self, label: &str, images: usize) -> Pass<'_> {
        self.begin(label, Some(images as u64), Unit::Images)
    }

    /// Begins a pass over bytes; see [`Pass::set_length`].
    pub fn bytes(&self, label: &str) -> Pass<'_> {
        self.begin(label, None, Unit::Bytes)
    }

    /// Reports a finished part of the work as a line of text.
    pub fn line(&self, line: &str) {
        (self.report)(Event::Line(line));
    }

    /// Reports something about the result that its reader should know.
    pub fn note(&self, note: &str) {
        (self.report)(Event::Note(note));
    }

    /// Whether the flag is set.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }

    /// Ends the work if the flag is set.
    ///
    /// # Errors
    /// If it is.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_interrupted() { Err(Interrupted) } else { Ok(()) }
    }

    /// The flag itself.
    pub fn interrupt(&self) -> &AtomicBool {
        &self.interrupt
    }

    fn begin(&self, label: &str, total: Option<u64>, unit: Unit) -> Pass<'_> {
        (self.report)(Event::Begin { label, total, unit });
        Pass { progress: self }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new(|_| (), Arc::default())
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("interrupt", &self.interrupt).finish_non_exhaustive()
    }
}

/// A pass over many things; over when it is dropped.
#[derive(Debug)]
pub struct Pass<'a> {
    progress: &'a Progress,
}

impl Pass<'_> {
    /// So many more are done.
    pub fn advance(&self, count: usize) {
        (self.progress.report)(Event::Advance(count as u64));
    }

    /// So many are done in all.
    pub fn set_position(&self, count: u64) {
        (self.progress.report)(Event::Position(count));
    }

    /// How many there are.
    pub fn set_length(&self, length: u64) {
        (self.progress.report)(Event::Length(length));
    }

    /// How the work stands, in a few words.
    pub fn set_status(&self, words: &str) {
        (self.progress.report)(Event::Status(words));
    }

    /// As [`Progress::check`].
    ///
    /// # Errors
    /// If the interrupt flag is set.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.progress.check()
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        (self.progress.report)(Event::End);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_flag_stops_the_work() {
        let flag = Arc::new(AtomicBool::new(false));
        let progress = Progress::new(|_| (), Arc::clone(&flag));
        assert_eq!(progress.pass("", 1).check(), Ok(()));
        flag.store(true, Ordering::SeqCst);
        assert_eq!(progress.clone().check(), Err(Interrupted));
        assert_eq!(Progress::default().check(), Ok(()));
    }
}
