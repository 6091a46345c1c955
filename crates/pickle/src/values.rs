//! The values of a pickle, to look at.

use std::borrow::Cow;

use crate::{
    escapes,
    value::{Object, Span, Value},
};

/// What a pickle has built: its objects, and the bytes that hold its strings.
#[derive(Debug)]
pub struct Values<'a, M> {
    objects: &'a [Object<M>],
    bytes: &'a [u8],
}

impl<M> Clone for Values<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Values<'_, M> {}

impl<'a, M> Values<'a, M> {
    pub(crate) fn new(objects: &'a [Object<M>], bytes: &'a [u8]) -> Self {
        Self { objects, bytes }
    }

    /// All objects, in the order in which they were made.
    pub fn objects(self) -> &'a [Object<M>] {
        self.objects
    }

    /// The object that a value refers to.
    pub fn object(self, value: Value) -> Option<&'a Object<M>> {
        let Value::Object(index) = value else { return None };
        self.objects.get(index as usize)
    }

    /// What the caller's calls have made of a value.
    pub fn made(self, value: Value) -> Option<&'a M> {
        let Object::Made(made) = self.object(value)? else { return None };
        Some(made)
    }

    /// The bytes of a span.
    pub fn bytes(self, span: Span) -> &'a [u8] {
        span.within(self.bytes)
    }

    /// A string, as bytes: a `str` of either Python or `bytes`.
    pub fn string(self, value: Value) -> Option<&'a [u8]> {
        let (Value::Text(span) | Value::Bytes(span)) = value else { return None };
        Some(self.bytes(span))
    }

    /// The bytes of a string, a byte a character of a `str`: how Python 3 gives what Python 2 pickled as bytes, and what
    /// `_codecs.encode(…, "latin1")` gives. Nothing if there is a character beyond 255.
    pub fn latin1(self, value: Value) -> Option<Cow<'a, [u8]>> {
        match value {
            Value::Bytes(span) => Some(Cow::Borrowed(self.bytes(span))),
            Value::Text(span) => escapes::latin1(self.bytes(span)),
            Value::Escaped(span, how) => escapes::bytes(self.bytes(span), how).map(Cow::Owned),
            _ => None,
        }
    }

    /// A `str`, if it is UTF-8.
    pub fn text(self, value: Value) -> Option<&'a str> {
        let Value::Text(span) = value else { return None };
        std::str::from_utf8(self.bytes(span)).ok()
    }

    /// The values of a tuple, a list or a set.
    pub fn items(self, value: Value) -> Option<&'a [Value]> {
        match self.object(value)? {
            Object::Tuple(items) | Object::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dictionary, in the pickle's order.
    pub fn entries(self, value: Value) -> Option<&'a [(Value, Value)]> {
        let Object::Dict(entries) = self.object(value)? else { return None };
        Some(entries)
    }

    /// The entry of a dictionary under a string, `str` or `bytes`; the last one, if there are several.
    pub fn entry(self, dictionary: Value, key: &str) -> Option<Value> {
        let mut entries = self.entries(dictionary)?.iter().rev();
        entries.find(|(found, _)| self.string(*found) == Some(key.as_bytes())).map(|(_, value)| *value)
    }

    /// The module and the name of code.
    pub fn global(self, value: Value) -> Option<(&'a [u8], &'a [u8])> {
        let Object::Global { module, name } = *self.object(value)? else { return None };
        Some((self.bytes(module), self.bytes(name)))
    }
}
