//! The state of the stack machine: stack, marks, memo and objects, each counted.

use std::collections::HashMap;

use crate::{
    calls::{Answer, Calls},
    error::{Error, Refusal},
    input::{Bytes, Input},
    limits::Limits,
    value::{Object, Value},
    values::Values,
};

/// A pickle as it is read.
pub(crate) struct Machine<'c, B, C: Calls> {
    pub(crate) input: Input<B>,
    pub(crate) objects: Vec<Object<C::Made>>,
    pub(crate) calls: &'c C,
    pub(crate) memo: HashMap<u32, Value>,
    stack: Vec<Value>,
    /// Heights of the stack where `(` stood.
    marks: Vec<usize>,
    limits: Limits,
    steps: usize,
}

impl<'c, B: Bytes, C: Calls> Machine<'c, B, C> {
    pub(crate) fn new(input: Input<B>, limits: Limits, calls: &'c C) -> Self {
        let (objects, stack, marks) = (Vec::new(), Vec::new(), Vec::new());
        Self { input, objects, calls, memo: HashMap::new(), stack, marks, limits, steps: 0 }
    }

    pub(crate) fn values(&self) -> Values<'_, C::Made> {
        Values::new(&self.objects, self.input.bytes.so_far())
    }

    /// Counts steps, and values that a step makes beyond one, so that a short pickle cannot make many.
    pub(crate) fn count(&mut self, steps: usize) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(steps);
        match self.steps <= self.limits.steps {
            true => Ok(()),
            false => Err(self.too_large(self.limits.steps, "steps")),
        }
    }

    pub(crate) fn mark(&mut self) {
        self.marks.push(self.stack.len());
    }

    pub(crate) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Makes an object.
    pub(crate) fn add(&mut self, object: Object<C::Made>) -> Result<Value, Error> {
        let most = self.limits.objects.min(u32::MAX as usize);
        if self.objects.len() == most {
            return Err(self.too_large(most, "objects"));
        }
        self.objects.push(object);
        Ok(Value::Object(self.objects.len() as u32 - 1))
    }

    pub(crate) fn push_object(&mut self, object: Object<C::Made>) -> Result<(), Error> {
        let value = self.add(object)?;
        self.push(value);
        Ok(())
    }

    /// What a call gave, or why it was refused.
    pub(crate) fn push_answer(&mut self, answer: Result<Answer<C::Made>, Refusal>) -> Result<(), Error> {
        match answer.map_err(|refusal| self.refused(refusal))? {
            Answer::Value(value) => {
                self.push(value);
                Ok(())
            }
            Answer::Object(object) => {
                self.count(self.weight(&object))?;
                self.push_object(object)
            }
        }
    }

    /// How many values an object holds.
    pub(crate) fn weight(&self, object: &Object<C::Made>) -> usize {
        match object {
            Object::Tuple(items) | Object::List(items) => items.len(),
            Object::Dict(entries) => entries.len(),
            Object::Global { .. } => 0,
            Object::Made(made) => self.calls.weight(made),
        }
    }

    pub(crate) fn top(&self) -> Result<Value, Error> {
        self.stack.last().copied().filter(|_| self.stack.len() > self.floor()).ok_or_else(|| self.exhausted())
    }

    pub(crate) fn pop(&mut self) -> Result<Value, Error> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    pub(crate) fn pop_many(&mut self, count: usize) -> Result<Vec<Value>, Error> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        start.map(|start| self.stack.split_off(start)).ok_or_else(|| self.exhausted())
    }

    /// All values above the last mark, and the mark.
    pub(crate) fn pop_mark(&mut self) -> Result<Vec<Value>, Error> {
        let mark = self.marks.pop().ok_or_else(|| self.malformed("no mark", "one"))?;
        // Nothing below a mark is ever popped.
        Ok(self.stack.split_off(mark))
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn exhausted(&self) -> Error {
        self.malformed("nothing on the stack", "a value")
    }

    pub(crate) fn malformed(&self, found: &'static str, expected: &'static str) -> Error {
        Error::Malformed { offset: self.input.opcode_at, found, expected }
    }

    pub(crate) fn refused(&self, refusal: Refusal) -> Error {
        Error::Refused { offset: self.input.opcode_at, refusal }
    }

    fn too_large(&self, limit: usize, unit: &'static str) -> Error {
        Error::TooLarge { offset: self.input.opcode_at, limit: limit as u64, unit }
    }
}
