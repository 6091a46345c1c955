//! A pickle that was read.

use std::io::Read;

use crate::{
    calls::Calls,
    error::Error,
    input::{Input, Stream},
    limits::Limits,
    machine::Machine,
    opcodes,
    value::{Object, Value},
    values::Values,
};

/// A pickle that was read: its value, its objects, and the bytes that hold its strings (borrowed where they were given).
#[derive(Debug)]
pub struct Pickle<B, M> {
    top: Value,
    objects: Vec<Object<M>>,
    bytes: B,
    length: u64,
}

impl<'a, M> Pickle<&'a [u8], M> {
    /// Reads the pickle that a slice begins with.
    ///
    /// # Errors
    /// It is cut short or malformed, asks for more than the limits, or `calls` refuse what it names.
    pub fn from_slice(bytes: &'a [u8], limits: Limits, calls: &impl Calls<Made = M>) -> Result<Self, Error> {
        let mut machine = Machine::new(Input::new(bytes, limits.bytes), limits, calls);
        let top = opcodes::run(&mut machine)?;
        let length = machine.input.position() as u64;
        Ok(Self { top, objects: machine.objects, bytes, length })
    }
}

impl<M> Pickle<Vec<u8>, M> {
    /// Reads the pickle that a stream begins with. It is read in pieces: perhaps further than the pickle's end, whose place is
    /// [`length`](Self::length).
    ///
    /// # Errors
    /// As [`from_slice`](Pickle::from_slice), or if the stream cannot be read.
    pub fn from_stream(
        stream: impl Read,
        limits: Limits,
        calls: &impl Calls<Made = M>,
    ) -> Result<Self, Error> {
        let mut machine = Machine::new(Input::new(Stream::new(stream), limits.bytes), limits, calls);
        let top = opcodes::run(&mut machine)?;
        let length = machine.input.position() as u64;
        Ok(Self { top, objects: machine.objects, bytes: machine.input.bytes.into_bytes(), length })
    }
}

impl<B: AsRef<[u8]>, M> Pickle<B, M> {
    /// What the pickle is of.
    pub fn top(&self) -> Value {
        self.top
    }

    /// How many bytes it takes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its values, to look at.
    pub fn values(&self) -> Values<'_, M> {
        Values::new(&self.objects, self.bytes.as_ref())
    }
}
