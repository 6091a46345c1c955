//! Faults for tests: makes the k-th operation on files fail, as a disk or a power failure would.
//!
//! One fault at a time, for the whole process. Builds without debug assertions, as releases are, have none of this.
//!
//! ```
//! use files::faults::{Fault, arm, disarm};
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("text");
//! files::write_atomically(&path, b"old")?;
//! arm(Some((Fault::Kill, 3)));
//! assert!(files::write_atomically(&path, b"new").is_err());
//! let seen = disarm();
//! assert!(seen.is_hit && files::read(&path)? == b"old");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::operation::Operation;

/// The environment variable that arms a fault in a process: `kill:17`, with the words of [`Fault`].
pub const VARIABLE: &str = "FREQBIAS_FAULT";

/// What happens at the k-th operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The system reports an error, once.
    Error,
    /// The disk takes half of the bytes, once. What is no write is done.
    Short,
    /// The disk is full from now on: it takes half of the bytes, and nothing that needs room after that.
    Full,
    /// Nothing reaches the disk any more, but half of the bytes of a write: what `kill -9` leaves. The process goes on and is told of
    /// errors, so that one process can be killed often.
    Kill,
    /// The process aborts there, after half of the bytes of a write.
    Abort,
    /// The folder that [`move_away`] names has another name from now on.
    Move,
}

impl Fault {
    /// All that a process survives.
    pub const SURVIVED: [Self; 4] = [Self::Error, Self::Short, Self::Full, Self::Kill];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Short => "short",
            Self::Full => "full",
            Self::Kill => "kill",
            Self::Abort => "abort",
            Self::Move => "move",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Error, Self::Short, Self::Full, Self::Kill, Self::Abort]
            .into_iter()
            .find(|of| of.name() == name)
    }
}

/// What was done while a fault was armed.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Every operation, in its order, and what it was on.
    pub operations: Vec<(Operation, PathBuf)>,
    /// Whether the fault came about.
    pub is_hit: bool,
}

#[derive(Default)]
struct Armed {
    fault: Option<(Fault, usize)>,
    is_armed: bool,
    seen: Seen,
}

/// From where to where [`Fault::Move`] moves a folder.
static MOVED: Mutex<Option<(PathBuf, PathBuf)>> = Mutex::new(None);

/// Says which folder [`Fault::Move`] moves, and to where.
pub fn move_away(from: &Path, to: &Path) {
    *MOVED.lock().unwrap_or_else(PoisonError::into_inner) = Some((from.to_owned(), to.to_owned()));
}

static ARMED: Mutex<Option<Armed>> = Mutex::new(None);

/// Counts operations from now on, and makes the one of this number (from 1 on) fail.
pub fn arm(fault: Option<(Fault, usize)>) {
    *armed() = Some(Armed { fault, is_armed: true, seen: Seen::default() });
}

/// Ends it; what was done.
pub fn disarm() -> Seen {
    armed().replace(Armed::default()).map(|armed| armed.seen).unwrap_or_default()
}

fn armed() -> MutexGuard<'static, Option<Armed>> {
    ARMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the environment asks for.
fn of_environment() -> Armed {
    let fault = std::env::var(VARIABLE).ok().and_then(|text| {
        let (name, number) = text.split_once(':')?;
        Some((Fault::named(name)?, number.parse().ok()?))
    });
    Armed { fault, is_armed: fault.is_some(), seen: Seen::default() }
}

/// What becomes of an operation.
enum Fate {
    Done,
    Half,
    Failed(io::Error),
    Aborted,
}

fn fate(operation: Operation, path: &Path) -> Fate {
    let mut guard = armed();
    let armed = guard.get_or_insert_with(of_environment);
    if !armed.is_armed {
        return Fate::Done;
    }
    armed.seen.operations.push((operation, path.to_owned()));
    let Some((fault, number)) = armed.fault else { return Fate::Done };
    let (count, is_write) = (armed.seen.operations.len(), operation == Operation::Write);
    if count < number {
        return Fate::Done;
    }
    let is_now = count == number;
    let fate = match fault {
        Fault::Error if is_now => Fate::Failed(io::Error::other("a fault of the test")),
        Fault::Short if is_now && is_write => Fate::Half,
        Fault::Error | Fault::Short => Fate::Done,
        Fault::Full if is_now && is_write => Fate::Half,
        Fault::Full if needs_room(operation) => Fate::Failed(io::ErrorKind::StorageFull.into()),
        Fault::Full => Fate::Done,
        Fault::Kill if is_now && is_write => Fate::Half,
        Fault::Kill => Fate::Failed(io::Error::other("killed by the test")),
        Fault::Abort if is_now && is_write => Fate::Half,
        Fault::Abort => Fate::Aborted,
        Fault::Move => {
            if let (true, Some((from, to))) =
                (is_now, MOVED.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
            {
                armed.seen.is_hit |= std::fs::rename(from, to).is_ok();
            }
            Fate::Done
        }
    };
    armed.seen.is_hit |= !matches!(fate, Fate::Done);
    fate
}

fn needs_room(operation: Operation) -> bool {
    use Operation::{Create, CreateFolder, Link, Sync, Write};
    matches!(operation, Create | CreateFolder | Link | Sync | Write)
}

/// Comes before each operation but writes.
pub(crate) fn step(operation: Operation, path: &Path) -> io::Result<()> {
    match fate(operation, path) {
        Fate::Failed(error) => Err(error),
        Fate::Aborted => std::process::abort(),
        Fate::Done | Fate::Half => Ok(()),
    }
}

/// Comes before each write of so many bytes; how many of them are written.
pub(crate) fn step_of_write(path: &Path, bytes: usize) -> io::Result<usize> {
    match fate(Operation::Write, path) {
        Fate::Failed(error) => Err(error),
        Fate::Aborted => std::process::abort(),
        // What is not written at all would be an error of another kind.
        Fate::Half => Ok(bytes.div_ceil(2)),
        Fate::Done => Ok(bytes),
    }
}
