//! A pickle machine that cannot run code.
//!
//! It knows the opcodes of the protocols 2 to 5, builds plain values, and makes of a call what [`super::calls`] knows; any other
//! call gives an opaque object, whose arguments stay what they are and which nothing can be done with.

use std::{collections::HashMap, io::Read};

use super::{
    buffer::{Buffer, Span},
    calls,
    value::{Object, Value},
};

/// Steps, and values beyond one a step. A checkpoint has some ten thousand; more would take memory and time that none needs.
const BUDGET: usize = 1 << 20;

/// A pickle that was read: its objects, and the bytes that hold its texts.
pub(super) struct Pickle {
    /// What the pickle is of.
    pub top: Value,
    pub objects: Vec<Object>,
    bytes: Vec<u8>,
    /// How many bytes of the stream it took.
    pub length: u64,
}

impl Pickle {
    /// Reads a pickle from the start of a stream, which may go on behind it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(stream: impl Read) -> Result<Self, String> {
        let mut machine = Machine {
            buffer: Buffer::new(stream),
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            budget: BUDGET,
        };
        let top = machine
            .run()
            .map_err(|error| format!("{error}, at byte {} of a pickle", machine.buffer.position()))?;
        let (length, objects) = (machine.buffer.position() as u64, machine.objects);
        Ok(Self { top, objects, bytes: machine.buffer.into_bytes(), length })
    }

    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    /// A text of the pickle.
    pub(super) fn text(&self, value: Value) -> Option<&str> {
        let Value::Text(span) = value else { return None };
        std::str::from_utf8(self.bytes(span)).ok()
    }

    pub(super) fn object(&self, value: Value) -> Option<&Object> {
        let Value::Object(index) = value else { return None };
        self.objects.get(index as usize)
    }

    /// The entries of a dictionary.
    pub(super) fn entries(&self, value: Value) -> Option<&[(Value, Value)]> {
        let Some(Object::Dict(entries)) = self.object(value) else { return None };
        Some(entries)
    }

    /// The entry of a dictionary under a text; the last one, if there are several.
    pub(super) fn entry(&self, dictionary: Value, key: &str) -> Option<Value> {
        let entries = self.entries(dictionary)?;
        entries.iter().rev().find(|(name, _)| self.text(*name) == Some(key)).map(|(_, value)| *value)
    }

    /// What an opaque object is of: `module.name` of the code that would have made it.
    pub(super) fn code(&self, value: Value) -> Option<String> {
        let Object::Opaque(global) = self.object(value)? else { return None };
        let known = global.and_then(|global| match self.objects.get(global as usize) {
            Some(&Object::Global(module, name)) => Some(joined(self.bytes(module), self.bytes(name))),
            _ => None,
        });
        Some(known.unwrap_or_else(|| "an unnamed function".to_owned()))
    }
}

/// `module.name`, of no more than a hundred characters that can be printed.
fn joined(module: &[u8], name: &[u8]) -> String {
    let text = |bytes: &[u8]| {
        let printable = |c: &char| !c.is_control();
        String::from_utf8_lossy(bytes).chars().filter(printable).take(50).collect::<String>()
    };
    format!("{}.{}", text(module), text(name))
}

/// A pickle as it is read.
pub(super) struct Machine<R> {
    pub(super) buffer: Buffer<R>,
    pub(super) objects: Vec<Object>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    budget: usize,
}

