//! The time, the mail and the turns of simulated ranks.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::Rng;
use random::{ChaCha8Rng, Stream};

use crate::Error;

/// What a call of the transport takes at most, in microseconds.
const CALL: u64 = 100;

/// All ranks of a simulation.
#[derive(Debug)]
pub(super) struct World {
    size: usize,
    slowest: u64,
    state: Mutex<State>,
    /// A rank waits here for its turn.
    turns: Vec<Condvar>,
}

#[derive(Debug)]
struct State {
    /// Microseconds.
    now: u64,
    /// Whose turn it is.
    turn: Option<usize>,
    ranks: Vec<Rank>,
    /// By receiver and sender: when a message arrives, and the message.
    mail: Vec<VecDeque<(u64, Vec<u8>)>>,
    random: ChaCha8Rng,
}

#[derive(Debug)]
struct Rank {
    doing: Doing,
    calls: u64,
    /// The call that it does not survive.
    last_call: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// It could go on.
    Ready,
    /// It waits for a message, until a time.
    Waiting { from: usize, until: u64 },
    /// All wait without end, and this one is told so.
    Stuck,
    /// It died, then.
    Dead { since: u64 },
    /// Its work is over, since then.
    Done { since: u64 },
}

/// Ends a rank's part in the simulation, also when its work panics.
pub(super) struct Finish<'a> {
    pub(super) world: &'a World,
    pub(super) rank: usize,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        let mut state = self.world.lock();
        if !matches!(state.ranks[self.rank].doing, Doing::Dead { .. }) {
            state.ranks[self.rank].doing = Doing::Done { since: state.now };
        }
        if state.turn == Some(self.rank) {
            self.world.pass_on(&mut state);
        }
    }
}

impl World {
    pub(super) fn new(size: usize, seed: u64, slowest: u64, deaths: &[(usize, u64)]) -> Self {
        let rank = |rank: usize| {
            let last_call = deaths.iter().filter(|(of, _)| *of == rank).map(|&(_, calls)| calls).min();
            Rank { doing: Doing::Ready, calls: 0, last_call }
        };
        let random = Stream { domain: *b"rank", seed, purpose: 1, epoch: 0, index: 0 }.generator();
        let mail = (0..size * size).map(|_| VecDeque::new()).collect();
        let state = State { now: 0, turn: None, ranks: (0..size).map(rank).collect(), mail, random };
        Self { size, slowest, state: Mutex::new(state), turns: (0..size).map(|_| Condvar::new()).collect() }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Gives the first turn.
    pub(super) fn begin(&self) {
        self.pass_on(&mut self.lock());
    }

    /// Waits for a rank's first turn.
    pub(super) fn enter(&self, rank: usize) {
        drop(self.wait(self.lock(), rank));
    }

    pub(super) fn send(&self, from: usize, to: usize, bytes: Vec<u8>) -> Result<(), Error> {
        let mut state = self.call(from)?;
        let delay = state.random.random_range(0..=self.slowest);
        let (arrival, mail) = (state.now + delay, &mut state.mail[to * self.size + from]);
        // One pair's messages do not overtake each other.
        let arrival = mail.back().map_or(arrival, |(before, _)| arrival.max(*before));
        mail.push_back((arrival, bytes));
        self.pass_on(&mut state);
        drop(self.wait(state, from));
        Ok(())
    }

    pub(super) fn receive(
        &self,
        rank: usize,
        from: usize,
        patience: Duration,
    ) -> Result<Option<Vec<u8>>, Error> {
        let mut state = self.call(rank)?;
        let until = state.now.saturating_add(u64::try_from(patience.as_micros()).unwrap_or(u64::MAX));
        loop {
            let now = state.now;
            let mail = &mut state.mail[rank * self.size + from];
            if mail.front().is_some_and(|(arrival, _)| *arrival <= now) {
                return Ok(mail.pop_front().map(|(_, bytes)| bytes));
            }
            if state.ranks[rank].doing == Doing::Stuck {
                return Err(Error::Stuck { rank, from });
            }
            if until <= now {
                return Ok(None);
            }
            state.ranks[rank].doing = Doing::Waiting { from, until };
            self.pass_on(&mut state);
            state = self.wait(state, rank);
        }
    }

    pub(super) fn newest(&self, rank: usize, from: usize) -> Option<u8> {
        let state = self.lock();
        let arrived =
            state.mail[rank * self.size + from].iter().rev().find(|(arrival, _)| *arrival <= state.now);
        arrived.and_then(|(_, bytes)| bytes.last().copied())
    }

    /// How long a rank has been dead, or its process over. A process is not over before its messages have left.
    pub(super) fn silence(&self, of: usize) -> Duration {
        let state = self.lock();
        let is_under_way =
            |mail: &VecDeque<(u64, Vec<u8>)>| mail.back().is_some_and(|(arrival, _)| *arrival > state.now);
        let sends = || (0..self.size).any(|to| is_under_way(&state.mail[to * self.size + of]));
        match state.ranks[of].doing {
            Doing::Dead { since } => Duration::from_micros(state.now - since),
            Doing::Done { since } if !sends() => Duration::from_micros(state.now - since),
            _ => Duration::ZERO,
        }
    }

    /// All ranks die at their next call.
    pub(super) fn abort(&self) {
        self.lock().ranks.iter_mut().for_each(|rank| rank.last_call = Some(rank.calls));
    }

    /// A rank's turn to do something takes some time, or it dies.
    fn call(&self, rank: usize) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.lock();
        let took = state.random.random_range(0..=CALL);
        state.now += took;
        let (now, own) = (state.now, &mut state.ranks[rank]);
        own.calls += 1;
        if own.last_call.is_some_and(|last| own.calls > last) {
            if !matches!(own.doing, Doing::Dead { .. }) {
                own.doing = Doing::Dead { since: now };
            }
            return Err(Error::Dead { rank });
        }
        Ok(state)
    }

