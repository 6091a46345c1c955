//! Items made ahead by background threads, delivered in order.

use std::{
    ops::Range,
    panic,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// `make(i)` for every i of a range, in order, made ahead by threads.
///
/// Thread w of W makes the items start + w, start + w + W, … into a queue of its own, and the consumer takes from
/// the queues in turn: the order needs no sorting, and the queues' bound is the bound on memory.
pub(crate) struct Prefetch<T> {
    lanes: Vec<Lane<T>>,
    left: Range<usize>,
    start: usize,
}

struct Lane<T> {
    /// None once the lane is closed; closing makes its thread stop at its next item.
    queue: Option<Receiver<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts `workers` threads, each at most `ahead` items ahead (and one in its hands).
    ///
    /// # Errors
    /// If the system gives no thread; those already started stop.
    pub(crate) fn start(
        range: Range<usize>,
        workers: usize,
        ahead: usize,
        make: impl Fn(usize) -> T + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let make = Arc::new(make);
        let mut lanes = Vec::with_capacity(workers);
        for worker in 0..workers {
            let items = (range.start + worker..range.end).step_by(workers);
            let (sender, queue) = sync_channel(ahead);
            let make = Arc::clone(&make);
            let name = format!("loader {worker}");
            let work = move || fill(items, &sender, &*make);
            let thread = thread::Builder::new().name(name).spawn(work)?;
            lanes.push(Lane { queue: Some(queue), thread: Some(thread) });
        }
        Ok(Self { lanes, start: range.start, left: range })
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    /// The next item. If the thread that should make it panicked, the panic is resumed here.
    fn next(&mut self) -> Option<T> {
        let index = self.left.next()?;
        let lane = (index - self.start) % self.lanes.len();
        let item = self.lanes[lane].queue.as_ref()?.recv().ok();
        if item.is_none() {
            self.left = 0..0;
            self.lanes[lane].close().unwrap_or_else(|cause| panic::resume_unwind(cause));
        }
        item
    }
}

impl<T> Lane<T> {
    /// Lets the thread end and waits for it; gives back its panic if it had one.
    fn close(&mut self) -> thread::Result<()> {
        self.queue = None;
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl<T> Drop for Lane<T> {
    fn drop(&mut self) {
        // a panic in a thread whose items nobody asked for concerns nobody
        let _ = self.close();
    }
}

fn fill<T>(items: impl Iterator<Item = usize>, queue: &SyncSender<T>, make: &impl Fn(usize) -> T) {
    for index in items {
        if queue.send(make(index)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn items_come_in_order_for_any_number_of_threads() {
        for workers in 1..6 {
            let squares = Prefetch::start(3..40, workers, 2, |i| i * i).unwrap();
            assert!(squares.eq((3..40).map(|i| i * i)), "{workers} threads");
        }
    }

    #[test]
    fn threads_stay_within_their_bound_and_stop_when_dropped() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let mut items =
            Prefetch::start(0..1_000_000, 2, 2, move |_| count.fetch_add(1, Ordering::SeqCst)).unwrap();
        items.next();
        drop(items);
        // per thread: two queued, one in hand, one more for the item taken
        assert!((1..=7).contains(&made.load(Ordering::SeqCst)));
        // the threads are gone, and with them their share of the closure's state
        assert_eq!(Arc::strong_count(&made), 1);
    }

    #[test]
    fn a_panic_reaches_the_consumer_once_and_ends_the_items() {
        let mut items = Prefetch::start(0..10, 2, 1, |i| {
            assert_ne!(i, 3, "planted");
            i
        })
        .unwrap();
        assert_eq!(items.by_ref().take(3).collect::<Vec<_>>(), [0, 1, 2]);
        let caught = panic::catch_unwind(panic::AssertUnwindSafe(|| items.next()));
        assert!(caught.unwrap_err().downcast_ref::<String>().unwrap().contains("planted"));
        assert_eq!(items.next(), None);
    }
}
