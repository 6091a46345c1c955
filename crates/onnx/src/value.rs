//! Values of a graph while it is read: numbers that are known, or what the network computes of an image.
//!
//! Each image is run by itself, as a batch of one: shapes are numbers, and a value of the network is an array of an image's own.

use models::View;

use crate::{
    numbers::Numbers,
    problem::{Problem, Result},
};

/// A value, and how its elements are read.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) source: Source,
    pub(crate) view: View,
    /// What it is known to be, for operations that come to a single one.
    pub(crate) origin: Option<Origin>,
}

/// Where elements are from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Numbers.
    Known(Numbers),
    /// What the network computes: planes of channels, rows and columns.
    Live(Live),
}

/// A value of the network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live {
    pub(crate) value: models::Value,
    pub(crate) planes: [usize; 3],
}

impl Live {
    pub(crate) fn len(self) -> usize {
        self.planes.iter().product()
    }
}

/// What a value is, where the operation after it can be one with it.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// A convolution of these planes, by the name of its weights; with or without bias.
    Convolution {
        x: models::Value,
        module: String,
        shape: models::ConvolutionShape,
        bias: bool,
    },
    /// A batch-norm of these planes, with its ε.
    BatchNorm {
        x: models::Value,
        module: String,
        epsilon: f64,
    },
    /// A sum whose first summand is one of the two above.
    Sum {
        x: models::Value,
        y: models::Value,
    },
    /// The pixels of each channel times a factor plus a number, by the images' channels; `order` says where each of its own is among them.
    Pixels {
        factor: [f64; 3],
        added: [f64; 3],
        order: [usize; 3],
    },
    /// The sigmoid of a value.
    Sigmoid(Box<Value>),
    /// x / √2.
    OverRootOfTwo(Box<Value>),
    /// erf(x / √2), and the same + 1.
    Erf(Box<Value>),
    ErfPlusOne(Box<Value>),
    /// x / 2.
    Half(Box<Value>),
    /// (erf(x / √2) + 1) / 2.
    Normal(Box<Value>),
    /// x · (erf(x / √2) + 1).
    TwiceGelu(Box<Value>),
    /// What softmax was made of, with its axis.
    Softmax(Box<Value>),
}

impl Value {
    pub(crate) fn known(shape: &[usize], numbers: Numbers) -> Self {
        Self { source: Source::Known(numbers), view: View::rows(shape), origin: None }
    }

    /// Whole numbers in a row.
    pub(crate) fn row(values: Vec<i64>) -> Self {
        Self::known(&[values.len()], Numbers::ints(values))
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.view.shape
    }

    pub(crate) fn count(&self) -> usize {
        self.view.count()
    }

    pub(crate) fn live(&self) -> Option<Live> {
        if let Source::Live(live) = &self.source { Some(*live) } else { None }
    }

    pub(crate) fn is_known(&self) -> bool {
        matches!(self.source, Source::Known(_))
    }

    /// Its numbers row by row, if they are known.
    pub(crate) fn numbers(&self) -> Option<Numbers> {
        let Source::Known(numbers) = &self.source else { return None };
        if self.view.is_plain(numbers.len()) {
            return Some(numbers.clone());
        }
        Some(numbers.at(&self.view.places()))
    }

    /// The single number that it is, if it is one and known.
    pub(crate) fn single(&self) -> Option<f32> {
        let Source::Known(numbers) = &self.source else { return None };
        let is_one = self.count() == 1
            || self.view.strides.iter().zip(self.shape()).all(|(&stride, &size)| stride == 0 || size == 1);
        (is_one && self.count() > 0).then(|| numbers.at(&[self.view.offset as u32]).as_floats()[0])
    }

    /// The same without what it is known to be, to be a part of another.
    pub(crate) fn bare(&self) -> Box<Self> {
        Box::new(Self { origin: None, ..self.clone() })
    }

    /// The same elements, read another way.
    pub(crate) fn through(&self, view: View) -> Self {
        Self { source: self.source.clone(), view, origin: None }
    }

    /// Its axis by a number that may count from behind.
    pub(crate) fn axis(&self, axis: i64) -> Result<usize> {
        axis_of(axis, self.shape().len())
    }

    /// Whether each element of the source is read exactly once.
    pub(crate) fn is_whole(&self) -> bool {
        let len = match &self.source {
            Source::Known(numbers) => numbers.len(),
            Source::Live(live) => live.len(),
        };
        self.view.inverse(len).is_some()
    }

