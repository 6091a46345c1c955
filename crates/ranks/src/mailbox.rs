//! Messages of other processes that have arrived and were not taken yet.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long the end of ranks may take: one that does not come to it is dead.
pub const GOODBYE: Duration = Duration::from_secs(10);

/// What has arrived from each rank, and what is known of it.
#[derive(Debug, Default)]
pub struct Mailbox {
    senders: Mutex<Vec<Sender>>,
    news: Condvar,
}

#[derive(Debug)]
struct Sender {
    messages: VecDeque<Vec<u8>>,
    heard: Instant,
    /// From when on nothing more comes.
    gone: Option<Instant>,
}

impl Mailbox {
    /// Opens it for messages of so many ranks.
    pub fn open(&self, size: usize) {
        let sender = || Sender { messages: VecDeque::new(), heard: Instant::now(), gone: None };
        self.lock().resize_with(size, sender);
    }

    /// A sign of life of a rank.
    pub fn hear(&self, from: usize) {
        self.lock()[from].heard = Instant::now();
    }

    /// A message of a rank.
    pub fn put(&self, from: usize, bytes: Vec<u8>) {
        let mut senders = self.lock();
        senders[from].heard = Instant::now();
        senders[from].messages.push_back(bytes);
        self.news.notify_all();
    }

    /// Nothing more comes of a rank, which is to be known after this time.
    pub fn lose(&self, from: usize, after: Duration) {
        let mut senders = self.lock();
        let gone = Instant::now() + after;
        let sender = &mut senders[from];
        sender.gone = Some(sender.gone.map_or(gone, |known| known.min(gone)));
        self.news.notify_all();
    }

    /// Whether nothing more comes of a rank.
    pub fn is_gone(&self, from: usize) -> bool {
        self.lock()[from].is_gone()
    }

    /// The next message of a rank; none if none comes in time, or ever.
    pub fn receive(&self, from: usize, patience: Duration) -> Option<Vec<u8>> {
        let until = Instant::now().checked_add(patience);
        let mut senders = self.lock();
        loop {
            if let Some(bytes) = senders[from].messages.pop_front() {
                return Some(bytes);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if senders[from].is_gone() || left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            let most = left.unwrap_or(GOODBYE).min(GOODBYE);
            senders = self.news.wait_timeout(senders, most).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The last byte of the newest message of a rank.
    pub fn newest(&self, from: usize) -> Option<u8> {
        self.lock()[from].messages.back().and_then(|bytes| bytes.last().copied())
    }

    /// How long nothing has been heard of a rank.
    pub fn silence(&self, of: usize) -> Duration {
        self.lock()[of].heard.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sender>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    fn is_gone(&self) -> bool {
        self.gone.is_some_and(|from| Instant::now() >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_who_is_gone_are_still_there() {
        let mailbox = Mailbox::default();
        mailbox.open(2);
        mailbox.put(1, vec![4]);
        mailbox.put(1, vec![5, 6]);
        mailbox.lose(1, Duration::ZERO);
        assert_eq!(mailbox.newest(1), Some(6));
        assert_eq!(mailbox.receive(1, GOODBYE), Some(vec![4]));
        assert_eq!(mailbox.receive(1, GOODBYE), Some(vec![5, 6]));
        // No wait: nothing comes.
        assert_eq!((mailbox.receive(1, Duration::MAX), mailbox.is_gone(1)), (None, true));
        assert!(!mailbox.is_gone(0));
        assert_eq!(mailbox.receive(0, Duration::ZERO), None);
    }

    #[test]
    fn who_says_goodbye_is_gone_later_and_who_breaks_off_at_once() {
        let mailbox = Mailbox::default();
        mailbox.open(1);
        mailbox.lose(0, Duration::from_secs(3600));
        assert!(!mailbox.is_gone(0));
        mailbox.lose(0, Duration::ZERO);
        mailbox.lose(0, Duration::from_secs(3600));
        assert!(mailbox.is_gone(0));
    }
}
