//! A node as operations see it: its attributes and inputs.

use crate::{
    numbers::Numbers,
    problem::{Problem, Result, short},
    proto,
    value::{Origin, Value},
};

/// The outputs of a node.
pub(crate) type Outputs = Result<Vec<Value>>;

/// A node with its inputs.
pub(crate) struct Call<'a> {
    pub(crate) node: &'a proto::Node,
    /// The version of the operations.
    pub(crate) opset: i64,
    /// None where an optional one is left out.
    pub(crate) inputs: Vec<Option<Value>>,
    /// By input: whether this node alone reads it.
    pub(crate) inputs_read_once: Vec<bool>,
}

impl Call<'_> {
    pub(crate) fn operation(&self) -> &str {
        &self.node.op_type
    }

    fn attribute(&self, name: &str) -> Option<&proto::Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    pub(crate) fn int_or(&self, name: &str, usual: i64) -> i64 {
        self.int(name).unwrap_or(usual)
    }

    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.int_or(name, 0) != 0
    }

    pub(crate) fn float_or(&self, name: &str, usual: f32) -> f32 {
        self.attribute(name).and_then(|attribute| attribute.f).unwrap_or(usual)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let bytes = self.attribute(name)?.s.as_ref()?;
        Some(short(&String::from_utf8_lossy(bytes)))
    }

    pub(crate) fn text_or(&self, name: &str, usual: &str) -> String {
        self.text(name).unwrap_or_else(|| usual.to_owned())
    }

    pub(crate) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|attribute| attribute.ints.clone())
    }

    pub(crate) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        self.attribute(name).map(|attribute| attribute.floats.clone())
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&proto::Tensor> {
        self.attribute(name)?.t.as_ref()
    }

    /// How many outputs are named.
    pub(crate) fn outputs(&self) -> usize {
        self.node.output.len()
    }

    pub(crate) fn optional(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index)?.as_ref()
    }

    pub(crate) fn input(&self, index: usize) -> Result<&Value> {
        self.optional(index).ok_or_else(|| Problem::wrong(format!("input {index} is missing")))
    }

    /// The first input as the output. What it is known to be holds for both only where nothing else reads it.
    pub(crate) fn itself(&self) -> Result<Value> {
        let x = self.input(0)?.clone();
        let is_alone = self.inputs_read_once.first() == Some(&true);
        Ok(if is_alone || matches!(x.origin, Some(Origin::Pixels { .. })) {
            x
        } else {
            Value { origin: None, ..x }
        })
    }

    /// Numbers that must be known when the graph is read.
    pub(crate) fn known(&self, index: usize) -> Result<Numbers> {
        let value = self.input(index)?;
        value.numbers().ok_or_else(|| {
            Problem::wrong(format!("input {index} depends on the pixels, expected numbers that do not"))
        })
    }

    /// Whole numbers of an attribute, or of the input that newer versions have in its place.
    pub(crate) fn ints_of(&self, attribute: &str, input: usize) -> Result<Option<Vec<i64>>> {
        if let Some(found) = self.ints(attribute) {
            return Ok(Some(found));
        }
        match self.optional(input) {
            Some(_) => Ok(Some(self.known(input)?.as_ints().to_vec())),
            None => Ok(None),
        }
    }
}
