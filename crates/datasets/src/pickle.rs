//! A reader of the pickles that hold CIFAR, and of nothing else.
//!
//! It builds numbers, byte strings, lists, tuples, dictionaries and NumPy's arrays of bytes. Of Python's names it knows the
//! three that stand before such an array; they call nothing. Anything else is an [`Error::Pickle`]. Strings and arrays stay where they
//! are in the file's bytes; everything else is counted, so memory is bounded whatever a file says. Nothing here is recursive.

mod machine;

use std::{ops::Range, path::Path};

use crate::Error;

/// More numbers, strings and lists than any of the files has.
const MOST_VALUES: usize = 1 << 20;

/// More lists, tuples, dictionaries and arrays than any of the files has.
const MOST_NODES: usize = 1 << 12;

/// A value. What is large lies elsewhere: strings in the file, the rest in [`Pickle`]'s list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    None,
    Int(i64),
    Bytes(Range<usize>),
    Node(usize),
}

/// What a [`Value::Node`] is.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A list or a tuple.
    Row(Vec<Value>),
    /// Keys and values by turns, the last of equal keys first in force.
    Dict(Vec<Value>),
    /// One of the names that are known.
    Name(Name),
    /// NumPy's type of one byte; false until its state is known.
    Dtype,
    /// An array of bytes in C order: its sides and where its data lies.
    Array { shape: Vec<usize>, data: Range<usize> },
}

/// A Python name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Reconstruct,
    NdArray,
    Dtype,
}

/// A pickle whose outermost value is a dictionary.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    nodes: Vec<Node>,
    entries: Vec<Value>,
}

impl<'a> Pickle<'a> {
    /// Reads a dictionary.
    pub(crate) fn read(path: &'a Path, bytes: &'a [u8]) -> Result<Self, Error> {
        let (nodes, root) = machine::run(path, bytes)?;
        let entries = match root {
            Value::Node(at) => match &nodes[at] {
                Node::Dict(entries) => Some(entries.clone()),
                _ => None,
            },
            _ => None,
        };
        let pickle = |entries| Self { path, bytes, nodes, entries };
        entries.map(pickle).ok_or_else(|| refused(path, 0, "another value", "a dictionary"))
    }

    /// A list of whole numbers.
    pub(crate) fn numbers(&self, key: &str) -> Result<Vec<i64>, Error> {
        let number = |value: &Value| match value {
            Value::Int(number) => Ok(*number),
            _ => Err(self.other(key, "a list of whole numbers")),
        };
        self.row(key)?.iter().map(number).collect()
    }

    /// A list of strings.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<&'a [u8]>, Error> {
        let string = |value: &Value| match value {
            Value::Bytes(range) => Ok(&self.bytes[range.clone()]),
            _ => Err(self.other(key, "a list of strings")),
        };
        self.row(key)?.iter().map(string).collect()
    }

    /// An array of bytes with two sides.
    pub(crate) fn matrix(&self, key: &str) -> Result<([usize; 2], &'a [u8]), Error> {
        match self.node(key)? {
            Some(Node::Array { shape, data }) if shape.len() == 2 => {
                Ok(([shape[0], shape[1]], &self.bytes[data.clone()]))
            }
            _ => Err(self.other(key, "a NumPy array (N, 3072) of bytes")),
        }
    }

    fn row(&self, key: &str) -> Result<&[Value], Error> {
        match self.node(key)? {
            Some(Node::Row(values)) => Ok(values),
            _ => Err(self.other(key, "a list")),
        }
    }

    fn node(&self, key: &str) -> Result<Option<&Node>, Error> {
        let is_key = |found: &Value| matches!(found, Value::Bytes(range) if self.bytes[range.clone()] == *key.as_bytes());
        let mut pairs = self.entries.chunks_exact(2).rev();
        let found = pairs
            .find(|pair| is_key(&pair[0]))
            .ok_or_else(|| refused(self.path, 0, "a dictionary without it", &format!("an entry `{key}`")))?;
        Ok(match found[1] {
            Value::Node(at) => Some(&self.nodes[at]),
            _ => None,
        })
    }

    fn other(&self, key: &str, expected: &str) -> Error {
        refused(self.path, 0, &format!("something else in `{key}`"), expected)
    }
}

fn refused(path: &Path, offset: usize, found: &str, expected: &str) -> Error {
    let (path, found, expected) = (path.to_path_buf(), found.to_owned(), expected.to_owned());
    Error::Pickle { path, offset, found, expected }
}
