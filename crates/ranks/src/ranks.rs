//! The ranks at a piece of work.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{Alone, Error, Transport, Wire, inbox::Inbox, message::Message};

/// How long a rank may be silent, if nothing else is said.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// How long a wait goes on before it looks whether the other rank is still alive.
const LOOK: Duration = Duration::from_secs(1);

/// All ranks, seen from one of them. Clones are the same ranks. The default is one rank: the process itself.
///
/// ```
/// let ranks = ranks::Ranks::default();
/// assert_eq!((ranks.rank(), ranks.size(), ranks.is_first()), (0, 1, true));
/// ```
#[derive(Clone)]
pub struct Ranks {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) patience: Duration,
    pub(crate) inbox: Arc<Inbox>,
    sent: Arc<AtomicU64>,
    /// Microseconds.
    pub(crate) waited: Arc<AtomicU64>,
}

impl Ranks {
    /// Those that a transport reaches, with [`PATIENCE`].
    pub fn new(transport: impl Transport + 'static) -> Self {
        let inbox = Arc::new(Inbox::of(transport.size()));
        Self {
            transport: Arc::new(transport),
            patience: PATIENCE,
            inbox,
            sent: Arc::default(),
            waited: Arc::default(),
        }
    }

    /// The same ranks, waiting for each other as long as this at most.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// This rank, from 0 on.
    pub fn rank(&self) -> usize {
        self.transport.rank()
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.transport.size()
    }

    /// Whether this is rank 0, which alone writes files and shows what happens.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Whether there is no other rank.
    pub fn is_alone(&self) -> bool {
        self.size() == 1
    }

