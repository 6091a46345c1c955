//! Exchanges: every rank has bytes for every other one. What was begun travels while the ranks compute.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::{Error, Ranks, Wire, message::Message};

/// How long a wait for one of several ranks goes on before it looks what the others say.
const GLANCE: Duration = Duration::from_millis(20);

/// How long others' bytes are waited for once rank 0 has ended the work.
const AFTER_END: Duration = Duration::from_secs(2);

/// An exchange that was begun: this rank's bytes are on their way.
#[derive(Debug)]
#[must_use = "others' bytes are there when it is ended"]
pub struct Exchange(u64);

impl Ranks {
    /// Begins an exchange in which all others get these bytes. All ranks must begin their exchanges in the same order, and may end them in
    /// any.
    ///
    /// # Errors
    /// If this rank can send no more.
    ///
    /// ```
    /// let both = ranks::Simulation::new(2, 0).run(|ranks| {
    ///     let [first, second] = [ranks.begin(vec![1])?, ranks.begin(vec![ranks.rank() as u8])?];
    ///     Ok::<_, ranks::Error>([ranks.end_exchange(second)?, ranks.end_exchange(first)?])
    /// });
    /// // Nothing is sent to oneself.
    /// assert_eq!(both[0], Ok([vec![vec![], vec![1]], vec![vec![], vec![1]]]));
    /// assert_eq!(both[1], Ok([vec![vec![0], vec![]], vec![vec![1], vec![]]]));
    /// ```
    pub fn begin(&self, own: Vec<u8>) -> Result<Exchange, Error> {
        let mut others: Vec<usize> = self.all_others().collect();
        if let Some(last) = others.pop() {
            for to in others {
                // With room for the byte that a message ends with: no copy is copied again.
                let mut copy = self.buffer(own.len() + 1);
                copy.extend_from_slice(&own);
                self.post(to, Message::Part(copy).into_bytes())?;
            }
            self.post(last, Message::Part(own).into_bytes())?;
        }
        Ok(Exchange(self.inbox.begin()))
    }

    /// The same with bytes of its own for every rank; those for this rank go nowhere.
    ///
    /// # Errors
    /// As [`Ranks::begin`].
    ///
    /// # Panics
    /// If there are not as many as ranks.
    pub fn begin_each(&self, mut each: Vec<Vec<u8>>) -> Result<Exchange, Error> {
        assert_eq!(each.len(), self.size(), "bytes for each rank");
        for to in self.all_others() {
            self.post(to, Message::Part(std::mem::take(&mut each[to])).into_bytes())?;
        }
        Ok(Exchange(self.inbox.begin()))
    }

    /// What all others have sent in an exchange, in their order, and nothing in this rank's place. All must take part.
    ///
    /// # Errors
    /// As [`Ranks::receive`]; [`Error::Ended`] also if rank 0 ends the work while another rank is waited for.
    pub fn end_exchange(&self, Exchange(number): Exchange) -> Result<Vec<Vec<u8>>, Error> {
        let (mut found, since): (Vec<Option<Vec<u8>>>, _) = (vec![None; self.size()], Instant::now());
        found[self.rank()] = Some(Vec::new());
        for from in self.all_others() {
            self.take_parts(number, from, &mut found)?;
        }
        self.waited.fetch_add(since.elapsed().as_micros() as u64, Ordering::Relaxed);
        Ok(found.into_iter().flatten().collect())
    }

    /// The bytes of all ranks, in their order: on every rank.
    ///
    /// # Errors
    /// As [`Ranks::end_exchange`].
    ///
    /// ```
    /// let both = ranks::Simulation::new(2, 0).run(|ranks| ranks.exchange(vec![ranks.rank() as u8]));
    /// assert_eq!(both[0], Ok(vec![vec![0], vec![1]]));
    /// assert_eq!(both[0], both[1]);
    /// ```
    pub fn exchange(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, Error> {
        let mut copy = self.buffer(own.len() + 1);
        copy.extend_from_slice(&own);
        let exchange = self.begin(copy)?;
        let mut all = self.end_exchange(exchange)?;
        all[self.rank()] = own;
        Ok(all)
    }

    /// The values of all ranks, in their order: on every rank. All must take part.
    ///
    /// # Errors
    /// As [`Ranks::end_exchange`].
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
    /// As [`Ranks::end_exchange`].
    pub fn any(&self, own: bool) -> Result<bool, Error> {
        Ok(self.exchange_values(own)?.contains(&true))
    }

    fn all_others(&self) -> impl Iterator<Item = usize> + use<> {
        let own = self.rank();
        (0..self.size()).filter(move |&rank| rank != own)
    }

    /// Waits for a rank's part of an exchange, and takes those of others that come meanwhile: one of them may say that none will come.
    fn take_parts(&self, number: u64, from: usize, found: &mut [Option<Vec<u8>>]) -> Result<(), Error> {
        let (mut waited, mut since_end) = (Duration::ZERO, Duration::ZERO);
        while found[from].is_none() {
            found[from] = self.part(number, from, GLANCE.min(self.patience))?;
            if found[from].is_some() {
                return Ok(());
            }
            for other in self.all_others() {
                if found[other].is_none() {
                    found[other] = self.part(number, other, Duration::ZERO)?;
                }
            }
            let glance = GLANCE.min(self.patience);
            if !self.is_first() && self.transport.newest(0).is_some_and(Message::is_end) {
                // Rank 0 may have what it needed, and what is missing here may be on its way.
                if since_end > AFTER_END {
                    return Err(Error::Ended);
                }
                since_end += glance;
            }
            waited += glance;
            // Signs of life go from and to rank 0 alone: it knows before others who is silent, and says so.
            let mut missing = (0..found.len()).filter(|&rank| found[rank].is_none());
            let is_heard = |rank: usize| self.is_first() || rank == 0;
            let silence =
                |rank: usize| if is_heard(rank) { self.transport.silence(rank) } else { waited / 2 };
            if let Some(silent) = missing.find(|&rank| self.is_gone(rank) || silence(rank) > self.patience) {
                return Err(self.silent(silent, silence(silent)));
            }
        }
        Ok(())
    }

    /// A rank's part of an exchange, if it comes in time; other messages that come before it are kept for those who ask for them.
    fn part(&self, number: u64, from: usize, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(part) = self.inbox.take_part(from, number) {
                return Ok(Some(part));
            }
            let Some(bytes) = self.transport.receive(from, patience)? else { return Ok(None) };
            self.sort(from, bytes)?;
        }
    }
}
