//! What can go wrong between ranks; every message names the rank.

/// Anything that this crate reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the messages say what the fields are
pub enum Error {
    /// Nothing came of a rank for too long.
    #[error(
        "{place} has sent nothing for {seconds} s: it hangs, its machine is cut off, or a part of the work takes longer than that"
    )]
    Silent { place: String, seconds: u64 },
    /// A rank could not do its part.
    #[error("{place}: {message}")]
    Failed { place: String, message: String },
    /// A rank was asked to stop, as by Ctrl-C.
    #[error("stopped on {place}")]
    Stopped { place: String },
    /// Rank 0 has ended the work of all.
    #[error("rank 0 has ended the work")]
    Ended,
    /// Another program, or another version, at the other end.
    #[error(
        "{place} has sent {found}; expected {expected}: all ranks must run the same version of the program with the same flags"
    )]
    Message { place: String, found: String, expected: &'static str },
    /// Ranks that do not work on the same.
    #[error(
        "{what}: {found}, where rank 0 has {expected}; all ranks must see the same files, and run on processors of one kind"
    )]
    Different { what: &'static str, found: String, expected: String },
    /// The connection to a rank is broken.
    #[error("{place} is gone: its process has ended or was killed, or its machine is cut off")]
    Gone { place: String },
    /// Ranks that do not find each other.
    #[error("{problem}")]
    Start { problem: String },
    /// A simulated rank that is dead.
    #[error("rank {rank} is dead")]
    Dead { rank: usize },
    /// All simulated ranks wait for each other.
    #[error("rank {rank} waits for rank {from}, and no rank has anything left to do")]
    Stuck { rank: usize, from: usize },
}
