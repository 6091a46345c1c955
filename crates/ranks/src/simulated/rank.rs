//! A simulated rank's way to the others.

use std::{sync::Arc, time::Duration};

use super::world::World;
use crate::{Error, Transport};

#[derive(Debug)]
pub(super) struct SimulatedRank {
    rank: usize,
    world: Arc<World>,
}

impl SimulatedRank {
    pub(super) fn new(rank: usize, world: Arc<World>) -> Self {
        Self { rank, world }
    }
}

impl Transport for SimulatedRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.world.size()
    }

    fn send(&self, to: usize, bytes: Vec<u8>) -> Result<(), Error> {
        self.world.send(self.rank, to, bytes)
    }

    fn receive(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        self.world.receive(self.rank, from, patience)
    }

    fn newest(&self, from: usize) -> Option<u8> {
        self.world.newest(self.rank, from)
    }

    fn silence(&self, of: usize) -> Duration {
        self.world.silence(of)
    }

    fn abort(&self, _code: i32) {
        self.world.abort();
    }
}
