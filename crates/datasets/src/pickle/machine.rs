//! The stack machine that a pickle is a program for.

use std::{collections::HashMap, ops::Range, path::Path};

use super::{MOST_NODES, MOST_VALUES, Name, Node, Value, refused};
use crate::Error;

/// Runs a pickle: its nodes, and the value that it leaves.
pub(super) fn run(path: &Path, bytes: &[u8]) -> Result<(Vec<Node>, Value), Error> {
    let mut machine = Machine {
        path,
        bytes,
        at: 0,
        opcode_at: 0,
        values: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        nodes: Vec::new(),
    };
    while machine.step()? {}
    let root = machine.pop()?;
    Ok((machine.nodes, root))
}

struct Machine<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    at: usize,
    opcode_at: usize,
    /// Values made so far, a bound on memory.
    values: usize,
    stack: Vec<Value>,
    /// Heights of the stack where `(` stood.
    marks: Vec<usize>,
    memo: HashMap<usize, Value>,
    nodes: Vec<Node>,
}

impl Machine<'_> {
    /// One opcode; false at the end.
    fn step(&mut self) -> Result<bool, Error> {
        self.opcode_at = self.at;
        let [opcode] = self.array()?;
        match opcode {
            b'.' => return Ok(false),
            0x80 => self.protocol()?,
            b'(' => self.mark()?,
            b'N' => self.push(Value::None)?,
            0x88 => self.push(Value::Int(1))?,
            0x89 => self.push(Value::Int(0))?,
            b'K' | b'M' | b'J' | b'I' | 0x8a => self.number(opcode)?,
            b'U' | b'T' | b'X' | b'C' | b'B' => self.string(opcode)?,
            b']' => self.push_node(Node::Row(Vec::new()))?,
            b')' => self.push_node(Node::Row(Vec::new()))?,
            b'}' => self.push_node(Node::Dict(Vec::new()))?,
            b'l' | b't' => self.row_of_marked()?,
            b'd' => self.dict_of_marked()?,
            0x85..=0x87 => self.tuple(usize::from(opcode - 0x84))?,
            b'a' | b'e' | b's' | b'u' => self.extend(opcode)?,
            b'q' | b'r' | b'p' => self.remember(opcode)?,
            b'h' | b'j' | b'g' => self.recall(opcode)?,
            b'c' => self.name()?,
            b'R' => self.call()?,
            b'b' => self.build()?,
            _ => {
                let found = format!("the opcode {opcode:#04x}");
                return Err(self.refused(&found, "one that builds numbers, strings, lists or dictionaries"));
            }
        }
        Ok(true)
    }

    fn protocol(&mut self) -> Result<(), Error> {
        match self.array()? {
            [0..=3] => Ok(()),
            [other] => Err(self.refused(&format!("protocol {other}"), "protocol 0 to 3")),
        }
    }

    fn mark(&mut self) -> Result<(), Error> {
        self.count(1)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn number(&mut self, opcode: u8) -> Result<(), Error> {
        let number = match opcode {
            b'K' => i64::from(u8::from_le_bytes(self.array()?)),
            b'M' => i64::from(u16::from_le_bytes(self.array()?)),
            b'J' => i64::from(i32::from_le_bytes(self.array()?)),
            b'I' => self.decimal()?,
            _ => self.long()?,
        };
        self.push(Value::Int(number))
    }

    /// A number of up to eight bytes, two's complement.
    fn long(&mut self) -> Result<i64, Error> {
        let [length] = self.array()?;
        let range = self.take(usize::from(length))?;
        let digits = &self.bytes[range];
        let mut full = match digits.last() {
            Some(0x80..) => [0xff; 8],
            _ => [0; 8],
        };
        match full.get_mut(..digits.len()) {
            Some(low) => low.copy_from_slice(digits),
            None => return Err(self.refused("a number of more than eight bytes", "a label")),
        }
        Ok(i64::from_le_bytes(full))
    }

    fn string(&mut self, opcode: u8) -> Result<(), Error> {
        let length = match opcode {
            b'U' | b'C' => usize::from(u8::from_le_bytes(self.array()?)),
            _ => u32::from_le_bytes(self.array()?) as usize,
        };
        let range = self.take(length)?;
        self.push(Value::Bytes(range))
    }

    fn row_of_marked(&mut self) -> Result<(), Error> {
        let values = self.pop_marked()?;
        self.push_node(Node::Row(values))
    }

    fn dict_of_marked(&mut self) -> Result<(), Error> {
        let values = self.pop_marked()?;
        self.push_node(Node::Dict(values))
    }

    fn tuple(&mut self, length: usize) -> Result<(), Error> {
        let start = self.stack.len().checked_sub(length).ok_or_else(|| self.exhausted())?;
        let values = self.stack.split_off(start);
        self.push_node(Node::Row(values))
    }

    /// `a` and `e` append to a list, `s` and `u` to a dictionary; one value (or key and value), or all down to the mark.
    fn extend(&mut self, opcode: u8) -> Result<(), Error> {
        let added = match opcode {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_marked()?,
        };
        self.count(added.len())?;
        let Some(&Value::Node(at)) = self.stack.last() else { return Err(self.no_container()) };
        match (&mut self.nodes[at], opcode) {
            (Node::Row(values), b'a' | b'e') => values.extend(added),
            (Node::Dict(entries), b's' | b'u') if added.len() % 2 == 0 => entries.extend(added),
            _ => return Err(self.no_container()),
        }
        Ok(())
    }

    fn remember(&mut self, opcode: u8) -> Result<(), Error> {
        self.count(1)?;
        let place = self.place(opcode)?;
        let value = self.stack.last().cloned().ok_or_else(|| self.exhausted())?;
        self.memo.insert(place, value);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), Error> {
        let place = self.place(opcode)?;
        match self.memo.get(&place).cloned() {
            Some(value) => self.push(value),
            None => Err(self.refused("a place that nothing was put in", "one that was")),
        }
    }

    fn place(&mut self, opcode: u8) -> Result<usize, Error> {
        Ok(match opcode {
            b'q' | b'h' => usize::from(u8::from_le_bytes(self.array()?)),
            b'r' | b'j' => u32::from_le_bytes(self.array()?) as usize,
            _ => self.decimal()? as usize,
        })
    }

    fn name(&mut self) -> Result<(), Error> {
        let (module, name) = (self.line()?, self.line()?);
        let known = match (&self.bytes[module.clone()], &self.bytes[name.clone()]) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Name::Reconstruct,
            (b"numpy", b"ndarray") => Name::NdArray,
            (b"numpy", b"dtype") => Name::Dtype,
            (module, name) => {
                let name = [module, b".", name].concat();
                let found = format!("the name `{}`", String::from_utf8_lossy(&name[..name.len().min(80)]));
                return Err(self.refused(&found, "none but those of NumPy's arrays; nothing was run"));
            }
        };
        self.push_node(Node::Name(known))
    }

    /// `_reconstruct(ndarray, (0,), 'b')` and `dtype('u1', …)`.
    fn call(&mut self) -> Result<(), Error> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let arguments = self.row(&arguments).ok_or_else(|| self.no_call())?;
        let made = match (self.named(&function), arguments.first()) {
            (Some(Name::Reconstruct), Some(class)) if self.named(class) == Some(Name::NdArray) => {
                Node::Array { shape: vec![0], data: 0..0 }
            }
            (Some(Name::Dtype), Some(Value::Bytes(kind)))
                if matches!(&self.bytes[kind.clone()], b"u1" | b"|u1") =>
            {
                Node::Dtype
            }
            _ => return Err(self.no_call()),
        };
        self.push_node(made)
    }

    /// The state of an array: `(version, shape, dtype, is_fortran, data)`. A dtype of one byte needs none.
    fn build(&mut self) -> Result<(), Error> {
        let state = self.pop()?;
        let Some(&Value::Node(at)) = self.stack.last() else { return Err(self.no_container()) };
        match &self.nodes[at] {
            Node::Dtype => return Ok(()),
            Node::Array { .. } => {}
            _ => return Err(self.no_container()),
        }
        let state = self.row(&state).unwrap_or_default().to_vec();
        let [Value::Int(_), shape, dtype, Value::Int(0), Value::Bytes(data)] = &state[..] else {
            return Err(self.refused("another state", "that of an array in C order"));
        };
        let side = |value: &Value| match value {
            Value::Int(side) => usize::try_from(*side).ok(),
            _ => None,
        };
        let shape: Option<Vec<usize>> = self.row(shape).and_then(|sides| sides.iter().map(side).collect());
        let shape = shape.ok_or_else(|| self.refused("no sides", "those of an array"))?;
        let is_bytes = matches!(dtype, Value::Node(at) if matches!(self.nodes[*at], Node::Dtype));
        let size = shape.iter().try_fold(1_usize, |size, &side| size.checked_mul(side));
        if !is_bytes || size != Some(data.len()) {
            let found = format!("{} bytes of data", data.len());
            return Err(self.refused(&found, &format!("an array {shape:?} of bytes")));
        }
        self.nodes[at] = Node::Array { shape, data: data.clone() };
        Ok(())
    }

    fn row(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::Node(at) => match &self.nodes[*at] {
                Node::Row(values) => Some(values),
                _ => None,
            },
            _ => None,
        }
    }

    fn named(&self, value: &Value) -> Option<Name> {
        match value {
            Value::Node(at) => match &self.nodes[*at] {
                Node::Name(name) => Some(*name),
                _ => None,
            },
            _ => None,
        }
    }

    fn push(&mut self, value: Value) -> Result<(), Error> {
        self.count(1)?;
        self.stack.push(value);
        Ok(())
    }

    fn push_node(&mut self, node: Node) -> Result<(), Error> {
        if self.nodes.len() == MOST_NODES {
            return Err(
                self.refused(&format!("more than {MOST_NODES} lists or dictionaries"), "a batch of CIFAR")
            );
        }
        self.nodes.push(node);
        self.push(Value::Node(self.nodes.len() - 1))
    }

    fn count(&mut self, more: usize) -> Result<(), Error> {
        self.values += more;
        if self.values > MOST_VALUES {
            return Err(self.refused(&format!("more than {MOST_VALUES} values"), "a batch of CIFAR"));
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Value, Error> {
        // What lies below a mark is not to be had before the mark is gone.
        let bottom = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= bottom {
            return Err(self.exhausted());
        }
        self.stack.pop().ok_or_else(|| self.exhausted())
    }

    fn pop_marked(&mut self) -> Result<Vec<Value>, Error> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        let mark = mark.ok_or_else(|| self.refused("no mark", "one"))?;
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, length: usize) -> Result<Range<usize>, Error> {
        let left = self.bytes.len() - self.at;
        if length > left {
            let (found, expected) =
                (format!("{left} bytes before the end"), format!("{length}; the file is cut short"));
            return Err(self.refused(&found, &expected));
        }
        self.at += length;
        Ok(self.at - length..self.at)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let range = self.take(N)?;
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[range]);
        Ok(out)
    }

    /// A line without its end.
    fn line(&mut self) -> Result<Range<usize>, Error> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let line = self.take(length)?;
        self.take(1)?;
        Ok(line)
    }

    fn decimal(&mut self) -> Result<i64, Error> {
        let line = self.line()?;
        let text = std::str::from_utf8(&self.bytes[line]).ok();
        let number = text.and_then(|text| text.parse::<i64>().ok());
        number.ok_or_else(|| self.refused("a line that is no number", "a whole number"))
    }

    fn exhausted(&self) -> Error {
        self.refused("nothing on the stack", "a value")
    }

    fn no_container(&self) -> Error {
        self.refused("nothing to add that to", "a list, a dictionary or an array")
    }

    fn no_call(&self) -> Error {
        self.refused("a call", "none but those that make NumPy's arrays of bytes; nothing was run")
    }

    fn refused(&self, found: &str, expected: &str) -> Error {
        refused(self.path, self.opcode_at, found, expected)
    }
}