    /// How many bytes this rank has sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How long this rank has waited for others' parts of exchanges so far.
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited.load(Ordering::Relaxed))
    }

    /// What a rank is called in errors.
    pub fn place(&self, rank: usize) -> String {
        self.transport.place(rank)
    }

    /// Sends a value to a rank. It need not have arrived.
    ///
    /// # Errors
    /// If this rank can send no more.
    pub fn send(&self, to: usize, value: &impl Wire) -> Result<(), Error> {
        self.post(to, Message::Data(value.to_bytes()).into_bytes())
    }

    /// Sends a value of rank 0 to all others.
    ///
    /// # Errors
    /// As [`Ranks::send`].
    pub fn announce(&self, value: &impl Wire) -> Result<(), Error> {
        let bytes = Message::Data(value.to_bytes()).into_bytes();
        self.others().try_for_each(|to| self.post(to, bytes.clone()))
    }

    /// The next value of a rank, which must come in time.
    ///
    /// # Errors
    /// [`Error::Silent`] if it does not, [`Error::Gone`] if it cannot, [`Error::Failed`] or [`Error::Stopped`] if the rank says that none will come, [`Error::Ended`] if rank
    /// 0 has ended the work, [`Error::Message`] if it is no such value.
    pub fn receive<T: Wire>(&self, from: usize) -> Result<T, Error> {
        let data = self.data(from, self.patience)?;
        self.parsed(from, &data.ok_or_else(|| self.silent(from, self.patience))?)
    }

    /// The next value of a rank, however long it takes, as long as the rank is alive.
    ///
    /// # Errors
    /// As [`Ranks::receive`].
    pub fn await_from<T: Wire>(&self, from: usize) -> Result<T, Error> {
        loop {
            if let Some(data) = self.data(from, LOOK.min(self.patience))? {
                return self.parsed(from, &data);
            }
            if self.is_silent(from) {
                return Err(self.silence_of(from));
            }
        }
    }

    /// A value of a rank, if it is there already.
    ///
    /// # Errors
    /// As [`Ranks::receive`], but never for silence.
    pub fn poll<T: Wire>(&self, from: usize) -> Result<Option<T>, Error> {
        self.poll_for(from, Duration::ZERO)
    }

    /// A value of a rank, if it comes within this time.
    ///
    /// # Errors
    /// As [`Ranks::poll`].
    pub fn poll_for<T: Wire>(&self, from: usize, time: Duration) -> Result<Option<T>, Error> {
        self.data(from, time)?.map(|data| self.parsed(from, &data)).transpose()
    }

    /// Whether there has been no sign of life of a rank for longer than ranks have patience, or it is known to be gone.
    pub fn is_silent(&self, rank: usize) -> bool {
        self.transport.is_gone(rank) || self.transport.silence(rank) > self.patience
    }

    /// Whether this rank knows that another one is gone.
    pub fn is_gone(&self, rank: usize) -> bool {
        self.transport.is_gone(rank)
    }

    /// That a rank is silent, or gone, as an error.
    pub fn silence_of(&self, rank: usize) -> Error {
        self.silent(rank, self.transport.silence(rank))
    }

    /// The values of all ranks, in their order: on rank 0. Others send theirs and get none.
    ///
    /// # Errors
    /// As [`Ranks::receive`].
    pub fn gather<T: Wire + Clone>(&self, own: &T) -> Result<Option<Vec<T>>, Error> {
        if !self.is_first() {
            self.send(0, own)?;
            return Ok(None);
        }
        let others = self.others().map(|rank| self.receive(rank));
        std::iter::once(Ok(own.clone())).chain(others).collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// The value of rank 0, on all ranks, however long it takes rank 0 to come to it.
    ///
    /// # Errors
    /// As [`Ranks::await_from`].
    pub fn broadcast<T: Wire>(&self, value: T) -> Result<T, Error> {
        if self.is_first() { self.announce(&value).map(|()| value) } else { self.await_from(0) }
    }

    /// Waits until all ranks are here.
    ///
    /// # Errors
    /// As [`Ranks::receive`].
    pub fn barrier(&self) -> Result<(), Error> {
        self.gather(&())?;
        self.broadcast(())
    }

    /// Says to rank 0 that this rank cannot do its part; of rank 0 nothing is said.
    ///
    /// # Errors
    /// As [`Ranks::send`].
    pub fn say_failed(&self, why: &str) -> Result<(), Error> {
        if self.is_first() {
            return Ok(());
        }
        self.post(0, Message::Failed(why.to_owned()).into_bytes())
    }

    /// Says to rank 0 that this rank was asked to stop.
    ///
    /// # Errors
    /// As [`Ranks::send`].
    pub fn say_stopped(&self) -> Result<(), Error> {
        if self.is_first() { Ok(()) } else { self.post(0, Message::Stopped.into_bytes()) }
    }

    /// Ends the work of all other ranks, once they look; on rank 0. Others wait until it has come to that.
    ///
    /// # Errors
    /// As [`Ranks::send`]; [`Error::Silent`] if rank 0 has not ended the work in time.
    pub fn end(&self) -> Result<(), Error> {
        if self.is_first() {
            return self.others().try_for_each(|to| self.post(to, Message::Ended.into_bytes()));
        }
        loop {
            match self.await_from::<Skipped>(0) {
                Err(Error::Ended) => return Ok(()),
                Err(error) => return Err(error),
                Ok(Skipped) => {}
            }
        }
    }

    /// All messages have left, and no rank sends any more.
    pub fn finish(&self) {
        self.transport.finish();
    }

    /// Ends the processes of all ranks at once, with an exit code; returns where there are no others.
    pub fn abort(&self, code: i32) {
        self.transport.abort(code);
    }

    /// Room for a message of so many bytes, empty: memory of messages that have left or were read, where there is some.
    pub fn buffer(&self, bytes: usize) -> Vec<u8> {
        let mut buffer = self.transport.buffer(bytes);
        buffer.clear();
        buffer
    }

    /// Gives the memory of a message back.
    pub fn give_back(&self, buffer: Vec<u8>) {
        self.transport.give_back(buffer);
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        1..self.size()
    }

    pub(crate) fn post(&self, to: usize, bytes: Vec<u8>) -> Result<(), Error> {
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.transport.send(to, bytes)
    }

    pub(crate) fn silent(&self, rank: usize, silence: Duration) -> Error {
        let place = self.place(rank);
        if self.transport.is_gone(rank) {
            return Error::Gone { place };
        }
        Error::Silent { place, seconds: silence.as_secs() }
    }

    pub(crate) fn parsed<T: Wire>(&self, from: usize, data: &[u8]) -> Result<T, Error> {
        T::from_bytes(data).ok_or_else(|| Error::Message {
            place: self.place(from),
            found: format!("{} bytes that are something else", data.len()),
            expected: std::any::type_name::<T>(),
        })
    }

    /// The next value of a rank as bytes, if it comes in time. Parts of exchanges that come before it are kept for those who ask for them.
    fn data(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(data) = self.inbox.take_data(from) {
                return Ok(Some(data));
            }
            let Some(bytes) = self.transport.receive(from, patience)? else { return Ok(None) };
            self.sort(from, bytes)?;
        }
    }

    /// Puts a message where it is asked for; an error if it says that none will come.
    pub(crate) fn sort(&self, from: usize, bytes: Vec<u8>) -> Result<(), Error> {
        let place = || self.place(from);
        let found = bytes.len();
        match Message::from_bytes(bytes) {
            Some(Message::Data(data)) => self.inbox.put_data(from, data),
            Some(Message::Part(part)) => self.inbox.put_part(from, part),
            Some(Message::Failed(message)) => return Err(Error::Failed { place: place(), message }),
            Some(Message::Stopped) => return Err(Error::Stopped { place: place() }),
            Some(Message::Ended) => return Err(Error::Ended),
            None => {
                let (found, expected) = (format!("{found} bytes"), "a message of this program");
                return Err(Error::Message { place: place(), found, expected });
            }
        }
        Ok(())
    }
}

/// A value that nobody wants any more.
struct Skipped;

impl Wire for Skipped {
    fn write(&self, _bytes: &mut Vec<u8>) {}

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        *bytes = &[];
        Some(Self)
    }
}

impl Default for Ranks {
    fn default() -> Self {
        Self::new(Alone)
    }
}

impl fmt::Debug for Ranks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ranks({} of {})", self.rank(), self.size())
    }
}