impl<R: Read> Machine<R> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            self.spend(1)?;
            match self.buffer.byte()? {
                b'.' => return self.pop(),
                opcode => self.step(opcode)?,
            }
        }
    }

    /// Counts values that are made, so that a short pickle cannot make many.
    pub(super) fn spend(&mut self, values: usize) -> Result<(), String> {
        let left = self.budget.checked_sub(values);
        self.budget = left.ok_or_else(|| format!("a pickle of more than {BUDGET} steps and values"))?;
        Ok(())
    }

    /// How many values may yet be made.
    pub(super) fn left(&self) -> usize {
        self.budget
    }

    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            0x80 => self.buffer.byte().map(drop),
            0x95 => self.buffer.array::<8>().map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.pop_mark().map(drop),
            b'2' => self.top().map(|top| self.stack.push(top)),
            b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | 0x8a | 0x8b | b'G' => self.number(opcode),
            b'X' | b'T' | b'U' | b'B' | b'C' | 0x8c | 0x8d | 0x8e | 0x96 => self.string(opcode),
            b')' | b']' | b'}' | 0x8f | b't' | b'l' | b'd' | 0x91 | 0x85..=0x87 => self.container(opcode),
            b'a' | b'e' | b's' | b'u' | 0x90 => self.extend(opcode),
            b'h' | b'j' | b'q' | b'r' | 0x94 => self.memory(opcode),
            b'c' | 0x93 | b'R' | 0x81 | 0x92 | b'b' | b'Q' | b'o' | b'i' => self.call(opcode),
            _ => Err(format!("opcode {opcode:#04x}, which PyTorch does not write")),
        }
    }

    fn number(&mut self, opcode: u8) -> Result<(), String> {
        let value = match opcode {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => Value::Int(i32::from_le_bytes(self.buffer.array()?).into()),
            b'K' => Value::Int(self.buffer.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.buffer.array()?).into()),
            b'G' => Value::Float(f64::from_be_bytes(self.buffer.array()?)),
            0x8a => self.byte_length().and_then(|length| self.long(length))?,
            _ => self.word_length().and_then(|length| self.long(length))?,
        };
        self.stack.push(value);
        Ok(())
    }

    /// An integer in two's complement, little-endian.
    fn long(&mut self, length: u64) -> Result<Value, String> {
        let span = self.buffer.take(length)?;
        let bytes = self.buffer.get(span);
        if bytes.len() > 8 {
            return Ok(Value::Long(span));
        }
        let negative = bytes.last().is_some_and(|&last| last >= 0x80);
        let mut all = [if negative { 0xff } else { 0 }; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(all)))
    }

    fn string(&mut self, opcode: u8) -> Result<(), String> {
        let length = match opcode {
            b'U' | b'C' | 0x8c => self.byte_length()?,
            b'X' | b'T' | b'B' => self.word_length()?,
            _ => u64::from_le_bytes(self.buffer.array()?),
        };
        let span = self.buffer.take(length)?;
        // Python 2 pickled its strings as `T` and `U`.
        let is_text = matches!(opcode, b'X' | b'T' | b'U' | 0x8c | 0x8d);
        self.stack.push(if is_text { Value::Text(span) } else { Value::Bytes(span) });
        Ok(())
    }

    fn container(&mut self, opcode: u8) -> Result<(), String> {
        let object = match opcode {
            b')' => Object::Tuple(Vec::new()),
            b']' | 0x8f => Object::List(Vec::new()),
            b'}' => Object::Dict(Vec::new()),
            b't' => Object::Tuple(self.pop_mark()?),
            b'l' | 0x91 => Object::List(self.pop_mark()?),
            b'd' => Object::Dict(pairs(&self.pop_mark()?)?),
            // Tuples of one, two and three.
            _ => Object::Tuple(self.pop_many(usize::from(opcode - 0x84))?),
        };
        self.push(object)
    }

    /// Values into the container below them.
    fn extend(&mut self, opcode: u8) -> Result<(), String> {
        let values = match opcode {
            b'a' => self.pop_many(1)?,
            b's' => self.pop_many(2)?,
            _ => self.pop_mark()?,
        };
        let Value::Object(index) = self.top()? else { return Err("entries of what has none".to_owned()) };
        match &mut self.objects[index as usize] {
            Object::List(list) if opcode != b's' && opcode != b'u' => list.extend(values),
            Object::Dict(entries) if opcode == b's' || opcode == b'u' => entries.extend(pairs(&values)?),
            Object::Opaque(_) => {}
            _ => return Err("entries of what has none".to_owned()),
        }
        Ok(())
    }

    fn memory(&mut self, opcode: u8) -> Result<(), String> {
        let key = match opcode {
            b'h' | b'q' => self.buffer.byte()?.into(),
            b'j' | b'r' => u32::from_le_bytes(self.buffer.array()?),
            _ => self.memo.len() as u32,
        };
        if matches!(opcode, b'h' | b'j') {
            let value = self.memo.get(&key).copied();
            self.stack.push(value.ok_or_else(|| format!("memory cell {key}, which was not filled"))?);
        } else {
            let top = self.top()?;
            self.memo.insert(key, top);
        }
        Ok(())
    }

    fn call(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            b'c' => {
                let global = Object::Global(self.buffer.line()?, self.buffer.line()?);
                self.push(global)
            }
            0x93 => match self.pop_many(2)?[..] {
                [Value::Text(module), Value::Text(name)] => self.push(Object::Global(module, name)),
                _ => Err("a name of code that is no text".to_owned()),
            },
            b'R' => {
                let [function, arguments] =
                    [0, 1].map(|place| self.stack.iter().rev().nth(1 - place).copied());
                self.pop_many(2)?;
                let made =
                    calls::call(self, function.unwrap_or(Value::None), arguments.unwrap_or(Value::None))?;
                self.stack.push(made);
                Ok(())
            }
            b'Q' => {
                let id = self.pop()?;
                let made = calls::persistent(self, id)?;
                self.push(made)
            }
            b'b' => self.pop().map(drop),
            _ => self.instance(opcode),
        }
    }

    /// An object of a class: never made, only its class is noted.
    fn instance(&mut self, opcode: u8) -> Result<(), String> {
        let class = match opcode {
            0x81 => self.pop_many(2)?[0],
            0x92 => self.pop_many(3)?[0],
            b'o' => self.pop_mark()?.first().copied().unwrap_or(Value::None),
            _ => {
                let class = Object::Global(self.buffer.line()?, self.buffer.line()?);
                self.pop_mark()?;
                self.add(class)?
            }
        };
        let made = calls::instance(self, class);
        self.push(made)
    }

    fn byte_length(&mut self) -> Result<u64, String> {
        self.buffer.byte().map(u64::from)
    }

    fn word_length(&mut self) -> Result<u64, String> {
        self.buffer.array().map(|bytes| u32::from_le_bytes(bytes).into())
    }

    pub(super) fn add(&mut self, object: Object) -> Result<Value, String> {
        let index = u32::try_from(self.objects.len()).map_err(|_| "too many objects".to_owned())?;
        self.objects.push(object);
        Ok(Value::Object(index))
    }

    fn push(&mut self, object: Object) -> Result<(), String> {
        let value = self.add(object)?;
        self.stack.push(value);
        Ok(())
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Value, String> {
        let top = self.stack.last().copied().filter(|_| self.stack.len() > self.floor());
        top.ok_or_else(|| "a step that needs a value where there is none".to_owned())
    }

    fn pop(&mut self) -> Result<Value, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        start
            .map(|start| self.stack.split_off(start))
            .ok_or_else(|| format!("a step that needs {count} values"))
    }

    fn pop_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or_else(|| "the end of a list that never began".to_owned())?;
        // Nothing below a mark is ever popped.
        Ok(self.stack.split_off(mark))
    }
}

fn pairs(values: &[Value]) -> Result<Vec<(Value, Value)>, String> {
    let (pairs, rest) = values.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    } else {
        Err("a key without a value".to_owned())
    }
}
