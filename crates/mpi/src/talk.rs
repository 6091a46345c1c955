//! What the one thread does that calls MPI.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use mpi::{
    Tag, Threading,
    environment::{Universe, processor_name},
    request::{self, Request as Underway},
    topology::{Process, SimpleCommunicator},
    traits::{Communicator, CommunicatorCollectives, Destination, Equivalence, Source},
};

use ranks::{Buffers, Mailbox};

/// Of messages, of signs of life, and of pieces of a message that goes on.
const MAIL: Tag = 1;
const ALIVE: Tag = 2;
const PIECE: Tag = 3;

/// Bytes that are sent at once at most: MPI counts them in 32 bits.
const AT_ONCE: usize = 1 << 30;

/// How often a rank that has nothing to say says that it is alive.
const SIGN: Duration = Duration::from_secs(1);

/// How long the thread sleeps at most between looks for messages: what a message may be late. Twice that much, and a step of training
/// of 20 ms loses a percent to waiting.
const NAP: Duration = Duration::from_micros(200);

/// Who this rank is, and what all are called.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) rank: usize,
    pub(crate) places: Vec<String>,
}

/// What the thread is asked for.
pub(crate) enum Request {
    Send { to: usize, bytes: Vec<u8> },
    Finish,
}

/// What the thread shares with those who talk through it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared {
    pub(crate) mailbox: Arc<Mailbox>,
    /// The exit code with which all processes end, if it is not 0.
    pub(crate) abort: Arc<AtomicI32>,
    pub(crate) buffers: Arc<Buffers>,
}

/// Starts MPI.
pub(crate) fn start() -> Result<(Universe, Started), String> {
    let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)
        .ok_or_else(|| "it was started before".to_owned())?;
    let world = universe.world();
    let rank = world.rank() as usize;
    // A name of a fixed length from each, as MPI gathers them.
    let mut own = [0u8; 64];
    let name = processor_name().unwrap_or_default();
    let length = name.len().min(own.len());
    own[..length].copy_from_slice(&name.as_bytes()[..length]);
    let mut all = vec![0u8; own.len() * world.size() as usize];
    world.all_gather_into(&own[..], &mut all[..]);
    let place = |(rank, name): (usize, &[u8])| {
        let name = String::from_utf8_lossy(name);
        format!("rank {rank} ({})", name.trim_end_matches('\0'))
    };
    Ok((universe, Started { rank, places: all.chunks(own.len()).enumerate().map(place).collect() }))
}

/// Sends and receives until it is asked to finish.
pub(crate) fn until_finished(universe: &Universe, queue: &Receiver<Request>, shared: &Shared) {
    let world = universe.world();
    let pieces = (0..world.size()).map(|_| RefCell::default()).collect();
    let talk = Talk { world, shared, pieces };
    let (mut nap, mut signed) = (Duration::from_micros(10), Instant::now());
    loop {
        if talk.receive() {
            nap = Duration::from_micros(10);
        }
        if signed.elapsed() > SIGN {
            talk.say_alive();
            signed = Instant::now();
        }
        match queue.recv_timeout(nap) {
            Ok(Request::Send { to, bytes }) => {
                talk.send(to, &bytes);
                shared.buffers.give(bytes);
                nap = Duration::from_micros(10);
            }
            Ok(Request::Finish) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => nap = (2 * nap).min(NAP),
        }
    }
}

struct Talk<'a> {
    world: SimpleCommunicator,
    shared: &'a Shared,
    /// What has come of a message of each rank that goes on.
    pieces: Vec<RefCell<Vec<u8>>>,
}

impl Talk<'_> {
    fn process(&self, rank: usize) -> Process<'_> {
        self.world.process_at_rank(rank as i32)
    }

    /// Takes what has arrived; whether there was anything.
    fn receive(&self) -> bool {
        self.end_if_asked();
        let mut is_any = false;
        while let Some(probed) = self.world.any_process().immediate_matched_probe() {
            let (message, status) = probed;
            let length = status.count(u8::equivalent_datatype()) as usize;
            let mut bytes = self.shared.buffers.take(length);
            bytes.resize(length, 0);
            message.matched_receive_into(&mut bytes[..]);
            is_any |= status.tag() != ALIVE;
            self.arrived(status.source_rank() as usize, status.tag(), bytes);
        }
        is_any
    }

    fn arrived(&self, from: usize, tag: Tag, bytes: Vec<u8>) {
        let mut pieces = self.pieces[from].borrow_mut();
        if tag == ALIVE {
            self.shared.mailbox.hear(from);
        } else if tag == MAIL && pieces.is_empty() {
            self.shared.mailbox.put(from, bytes);
        } else {
            pieces.extend_from_slice(&bytes);
            self.shared.buffers.give(bytes);
            self.shared.mailbox.hear(from);
            if tag == MAIL {
                self.shared.mailbox.put(from, std::mem::take(&mut pieces));
            }
        }
    }

    /// Sends a message, in pieces if it is long.
    fn send(&self, to: usize, bytes: &[u8]) {
        let mut rest = bytes;
        while rest.len() > AT_ONCE {
            let (piece, more) = rest.split_at(AT_ONCE);
            self.send_at_once(to, piece, PIECE);
            rest = more;
        }
        self.send_at_once(to, rest, MAIL);
    }

    /// Sends, and receives meanwhile: the other one may be sending, too.
    fn send_at_once(&self, to: usize, bytes: &[u8], tag: Tag) {
        request::scope(|scope| {
            let mut underway = self.process(to).immediate_send_with_tag(scope, bytes, tag);
            while let Err(still) = Underway::test(underway) {
                underway = still;
                if !self.receive() {
                    thread::yield_now();
                }
            }
        });
    }

    /// Rank 0 is heard by all, and all are heard by rank 0.
    fn say_alive(&self) {
        let (rank, size) = (self.world.rank(), self.world.size());
        let others = if rank == 0 { 1..size } else { 0..1 };
        for to in others {
            // So short a message leaves at once, whether or not anybody takes it.
            self.world.process_at_rank(to).send_with_tag(&[0u8; 0][..], ALIVE);
        }
    }

    fn end_if_asked(&self) {
        match self.shared.abort.load(Ordering::SeqCst) {
            0 => {}
            code => self.world.abort(code),
        }
    }
}
