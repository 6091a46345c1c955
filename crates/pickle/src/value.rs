//! What a pickle consists of.

use crate::escapes::Escapes;

/// A part of a pickle's bytes; by default an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The bytes from `start` to `end`, which both have 32 bits: no pickle is longer.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// Without the first and the last byte.
    pub(crate) fn inner(self) -> Self {
        Self { start: self.start + 1, end: self.end - 1 }
    }

    /// How many bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The part that the span is of the bytes of its pickle.
    pub(crate) fn within(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// A value: itself, a part of the pickle's bytes, or the number of an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Python's `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer of more than eight bytes, in two's complement, little-endian.
    Long(Span),
    /// A floating-point number.
    Float(f64),
    /// Python's `bytes` or `bytearray`.
    Bytes(Span),
    /// A `str`: UTF-8 where Python 3 wrote it, any bytes where Python 2 did.
    Text(Span),
    /// A `str` of protocol 0 that does not stand for itself: [`Values::latin1`](crate::Values::latin1) gives its bytes.
    Escaped(Span, Escapes),
    /// One of the pickle's objects.
    Object(u32),
}

/// An object of a pickle: what other values may refer to, and what holds others.
#[derive(Debug, Clone)]
pub enum Object<M> {
    /// A tuple.
    Tuple(Vec<Value>),
    /// A list or a set.
    List(Vec<Value>),
    /// A dictionary. Of equal keys the last one counts.
    Dict(Vec<(Value, Value)>),
    /// A name of code. Nothing but a name: it is looked up nowhere.
    Global {
        /// The module.
        module: Span,
        /// The name in it.
        name: Span,
    },
    /// What the caller's [`Calls`](crate::Calls) have made.
    Made(M),
}
