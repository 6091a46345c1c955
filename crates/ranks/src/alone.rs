//! One rank.

use std::time::Duration;

use crate::{Error, Transport};

/// The process itself, alone: it has nobody to talk to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Transport for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn send(&self, to: usize, _bytes: Vec<u8>) -> Result<(), Error> {
        Err(Error::Stuck { rank: 0, from: to })
    }

    fn receive(&self, from: usize, _patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        Err(Error::Stuck { rank: 0, from })
    }

    fn newest(&self, _from: usize) -> Option<u8> {
        None
    }

    fn silence(&self, _of: usize) -> Duration {
        Duration::ZERO
    }

    fn abort(&self, _code: i32) {}
}
