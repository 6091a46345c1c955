//! How ranks reach each other.

use std::{fmt, time::Duration};

use crate::Error;

/// Carries bytes between ranks. Messages of one rank to another arrive in the order in which they were sent; those of several ranks in any.
pub trait Transport: fmt::Debug + Send + Sync {
    /// This rank, from 0 on.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// What a rank is called in errors: its number, and where it runs if that is known.
    fn place(&self, rank: usize) -> String {
        format!("rank {rank}")
    }

    /// Sends a message and does not wait until it has arrived.
    ///
    /// # Errors
    /// If this rank can send no more.
    fn send(&self, to: usize, bytes: Vec<u8>) -> Result<(), Error>;

    /// The next message of a rank, or none if none comes in time.
    ///
    /// # Errors
    /// If this rank can receive no more.
    fn receive(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>, Error>;

    /// The last byte of the newest message of a rank that has arrived and was not taken yet.
    fn newest(&self, from: usize) -> Option<u8>;

    /// How long there has been no sign of life of a rank, whether or not it had anything to send.
    fn silence(&self, of: usize) -> Duration;

    /// Whether nothing more comes of a rank, as far as that is known.
    fn is_gone(&self, _rank: usize) -> bool {
        false
    }

    /// Ends the processes of all ranks at once, with an exit code. Returns where there are no others.
    fn abort(&self, code: i32);

    /// Memory for so many bytes of a message, with anything in it.
    fn buffer(&self, bytes: usize) -> Vec<u8> {
        Vec::with_capacity(bytes)
    }

    /// Takes the memory of a message back.
    fn give_back(&self, buffer: Vec<u8>) {
        drop(buffer);
    }

    /// Says goodbye: all messages have left, and no rank sends any more.
    fn finish(&self) {}
}
