//! Ranks that reach each other over TCP: what is needed where torchrun or srun starts processes and no MPI joins them.
//!
//! Every two ranks have a connection, with a thread that writes and one that reads: whoever sends does not wait, and what arrives is
//! taken at once. A rank that has nothing to send says each second that it is there.

mod frame;
mod hello;
mod link;
mod meeting;

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, Ranks, Transport, endings, mailbox};

use frame::Frame;
use link::{Link, Shared};
pub(crate) use meeting::Meeting;
pub use meeting::Waiting;

/// How long messages may take to leave before all processes end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A rank that has a connection to each other one.
#[derive(Debug)]
struct SocketRank {
    rank: usize,
    places: Vec<String>,
    /// None is to itself.
    links: Arc<Vec<Option<Link>>>,
    shared: Arc<Shared>,
}

/// The ranks that meet there, which a process can join once.
pub(crate) fn ranks(meeting: &Meeting, patience: Duration, waiting: &Waiting<'_>) -> Result<Ranks, Error> {
    static RANKS: OnceLock<Result<Ranks, Error>> = OnceLock::new();
    let joined = || {
        let rank = join(meeting, patience, waiting)?;
        let (place, links) = (rank.places[rank.rank].clone(), Arc::clone(&rank.links));
        endings::end_all_on_panic(place, move |code| abort(&links, code));
        Ok(Ranks::new(rank).with_patience(patience))
    };
    RANKS.get_or_init(joined).clone()
}

fn join(meeting: &Meeting, patience: Duration, waiting: &Waiting<'_>) -> Result<SocketRank, Error> {
    let met = meeting.meet(patience, waiting).map_err(|problem| Error::Start { problem })?;
    let shared = Arc::new(Shared::default());
    shared.mailbox.open(meeting.size);
    let link = |(other, stream): (usize, Option<_>)| {
        stream.map(|stream| Link::new(stream, other, &shared)).transpose()
    };
    let links: Result<Vec<_>, _> = met.streams.into_iter().enumerate().map(link).collect();
    let links = links.map_err(|error| Error::Start { problem: error.to_string() })?;
    Ok(SocketRank { rank: meeting.rank, places: met.places, links: Arc::new(links), shared })
}

/// Ends all processes, as far as they can be told; then this one.
fn abort(links: &[Option<Link>], code: i32) {
    let code = code.max(1);
    links.iter().flatten().for_each(|link| link.send(Frame::Abort(code)));
    let until = Instant::now() + LAST_WORDS;
    while links.iter().flatten().any(|link| !link.is_written()) && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    std::process::exit(code);
}

impl Transport for SocketRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.places.len()
    }

    fn place(&self, rank: usize) -> String {
        self.places[rank].clone()
    }

    fn send(&self, to: usize, bytes: Vec<u8>) -> Result<(), Error> {
        if let Some(link) = &self.links[to] {
            link.send(Frame::Message(bytes));
        }
        Ok(())
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

    fn is_gone(&self, rank: usize) -> bool {
        self.shared.mailbox.is_gone(rank)
    }

    fn abort(&self, code: i32) {
        abort(&self.links, code);
    }

    fn buffer(&self, bytes: usize) -> Vec<u8> {
        self.shared.buffers.take(bytes)
    }

    fn give_back(&self, buffer: Vec<u8>) {
        self.shared.buffers.give(buffer);
    }

    /// Waits for others, too: what they still have to read is lost if this process ends before.
    fn finish(&self) {
        let others = || self.links.iter().flatten();
        others().for_each(|link| link.send(Frame::Goodbye));
        let until = Instant::now() + mailbox::GOODBYE;
        while others().any(|link| !link.is_over()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
