//! What each opcode does. Letters and numbers are those of Python's `pickletools`.

use crate::{
    calls::Calls,
    error::Error,
    escapes::{self, Escapes},
    input::Bytes,
    machine::Machine,
    value::{Object, Span, Value},
};

/// The last protocol that is known.
const PROTOCOL: u8 = 5;

/// Runs a pickle to its end: the value that it leaves.
pub(crate) fn run<B: Bytes, C: Calls>(machine: &mut Machine<'_, B, C>) -> Result<Value, Error> {
    loop {
        let opcode = machine.input.opcode()?;
        machine.count(1)?;
        match opcode {
            b'.' => return machine.pop(),
            _ => machine.step(opcode)?,
        }
    }
}

impl<B: Bytes, C: Calls> Machine<'_, B, C> {
    fn step(&mut self, opcode: u8) -> Result<(), Error> {
        match opcode {
            0x80 => self.protocol(),
            // The length of a frame: a hint for readers of files.
            0x95 => self.input.array::<8>().map(drop),
            b'(' => {
                self.mark();
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.pop_mark().map(drop),
            b'2' => self.top().map(|top| self.push(top)),
            b'N' | 0x88 | 0x89 | b'J' | b'K' | b'M' | b'I' | b'L' | b'F' | 0x8a | 0x8b | b'G' => {
                self.number(opcode)
            }
            b'V' | b'S' => self.line(opcode),
            b'X' | b'T' | b'U' | b'B' | b'C' | 0x8c | 0x8d | 0x8e | 0x96 => self.string(opcode),
            b')' | b']' | b'}' | 0x8f | b't' | b'l' | b'd' | 0x91 | 0x85..=0x87 => self.container(opcode),
            b'a' | b'e' | b's' | b'u' | 0x90 => self.extend(opcode),
            b'q' | b'r' | b'p' | 0x94 => self.memoise(opcode),
            b'h' | b'j' | b'g' => self.recall(opcode),
            b'c' | 0x93 => self.global(opcode),
            b'R' | b'Q' | b'b' => self.call(opcode),
            0x81 | 0x92 | b'o' | b'i' => self.instance(opcode),
            found => Err(Error::Opcode { offset: self.input.opcode_at, found }),
        }
    }

    fn protocol(&mut self) -> Result<(), Error> {
        match self.input.byte()? {
            0..=PROTOCOL => Ok(()),
            found => Err(Error::Protocol { offset: self.input.opcode_at, found }),
        }
    }

    fn number(&mut self, opcode: u8) -> Result<(), Error> {
        let value = match opcode {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'J' => Value::Int(i32::from_le_bytes(self.input.array()?).into()),
            b'K' => Value::Int(self.input.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.input.array()?).into()),
            b'I' | b'L' => self.decimal()?,
            b'F' => self.float()?,
            b'G' => Value::Float(f64::from_be_bytes(self.input.array()?)),
            0x8a => self.byte_length().and_then(|length| self.long(length))?,
            _ => self.word_length().and_then(|length| self.long(length))?,
        };
        self.push(value);
        Ok(())
    }

    /// A line of digits. Protocol 0 and 1 write truth values so, too.
    fn decimal(&mut self) -> Result<Value, Error> {
        let line = self.input.line()?;
        Ok(match self.input.get(line) {
            b"00" => Value::Bool(false),
            b"01" => Value::Bool(true),
            digits => {
                let text = std::str::from_utf8(digits.strip_suffix(b"L").unwrap_or(digits)).ok();
                let number = text.and_then(|text| text.parse().ok());
                Value::Int(
                    number.ok_or_else(|| self.malformed("a line that is no number", "a whole number"))?,
                )
            }
        })
    }

    /// A line with a number.
    fn float(&mut self) -> Result<Value, Error> {
        let line = self.input.line()?;
        let text = std::str::from_utf8(self.input.get(line)).ok();
        let number = text.and_then(|text| text.parse().ok()).map(Value::Float);
        number.ok_or_else(|| self.malformed("a line that is no number", "a number"))
    }

    /// A string up to the end of the line: with escapes, or in quotes.
    fn line(&mut self, opcode: u8) -> Result<(), Error> {
        let mut span = self.input.line()?;
        let mut how = Escapes::Unicode;
        if opcode == b'S' {
            how = Escapes::Quoted;
            let is_quoted = matches!(self.input.get(span), [b'\'', .., b'\''] | [b'"', .., b'"']);
            let inner = is_quoted.then(|| span.inner());
            span = inner.ok_or_else(|| self.malformed("a string without quotes", "one in quotes"))?;
        }
        let is_plain = escapes::is_plain(self.input.get(span));
        self.push(if is_plain { Value::Text(span) } else { Value::Escaped(span, how) });
        Ok(())
    }

    /// An integer in two's complement, little-endian.
    fn long(&mut self, length: u64) -> Result<Value, Error> {
        let span = self.input.take(length)?;
        let bytes = self.input.get(span);
        if bytes.len() > 8 {
            return Ok(Value::Long(span));
        }
        let negative = bytes.last().is_some_and(|&last| last >= 0x80);
        let mut all = [if negative { 0xff } else { 0 }; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(all)))
    }

    fn string(&mut self, opcode: u8) -> Result<(), Error> {
        let length = match opcode {
            b'U' | b'C' | 0x8c => self.byte_length()?,
            b'X' | b'T' | b'B' => self.word_length()?,
            _ => u64::from_le_bytes(self.input.array()?),
        };
        let span = self.input.take(length)?;
        // Python 2 pickled its strings as `T` and `U`.
        let is_text = matches!(opcode, b'X' | b'T' | b'U' | 0x8c | 0x8d);
        self.push(if is_text { Value::Text(span) } else { Value::Bytes(span) });
        Ok(())
    }

    fn container(&mut self, opcode: u8) -> Result<(), Error> {
        let object = match opcode {
            b')' => Object::Tuple(Vec::new()),
            b']' | 0x8f => Object::List(Vec::new()),
            b'}' => Object::Dict(Vec::new()),
            b't' => Object::Tuple(self.pop_mark()?),
            b'l' | 0x91 => Object::List(self.pop_mark()?),
            b'd' => {
                let values = self.pop_mark()?;
                Object::Dict(self.pairs(&values)?)
            }
            // Tuples of one, two and three.
            _ => Object::Tuple(self.pop_many(usize::from(opcode - 0x84))?),
        };
        self.push_object(object)
    }

    /// Values into the container below them: one to a list or a pair to a dictionary, or all down to the mark.
    fn extend(&mut self, opcode: u8) -> Result<(), Error> {
        let values = match opcode {
            b'a' => self.pop_many(1)?,
            b's' => self.pop_many(2)?,
            _ => self.pop_mark()?,
        };
        let no_container = || self.malformed("nothing to add that to", "a list, a set or a dictionary");
        let Value::Object(index) = self.top()? else { return Err(no_container()) };
        let pairs = if matches!(opcode, b's' | b'u') { Some(self.pairs(&values)?) } else { None };
        match (&mut self.objects[index as usize], pairs) {
            (Object::List(list), None) => list.extend(values),
            (Object::Dict(entries), Some(pairs)) => entries.extend(pairs),
            (Object::Made(made), _) if self.calls.drops_entries(made) => {}
            _ => {
                return Err(self.malformed("nothing to add that to", "a list, a set or a dictionary"));
            }
        }
        Ok(())
    }

    fn pairs(&self, values: &[Value]) -> Result<Vec<(Value, Value)>, Error> {
        let (pairs, rest) = values.as_chunks::<2>();
        match rest.is_empty() {
            true => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
            false => Err(self.malformed("a key without a value", "keys and values")),
        }
    }

    fn memoise(&mut self, opcode: u8) -> Result<(), Error> {
        let key = match opcode {
            0x94 => self.memo.len() as u32,
            _ => self.place(opcode)?,
        };
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Result<(), Error> {
        let key = self.place(opcode)?;
        let value = self.memo.get(&key).copied();
        let value = value.ok_or_else(|| self.malformed("a place that nothing was put in", "one that was"))?;
        self.push(value);
        Ok(())
    }

    /// A place of the memo.
    fn place(&mut self, opcode: u8) -> Result<u32, Error> {
        match opcode {
            b'q' | b'h' => Ok(self.input.byte()?.into()),
            b'r' | b'j' => Ok(u32::from_le_bytes(self.input.array()?)),
            _ => match self.decimal()? {
                Value::Bool(place) => Ok(place.into()),
                Value::Int(place) if u32::try_from(place).is_ok() => Ok(place as u32),
                _ => Err(self.malformed("a place beyond the memo", "one of 32 bits")),
            },
        }
    }

    fn global(&mut self, opcode: u8) -> Result<(), Error> {
        let (module, name) = match opcode {
            b'c' => (self.input.line()?, self.input.line()?),
            _ => match self.pop_many(2)?[..] {
                [Value::Text(module), Value::Text(name)] => (module, name),
                _ => return Err(self.malformed("a name of code that is no text", "two strings")),
            },
        };
        self.check_name(module, name)?;
        self.push_object(Object::Global { module, name })
    }

    fn check_name(&self, module: Span, name: Span) -> Result<(), Error> {
        let known = self.calls.name(self.input.get(module), self.input.get(name));
        known.map_err(|refusal| self.refused(refusal))
    }

    fn call(&mut self, opcode: u8) -> Result<(), Error> {
        let last = self.pop()?;
        match opcode {
            b'R' => {
                let function = self.pop()?;
                let answer = self.calls.call(self.values(), function, last);
                self.push_answer(answer)
            }
            b'Q' => {
                let answer = self.calls.persistent(self.values(), last);
                self.push_answer(answer)
            }
            _ => self.build(last),
        }
    }

    fn build(&mut self, state: Value) -> Result<(), Error> {
        let object = self.top()?;
        let built = self.calls.build(self.values(), object, state);
        let Some(built) = built.map_err(|refusal| self.refused(refusal))? else { return Ok(()) };
        self.count(self.weight(&built))?;
        if let Value::Object(index) = object {
            self.objects[index as usize] = built;
        }
        Ok(())
    }

    /// An object of a class; what its constructor would be called with is dropped.
    fn instance(&mut self, opcode: u8) -> Result<(), Error> {
        let class = match opcode {
            0x81 => self.pop_many(2)?[0],
            0x92 => self.pop_many(3)?[0],
            b'o' => self.pop_mark()?.first().copied().unwrap_or(Value::None),
            _ => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.check_name(module, name)?;
                self.pop_mark()?;
                self.add(Object::Global { module, name })?
            }
        };
        let answer = self.calls.instance(self.values(), class);
        self.push_answer(answer)
    }

    fn byte_length(&mut self) -> Result<u64, Error> {
        self.input.byte().map(u64::from)
    }

    fn word_length(&mut self) -> Result<u64, Error> {
        self.input.array().map(|bytes| u32::from_le_bytes(bytes).into())
    }
}
