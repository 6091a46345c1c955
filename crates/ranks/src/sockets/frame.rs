//! What travels over a connection: a byte that says what it is, a number, and for a message so many bytes.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
};

use crate::buffers::Buffers;

/// One thing that a rank sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Message(Vec<u8>),
    /// There is nothing to send, and the rank is there.
    Alive,
    /// Nothing follows.
    Goodbye,
    /// All processes are to end at once with this exit code.
    Abort(i32),
}

const HEAD: usize = 9;

/// Bytes of a message that are read between two signs of life.
const PIECE: u64 = 4 << 20;

/// Bytes of a message that are better copied than sent apart.
const SHORT: usize = 1 << 14;

/// Memory that is asked for before a message's bytes are there: its length is what somebody says.
const AT_ONCE: u64 = 1 << 28;

impl Frame {
    fn head(&self) -> [u8; HEAD] {
        let (kind, number) = match self {
            Self::Message(bytes) => (0, bytes.len() as u64),
            Self::Alive => (1, 0),
            Self::Goodbye => (2, 0),
            Self::Abort(code) => (3, u64::from(code.cast_unsigned())),
        };
        let mut head = [0; HEAD];
        head[0] = kind;
        head[1..].copy_from_slice(&u64::to_le_bytes(number));
        head
    }

    pub(super) fn write(&self, stream: &mut TcpStream) -> io::Result<()> {
        match self {
            // What is short leaves in one packet.
            Self::Message(bytes) if bytes.len() <= SHORT => {
                stream.write_all(&[&self.head()[..], bytes].concat())
            }
            Self::Message(bytes) => {
                stream.write_all(&self.head())?;
                stream.write_all(bytes)
            }
            _ => stream.write_all(&self.head()),
        }
    }

    /// The next one; `hear` is called now and then while a long message comes.
    pub(super) fn read(stream: &mut impl Read, buffers: &Buffers, hear: impl Fn()) -> io::Result<Self> {
        let mut head = [0; HEAD];
        stream.read_exact(&mut head)?;
        let number = u64::from_le_bytes(head[1..].try_into().expect("eight bytes"));
        Ok(match head[0] {
            0 => Self::Message(message(stream, number, buffers, hear)?),
            1 => Self::Alive,
            2 => Self::Goodbye,
            3 => Self::Abort((number as u32).cast_signed()),
            _ => return Err(ErrorKind::InvalidData.into()),
        })
    }
}

fn message(stream: &mut impl Read, length: u64, buffers: &Buffers, hear: impl Fn()) -> io::Result<Vec<u8>> {
    let mut bytes = buffers.take(length.min(AT_ONCE) as usize);
    bytes.clear();
    while (bytes.len() as u64) < length {
        let left = length - bytes.len() as u64;
        if stream.by_ref().take(left.min(PIECE)).read_to_end(&mut bytes)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        hear();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> io::Result<Frame> {
        Frame::read(&mut bytes, &Buffers::default(), || {})
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        for frame in [Frame::Alive, Frame::Goodbye, Frame::Abort(-2), Frame::Abort(130)] {
            assert_eq!(read(&frame.head()).unwrap(), frame);
        }
        let message = Frame::Message((0..=255).cycle().take(5 << 20).collect());
        let Frame::Message(bytes) = &message else { unreachable!() };
        let sent = [&message.head()[..], bytes].concat();
        assert_eq!(read(&sent).unwrap(), message);
    }

    #[test]
    fn a_length_that_is_not_there_costs_no_memory() {
        let sent = [&[0][..], &u64::MAX.to_le_bytes(), &[1, 2, 3]].concat();
        assert_eq!(read(&sent).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(read(&[7; HEAD]).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read(&[0; 3]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
