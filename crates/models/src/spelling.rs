//! What programs call the weights of one network.

mod timm;

use std::fmt;

pub(crate) use timm::{
    convnext, efficientnet, mobilenet_v2, mobilenet_v3, regnet, same, swin, swin_v2, vgg, vit,
};

use crate::graph::{BiasNumbers, Graph, Op, Shapes, TokenOp};

/// Another name of a weight; none for one that is not there.
pub(crate) type Spelling = fn(&str) -> Option<String>;

/// A program whose names weights may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// torchvision.
    Torchvision,
    /// timm (PyTorch image models).
    Timm,
}

impl fmt::Display for Program {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
        })
    }
}

impl Graph {
    /// The same network with other names.
    ///
    /// # Panics
    /// If the spelling lacks one of its weights.
    pub(crate) fn respelled(mut self, spelling: Spelling) -> Self {
        let spell = |name: &str| spelling(name).unwrap_or_else(|| panic!("a spelling of `{name}`"));
        let module = |name: &mut String| {
            let weight = spell(&format!("{name}.weight"));
            *name = weight.strip_suffix(".weight").expect("a module's weight").to_owned();
        };
        for node in &mut self.nodes {
            match &mut node.op {
                Op::Convolution { module: name, .. }
                | Op::BatchNorm { module: name, .. }
                | Op::Linear { module: name, .. }
                | Op::Tokens(
                    TokenOp::LayerNorm { module: name, .. } | TokenOp::ResponseNorm { module: name, .. },
                ) => {
                    module(name);
                }
                Op::Tokens(op) => parameters(op).into_iter().for_each(|name| *name = spell(name)),
                _ => {}
            }
        }
        let all = |shapes: Shapes| shapes.into_iter().map(|(name, shape)| (spell(&name), shape)).collect();
        Self { parameters: all(self.parameters), buffers: all(self.buffers), ..self }
    }
}

/// The parameters that an operation names one by one.
fn parameters(op: &mut TokenOp) -> Vec<&mut String> {
    match op {
        TokenOp::ScaleChannels { parameter }
        | TokenOp::UnitVectors { parameter, .. }
        | TokenOp::Prepend { parameter, .. }
        | TokenOp::AddPositions { parameter, .. } => vec![parameter],
        TokenOp::ShiftChannels(shifts) => shifts.iter_mut().map(|shift| &mut shift.parameter).collect(),
        TokenOp::Attention(attention) => {
            let shifts = attention.padding.iter_mut().flatten().map(|shift| &mut shift.parameter);
            let numbers = attention.bias.as_mut().map(|bias| &mut bias.numbers);
            let table = numbers.map(|numbers| match numbers {
                BiasNumbers::Table(name) | BiasNumbers::Perceptron { module: name, .. } => name,
            });
            shifts.chain(table).collect()
        }
        _ => Vec::new(),
    }
}
