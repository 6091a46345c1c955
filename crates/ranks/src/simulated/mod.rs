//! Ranks that are threads of one process, with late messages and deaths that a seed draws: what a cluster does once a year, a thousand
//! times in a test.
//!
//! One rank runs at a time. When it asks for a message or has sent one, the seed says which rank goes on. Time is a number that moves on
//! when all wait, so that a patience of minutes costs nothing, and the same seed is the same history.

mod rank;
mod world;

use std::{panic, sync::Arc, thread};

use crate::Ranks;

use rank::SimulatedRank;
use world::{Finish, World};

/// Ranks to be simulated.
///
/// ```
/// use ranks::{Error, Simulation};
///
/// // Rank 1 dies when it is about to send.
/// let said = Simulation::new(2, 0).dying(1, 0).run(|ranks| match ranks.rank() {
///     0 => ranks.receive::<u32>(1),
///     _ => ranks.send(0, &5u32).map(|()| 5),
/// });
/// assert!(matches!(&said[0], Err(Error::Silent { place, .. }) if place == "rank 1"));
/// assert_eq!(said[1], Err(Error::Dead { rank: 1 }));
/// ```
#[derive(Debug, Clone)]
pub struct Simulation {
    size: usize,
    seed: u64,
    slowest: u64,
    deaths: Vec<(usize, u64)>,
}

impl Simulation {
    /// So many ranks, at least one; messages take up to a second, as the seed draws it.
    pub fn new(size: usize, seed: u64) -> Self {
        Self { size: size.max(1), seed, slowest: 1_000_000, deaths: Vec::new() }
    }

    /// With messages that take up to so many microseconds.
    pub fn with_delays(self, slowest: u64) -> Self {
        Self { slowest, ..self }
    }

    /// A rank dies, or hangs, instead of its call number `calls` (from 0 on) of the transport.
    pub fn dying(mut self, rank: usize, calls: u64) -> Self {
        self.deaths.push((rank, calls));
        self
    }

    /// What the work gives on each rank, in the order of ranks.
    ///
    /// # Panics
    /// If the work does on some rank.
    pub fn run<T: Send>(&self, work: impl Fn(Ranks) -> T + Sync) -> Vec<T> {
        let world = Arc::new(World::new(self.size, self.seed, self.slowest, &self.deaths));
        thread::scope(|scope| {
            let start = |rank: usize| {
                let (world, work) = (Arc::clone(&world), &work);
                scope.spawn(move || {
                    world.enter(rank);
                    let _finish = Finish { world: &world, rank };
                    work(Ranks::new(SimulatedRank::new(rank, Arc::clone(&world))))
                })
            };
            let threads: Vec<_> = (0..self.size).map(start).collect();
            world.begin();
            let ends = threads.into_iter().map(|thread| thread.join());
            ends.map(|end| end.unwrap_or_else(|cause| panic::resume_unwind(cause))).collect()
        })
    }
}
