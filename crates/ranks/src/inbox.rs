//! Messages that have come before they were asked for.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What has come from each rank: values in their order, and parts of exchanges by the exchange's number. A rank sends its parts in the
/// order in which it begins exchanges, which is the same on all ranks: no message has a number.
#[derive(Debug)]
pub(crate) struct Inbox {
    senders: Vec<Mutex<Sender>>,
    /// Exchanges that this rank has begun.
    begun: AtomicU64,
}

#[derive(Debug, Default)]
struct Sender {
    data: VecDeque<Vec<u8>>,
    parts: BTreeMap<u64, Vec<u8>>,
    /// The number of the exchange that its next part belongs to.
    next: u64,
}

impl Inbox {
    /// For messages of so many ranks.
    pub(crate) fn of(size: usize) -> Self {
        Self { senders: (0..size).map(|_| Mutex::default()).collect(), begun: AtomicU64::new(0) }
    }

    /// The number of another exchange.
    pub(crate) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn put_data(&self, from: usize, data: Vec<u8>) {
        self.lock(from).data.push_back(data);
    }

    pub(crate) fn take_data(&self, from: usize) -> Option<Vec<u8>> {
        self.lock(from).data.pop_front()
    }

    pub(crate) fn put_part(&self, from: usize, part: Vec<u8>) {
        let mut sender = self.lock(from);
        let number = sender.next;
        sender.next += 1;
        sender.parts.insert(number, part);
    }

    pub(crate) fn take_part(&self, from: usize, exchange: u64) -> Option<Vec<u8>> {
        self.lock(from).parts.remove(&exchange)
    }

    fn lock(&self, from: usize) -> MutexGuard<'_, Sender> {
        self.senders[from].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