    /// Gives the turn to a rank that can go on; if all wait, time moves on to what happens next.
    fn pass_on(&self, state: &mut State) {
        loop {
            let ready: Vec<usize> = (0..self.size).filter(|&rank| self.can_go_on(state, rank)).collect();
            if !ready.is_empty() {
                let next = ready[state.random.random_range(0..ready.len())];
                if state.ranks[next].doing != Doing::Stuck {
                    state.ranks[next].doing = Doing::Ready;
                }
                state.turn = Some(next);
                self.turns[next].notify_one();
                return;
            }
            let waiting = (0..self.size).filter_map(|rank| self.next_event(state, rank)).min();
            match waiting {
                None => {
                    state.turn = None;
                    return;
                }
                Some(u64::MAX) => state.ranks.iter_mut().for_each(Rank::stick),
                Some(then) => state.now = then,
            }
        }
    }

    fn can_go_on(&self, state: &State, rank: usize) -> bool {
        match state.ranks[rank].doing {
            Doing::Ready | Doing::Stuck => true,
            Doing::Waiting { .. } => self.next_event(state, rank).is_some_and(|then| then <= state.now),
            Doing::Dead { .. } | Doing::Done { .. } => false,
        }
    }

    /// When a rank that waits can go on.
    fn next_event(&self, state: &State, rank: usize) -> Option<u64> {
        let Doing::Waiting { from, until } = state.ranks[rank].doing else { return None };
        let arrival = state.mail[rank * self.size + from].front().map(|(arrival, _)| *arrival);
        Some(arrival.map_or(until, |arrival| arrival.min(until)))
    }

    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, rank: usize) -> MutexGuard<'a, State> {
        while state.turn != Some(rank) {
            state = self.turns[rank].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rank {
    fn stick(&mut self) {
        if let Doing::Waiting { .. } = self.doing {
            self.doing = Doing::Stuck;
        }
    }
}
