//! Ranks of MPI.
//!
//! One thread makes all calls of MPI: it starts it, sends, receives and ends it. Others put messages into its queue and take them out
//! of its box, so that every wait can come to an end, computing goes on while messages travel, and any thread may talk.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ranks::{Error, GOODBYE, Ranks, Transport, end_all_on_panic};

use crate::talk::{self, Request, Shared, Started};

/// A rank of MPI.
#[derive(Debug)]
struct MpiRank {
    started: Started,
    requests: Mutex<Sender<Request>>,
    shared: Shared,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The ranks of MPI, which a process can start once.
pub(crate) fn ranks(patience: Duration) -> Result<Ranks, Error> {
    static RANKS: OnceLock<Result<Ranks, Error>> = OnceLock::new();
    RANKS.get_or_init(|| start(patience)).clone()
}

fn start(patience: Duration) -> Result<Ranks, Error> {
    let (requests, queue) = channel();
    let (report, reported) = channel();
    let shared = Shared::default();
    let own = shared.clone();
    let problem = |problem: String| Error::Start { problem: format!("MPI cannot be started: {problem}") };
    let thread = thread::Builder::new()
        .name("mpi".to_owned())
        .spawn(move || run(&queue, &report, &own))
        .map_err(|error| problem(error.to_string()))?;
    // Starting waits for all ranks.
    let started = reported.recv_timeout(patience).map_err(|error| match error {
        RecvTimeoutError::Timeout => {
            problem(format!("another rank has not started in {} s", patience.as_secs()))
        }
        RecvTimeoutError::Disconnected => problem("the library gave up".to_owned()),
    })?;
    let started = started.map_err(problem)?;
    let (place, of_hook) = (started.places[started.rank].clone(), shared.clone());
    end_all_on_panic(place, move |code| abort(&of_hook, code));
    let rank = MpiRank { started, requests: Mutex::new(requests), shared, thread: Mutex::new(Some(thread)) };
    Ok(Ranks::new(rank).with_patience(patience))
}

fn run(queue: &Receiver<Request>, report: &Sender<Result<Started, String>>, shared: &Shared) {
    match talk::start() {
        Ok((universe, started)) => {
            shared.mailbox.open(started.places.len());
            let _ = report.send(Ok(started));
            talk::until_finished(&universe, queue, shared);
        }
        Err(problem) => drop(report.send(Err(problem))),
    }
}

/// The thread ends all processes; if it does not get to it, this one ends alone, and whoever started the ranks ends the others.
fn abort(shared: &Shared, code: i32) {
    shared.abort.store(code.max(1), Ordering::SeqCst);
    thread::sleep(Duration::from_secs(2));
    std::process::exit(code);
}

impl MpiRank {
    fn ask(&self, request: Request) -> Result<(), Error> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.send(request).map_err(|_| Error::Ended)
    }
}

impl Transport for MpiRank {
    fn rank(&self) -> usize {
        self.started.rank
    }

    fn size(&self) -> usize {
        self.started.places.len()
    }

    fn place(&self, rank: usize) -> String {
        self.started.places[rank].clone()
    }

    fn send(&self, to: usize, bytes: Vec<u8>) -> Result<(), Error> {
        self.ask(Request::Send { to, bytes })
    }

    fn receive(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.shared.mailbox.receive(from, patience))
    }

    fn newest(&self, from: usize) -> Option<u8> {
        self.shared.mailbox.newest(from)
    }

    fn silence(&self, of: usize) -> Duration {
        self.shared.mailbox.silence(of)
    }

    fn abort(&self, code: i32) {
        abort(&self.shared, code);
    }

    fn buffer(&self, bytes: usize) -> Vec<u8> {
        self.shared.buffers.take(bytes)
    }

    fn give_back(&self, buffer: Vec<u8>) {
        self.shared.buffers.give(buffer);
    }

    fn finish(&self) {
        if self.ask(Request::Finish).is_err() {
            return;
        }
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let until = Instant::now() + GOODBYE;
        while !thread.is_finished() {
            if Instant::now() > until {
                abort(&self.shared, 1);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}
