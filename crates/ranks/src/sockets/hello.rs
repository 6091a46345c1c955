//! What two ranks say to each other before they work together.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::Wire;

/// What comes first, whoever speaks.
const MAGIC: [u8; 8] = *b"freqbias";

/// Bytes of one thing that is said at most: a machine a rank, for thousands of ranks.
const MOST: usize = 1 << 20;

/// How long the other end may take over a word: ports are scanned by all kinds of programs that never say one.
pub(super) const WORD: Duration = Duration::from_secs(2);

/// Who says hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) version: String,
    pub(super) run: String,
    pub(super) rank: usize,
    pub(super) size: usize,
    /// The port at which other ranks reach this one.
    pub(super) port: u32,
    pub(super) machine: String,
}

impl Wire for Hello {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.version.write(bytes);
        self.run.write(bytes);
        (self.rank, self.size, self.port).write(bytes);
        self.machine.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (version, run) = Wire::read(bytes)?;
        let (rank, size, port) = Wire::read(bytes)?;
        Some(Self { version, run, rank, size, port, machine: Wire::read(bytes)? })
    }
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Welcome,
    /// Of another run: whoever asks goes on looking for its own.
    Stranger,
    OtherVersion,
    OtherSize,
    RankIsTaken,
}

const ANSWERS: [Answer; 5] =
    [Answer::Welcome, Answer::Stranger, Answer::OtherVersion, Answer::OtherSize, Answer::RankIsTaken];

impl Wire for Answer {
    fn write(&self, bytes: &mut Vec<u8>) {
        (*self as u8).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        ANSWERS.get(usize::from(u8::read(bytes)?)).copied()
    }
}

/// Says something.
pub(super) fn say(stream: &mut TcpStream, value: &impl Wire) -> io::Result<()> {
    let value = value.to_bytes();
    let length = (value.len() as u32).to_le_bytes();
    stream.write_all(&[&MAGIC[..], &length, &value].concat())
}

/// Hears something before this moment.
pub(super) fn hear<T: Wire>(stream: &mut TcpStream, until: Instant) -> io::Result<T> {
    let mut head = [0; 12];
    read_exact(stream, &mut head, until)?;
    let (magic, length) = head.split_at(MAGIC.len());
    let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
    if magic != MAGIC || length > MOST {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut value = vec![0; length];
    read_exact(stream, &mut value, until)?;
    stream.set_read_timeout(None)?;
    T::from_bytes(&value).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// Whoever sends a byte now and then is not waited for longer than anybody else.
fn read_exact(stream: &mut TcpStream, bytes: &mut [u8], until: Instant) -> io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut bytes[filled..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
