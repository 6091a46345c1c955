//! The ranks at a piece of work.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{Alone, Error, Transport, Wire, message::Message};

/// How long a rank may be silent, if nothing else is said.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// How long a wait for one of several ranks goes on before it looks what the others say.
const GLANCE: Duration = Duration::from_millis(20);

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
    transport: Arc<dyn Transport>,
    patience: Duration,
    sent: Arc<AtomicU64>,
}

impl Ranks {
    /// Those that a transport reaches, with [`PATIENCE`].
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self { transport: Arc::new(transport), patience: PATIENCE, sent: Arc::default() }
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
    /// [`Error::Silent`] if it does not, [`Error::Failed`] or [`Error::Stopped`] if the rank says that none will come, [`Error::Ended`] if rank
    /// 0 has ended the work, [`Error::Message`] if it is no such value.
    pub fn receive<T: Wire>(&self, from: usize) -> Result<T, Error> {
        let bytes = self.transport.receive(from, self.patience)?;
        let bytes = bytes.ok_or_else(|| self.silent(from, self.patience))?;
        self.value(from, bytes)
    }

    /// The next value of a rank, however long it takes, as long as the rank is alive.
    ///
    /// # Errors
    /// As [`Ranks::receive`].
    pub fn await_from<T: Wire>(&self, from: usize) -> Result<T, Error> {
        loop {
            if let Some(bytes) = self.transport.receive(from, LOOK.min(self.patience))? {
                return self.value(from, bytes);
            }
            let silence = self.transport.silence(from);
            if silence > self.patience {
                return Err(self.silent(from, silence));
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
        let bytes = self.transport.receive(from, time)?;
        bytes.map(|bytes| self.value(from, bytes)).transpose()
    }

    /// Whether there has been no sign of life of a rank for longer than ranks have patience.
    pub fn is_silent(&self, rank: usize) -> bool {
        self.transport.silence(rank) > self.patience
    }

    /// That a rank is silent, as an error.
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

    /// The bytes of all ranks, in their order: on every rank. All must take part.
    ///
    /// # Errors
    /// As [`Ranks::receive`]; [`Error::Ended`] also if rank 0 ends the work while another rank is waited for.
    ///
    /// ```
    /// let both = ranks::Simulation::new(2, 0).run(|ranks| ranks.exchange(vec![ranks.rank() as u8]));
    /// assert_eq!(both[0], Ok(vec![vec![0], vec![1]]));
    /// assert_eq!(both[0], both[1]);
    /// ```
    pub fn exchange(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, Error> {
        // With room for the byte that a message ends with: no copy is copied again.
        let copy = || {
            let mut bytes = Vec::with_capacity(own.len() + 1);
            bytes.extend_from_slice(&own);
            bytes
        };
        let each = (0..self.size()).map(|to| if to == self.rank() { Vec::new() } else { copy() });
        let mut all = self.exchange_each(each.collect())?;
        all[self.rank()] = own;
        Ok(all)
    }

    /// The same with bytes of its own for every rank: on rank r what all have for it, in the order of those who sent it.
    ///
    /// # Errors
    /// As [`Ranks::exchange`].
    ///
    /// # Panics
    /// If there are not as many as ranks.
    pub fn exchange_each(&self, mut each: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Error> {
        assert_eq!(each.len(), self.size(), "bytes for each rank");
        let own = std::mem::take(&mut each[self.rank()]);
        let others = || (0..self.size()).filter(|&rank| rank != self.rank());
        for to in others() {
            self.post(to, Message::Data(std::mem::take(&mut each[to])).into_bytes())?;
        }
        let mut found: Vec<Option<Vec<u8>>> = each.iter().map(|_| None).collect();
        found[self.rank()] = Some(own);
        for from in others() {
            self.take_each(from, &mut found)?;
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Waits for a rank's part of an exchange, and takes those of others that come meanwhile: one of them may say that none will come.
    fn take_each(&self, from: usize, found: &mut [Option<Vec<u8>>]) -> Result<(), Error> {
        let mut waited = Duration::ZERO;
        while found[from].is_none() {
            if let Some(bytes) = self.transport.receive(from, GLANCE.min(self.patience))? {
                found[from] = Some(self.data(from, bytes)?);
                return Ok(());
            }
            for other in (0..found.len()).filter(|&rank| rank != self.rank()) {
                if found[other].is_none()
                    && let Some(bytes) = self.transport.receive(other, Duration::ZERO)?
                {
                    found[other] = Some(self.data(other, bytes)?);
                }
            }
            if !self.is_first() && self.transport.newest(0).is_some_and(Message::is_end) {
                return Err(Error::Ended);
            }
            waited += GLANCE.min(self.patience);
            // Signs of life go from and to rank 0 alone: it knows before others who is silent, and says so.
            let mut missing = (0..found.len()).filter(|&rank| found[rank].is_none());
            let is_heard = |rank: usize| self.is_first() || rank == 0;
            let silence =
                |rank: usize| if is_heard(rank) { self.transport.silence(rank) } else { waited / 2 };
            if let Some(silent) = missing.find(|&rank| silence(rank) > self.patience) {
                return Err(self.silent(silent, silence(silent)));
            }
        }
        Ok(())
    }

    /// The values of all ranks, in their order: on every rank. All must take part.
    ///
    /// # Errors
    /// As [`Ranks::exchange`].
    pub fn exchange_values<T: Wire>(&self, own: T) -> Result<Vec<T>, Error> {
        if self.is_alone() {
            return Ok(vec![own]);
        }
        let all = self.exchange(own.to_bytes())?;
        all.iter().enumerate().map(|(from, bytes)| self.parsed(from, bytes)).collect()
    }

    /// Whether any rank says so: on every rank.
    ///
    /// # Errors
    /// As [`Ranks::exchange`].
    pub fn any(&self, own: bool) -> Result<bool, Error> {
        Ok(self.exchange_values(own)?.contains(&true))
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

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        1..self.size()
    }

    fn post(&self, to: usize, bytes: Vec<u8>) -> Result<(), Error> {
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.transport.send(to, bytes)
    }

    fn silent(&self, rank: usize, silence: Duration) -> Error {
        Error::Silent { place: self.place(rank), seconds: silence.as_secs() }
    }

    fn value<T: Wire>(&self, from: usize, bytes: Vec<u8>) -> Result<T, Error> {
        self.parsed(from, &self.data(from, bytes)?)
    }

    fn parsed<T: Wire>(&self, from: usize, data: &[u8]) -> Result<T, Error> {
        T::from_bytes(data).ok_or_else(|| Error::Message {
            place: self.place(from),
            found: format!("{} bytes that are something else", data.len()),
            expected: std::any::type_name::<T>(),
        })
    }

    /// What a message has, if it is not that there will be none.
    fn data(&self, from: usize, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        let place = || self.place(from);
        let found = bytes.len();
        match Message::from_bytes(bytes) {
            Some(Message::Data(data)) => Ok(data),
            Some(Message::Failed(message)) => Err(Error::Failed { place: place(), message }),
            Some(Message::Stopped) => Err(Error::Stopped { place: place() }),
            Some(Message::Ended) => Err(Error::Ended),
            None => Err(Error::Message {
                place: place(),
                found: format!("{found} bytes"),
                expected: "a message of this program",
            }),
        }
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
