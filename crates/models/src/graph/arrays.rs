//! Operations on arrays of any shape, for networks that other programs wrote down: each image's value is one array, of a shape that is
//! known when the graph is built.

use std::sync::Arc;

use kernels::{Axis, Binary, Reduction, Sparse, Unary, View};

use super::{GraphBuilder, Op, Value};

/// An operation on the elements of values. Views and places count the elements of an image's value channel by channel, row by row.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum ArrayOp {
    /// The same elements as planes of another size.
    Relabel,
    /// The numbers of a parameter, the same for all images.
    Constant { parameter: String },
    /// The elements of a view.
    Copy(View),
    /// Of the inputs one after the other, the elements at these places; `filler` where a place is `u32::MAX`.
    Pick { places: Arc<[u32]>, filler: f32 },
    /// A function of each element.
    Unary(Unary),
    /// A function of pairs of elements of two views. One of them may be of a parameter, which is no input then.
    Binary { function: Binary, views: [View; 2], parameter: Option<(Side, String)> },
    /// The elements along an axis become one.
    Reduce { axis: Axis, reduction: Reduction },
    /// eˣ / Σ eˣ along an axis, or the logarithm of that.
    Softmax { axis: Axis, log: bool },
    /// Products of the matrices in the last two axes of two views.
    Products([View; 2]),
    /// A sparse map of each of the parts that follow each other.
    Transform(Arc<Sparse>),
}

/// One of two arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first.
    First,
    /// The second.
    Second,
}

impl ArrayOp {
    /// Which of its inputs its gradient is computed from.
    pub(crate) fn needs_on_the_way_back(&self) -> &'static [usize] {
        match self {
            Self::Unary(_) | Self::Softmax { .. } => &[0],
            Self::Reduce { reduction: Reduction::Max | Reduction::Min | Reduction::FirstMax, .. } => &[0],
            Self::Binary { function: Binary::Add | Binary::Subtract, .. } => &[],
            Self::Binary { parameter: Some(_), .. } => &[0],
            Self::Binary { parameter: None, .. } | Self::Products(_) => &[0, 1],
            _ => &[],
        }
    }
}

impl GraphBuilder {
    /// An operation on arrays, whose result is planes of this size: channels, rows, columns.
    pub fn array(&mut self, op: ArrayOp, inputs: &[Value], size: [usize; 3]) -> Value {
        self.push(Op::Array { op, size }, inputs, size[0])
    }

    /// Numbers that are the same for all images, under a name of their own.
    pub fn constant(&mut self, name: &str, size: [usize; 3]) -> Value {
        self.number(name, &size);
        self.array(ArrayOp::Constant { parameter: name.to_owned() }, &[], size)
    }

    /// Declares numbers that operations read by name and that are not learned.
    pub fn number(&mut self, name: &str, shape: &[usize]) {
        self.buffers.insert(name.to_owned(), shape.to_vec());
    }
}