    /// The axes in the order in which the elements lie, those farthest apart first.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut axes: Vec<usize> = (0..self.shape().len()).collect();
        axes.sort_by_key(|&axis| {
            let is_one = self.shape()[axis] == 1;
            std::cmp::Reverse(if is_one { isize::MAX } else { self.view.strides[axis].abs() })
        });
        axes
    }
}

/// An axis of so many by a number that may count from behind.
pub(crate) fn axis_of(axis: i64, axes: usize) -> Result<usize> {
    let from_front = if axis < 0 { axis + axes as i64 } else { axis };
    let found = usize::try_from(from_front).ok().filter(|&axis| axis < axes);
    found.ok_or_else(|| Problem::wrong(format!("axis {axis} of {axes}")))
}

/// A view with its axes in another order.
pub(crate) fn permuted(view: &View, order: &[usize]) -> View {
    View {
        shape: order.iter().map(|&axis| view.shape[axis]).collect(),
        strides: order.iter().map(|&axis| view.strides[axis]).collect(),
        offset: view.offset,
    }
}

/// The view of an array of this shape whose elements lie with the axes in this order.
pub(crate) fn laid_out(shape: &[usize], order: &[usize]) -> View {
    let lying = View::rows(&order.iter().map(|&axis| shape[axis]).collect::<Vec<_>>());
    let mut strides = vec![0; shape.len()];
    order.iter().zip(&lying.strides).for_each(|(&axis, &stride)| strides[axis] = stride);
    View { shape: shape.to_vec(), strides, offset: 0 }
}

/// The same elements row by row in another shape, if that can be read without moving any.
pub(crate) fn reshaped(view: &View, shape: &[usize]) -> Option<View> {
    // Axes that lie as one, from the front.
    let mut parts: Vec<(usize, isize)> = Vec::new();
    for (&size, &stride) in view.shape.iter().zip(&view.strides).filter(|(size, _)| **size != 1) {
        match parts.last_mut() {
            Some((all, step)) if *step == stride * size as isize => {
                *all *= size;
                *step = stride;
            }
            _ => parts.push((size, stride)),
        }
    }
    let mut strides = vec![0; shape.len()];
    let mut part = parts.pop();
    for (axis, &size) in shape.iter().enumerate().rev().filter(|(_, size)| **size != 1) {
        let (left, stride) = part?;
        if left % size != 0 {
            return None;
        }
        strides[axis] = stride;
        let rest = left / size;
        part = if rest == 1 { parts.pop() } else { Some((rest, stride * size as isize)) };
    }
    part.is_none().then(|| View { shape: shape.to_vec(), strides, offset: view.offset })
}

/// The shape that two shapes come to by repeating axes of one element.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let axes = a.len().max(b.len());
    let size =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(axes).map_or(1, |axis| shape[axis]);
    let both = |axis: usize| match (size(a, axis), size(b, axis)) {
        (a, b) if a == b || b == 1 => Ok(a),
        (1, b) => Ok(b),
        _ => Err(Problem::wrong(format!("shapes {a:?} and {b:?}, which do not fit each other"))),
    };
    (0..axes).map(both).collect()
}

/// A view whose axes of one element are repeated to a shape.
pub(crate) fn expanded(view: &View, shape: &[usize]) -> Result<View> {
    let new = shape.len().checked_sub(view.shape.len());
    let new = new.ok_or_else(|| Problem::wrong(format!("{:?} expanded to {shape:?}", view.shape)))?;
    let mut strides = vec![0; shape.len()];
    for (axis, (&size, &stride)) in view.shape.iter().zip(&view.strides).enumerate() {
        if size == shape[new + axis] {
            strides[new + axis] = stride;
        } else if size != 1 {
            return Err(Problem::wrong(format!("{:?} expanded to {shape:?}", view.shape)));
        }
    }
    Ok(View { shape: shape.to_vec(), strides, offset: view.offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reshape_moves_nothing_where_axes_lie_as_one() {
        let rows = View::rows(&[4, 6]);
        assert_eq!(reshaped(&rows, &[2, 2, 1, 6]).map(|view| view.strides), Some(vec![12, 6, 0, 1]));
        let columns = rows.transposed(); // (6, 4)
        assert_eq!(reshaped(&columns, &[2, 3, 4]).map(|view| view.strides), Some(vec![3, 1, 6]));
        assert_eq!(reshaped(&columns, &[24]), None);
        assert_eq!(reshaped(&View::rows(&[]), &[1, 1]).map(|view| view.strides), Some(vec![0, 0]));
    }
}
