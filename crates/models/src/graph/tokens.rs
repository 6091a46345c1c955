//! Operations of transformers: a token is a pixel of a plane, with its features in the channels.

use std::{collections::BTreeMap, ops::Range};

use kernels::{Activation, Partition, blocked::ConvolutionShape};

use super::{GraphBuilder, Op, Value, parameter};

/// An operation on tokens, or on pixels as if they were tokens. Strings are PyTorch's names.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum TokenOp {
    /// Each pixel less its mean over the channels, over its deviation; `{module}.weight` and `.bias` (C).
    LayerNorm { module: String, epsilon: f64 },
    /// Planes by how large they are among the planes of their image (global response normalisation); `{module}.weight` and `.bias`
    /// (C).
    ResponseNorm { module: String, epsilon: f64 },
    /// Channels times one number each, (C).
    ScaleChannels { parameter: String },
    /// Channels plus one number each, where they have one.
    ShiftChannels(Vec<Shift>),
    /// All values times one number.
    Times { factor: f32 },
    /// For attention by cosines: the queries of each of so many heads, of length e^λ, λ being the head's number, (heads), or ln 100 where
    /// it is more; and keys of length 1.
    UnitVectors { heads: usize, parameter: String },
    /// Self-attention, from queries, keys and values one after the other in the channels.
    Attention(SelfAttention),
    /// Tokens of (1, K, C) in front of the pixels, which become one column.
    Prepend { parameter: String, count: usize },
    /// Plus a number a pixel and channel, (1, pixels, C).
    AddPositions { parameter: String, pixels: usize },
    /// One pixel alone.
    Pixel(usize),
    /// Channels as pixels, and pixels as channels.
    Swap { channels: usize, pixels: usize },
    /// Squares of four pixels as one of four times the channels; odd planes have zeros behind their edge.
    MergeSquares,
    /// Rows and columns of zeros before and behind planes.
    Border { before: [usize; 2], behind: [usize; 2] },
}

/// Self-attention of several heads within groups of tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfAttention {
    /// Heads; each has the same share of the channels.
    pub heads: usize,
    /// Factor of the products of queries and keys.
    pub scale: f32,
    /// Who attends to whom.
    pub partition: Partition,
    /// What is added to the products by where tokens are to each other.
    pub bias: Option<RelativeBias>,
    /// What queries, keys and values of tokens of padding have, where windows reach over the edge: what zeros come to in the layer
    /// before, that is its bias. None where windows must not reach there.
    pub padding: Option<Vec<Shift>>,
}

/// A number for each head and each difference of two places in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct RelativeBias {
    /// Where the numbers are from.
    pub numbers: BiasNumbers,
    /// Rows and columns of a window.
    pub window: [usize; 2],
}

/// Where the numbers of a [`RelativeBias`] are from.
#[derive(Debug, Clone, PartialEq)]
pub enum BiasNumbers {
    /// A table, by its name, ((2 · rows − 1) · (2 · columns − 1), heads).
    Table(String),
    /// A perceptron of the difference (see [`kernels::distance_numbers`]): `{module}.0.weight` (hidden, 2), `{module}.0.bias` (hidden),
    /// `{module}.2.weight` (heads, hidden).
    Perceptron {
        /// PyTorch's name.
        module: String,
        /// Values between its layers.
        hidden: usize,
    },
}

/// Numbers for neighbouring channels.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// The channels.
    pub channels: Range<usize>,
    /// The parameter that has the numbers.
    pub parameter: String,
    /// The first of them there.
    pub first: usize,
}

impl Shift {
    /// A number for each of so many channels, 0 where there is none.
    pub(crate) fn numbers<'a>(all: &[Self], channels: usize, of: impl Fn(&str) -> &'a [f32]) -> Vec<f32> {
        let mut numbers = vec![0.0; channels];
        for Self { channels, parameter, first } in all {
            numbers[channels.clone()].copy_from_slice(&of(parameter)[*first..][..channels.len()]);
        }
        numbers
    }

    /// The gradients of parameters from those of the numbers, given the parameters' sizes.
    pub(crate) fn gradients(
        all: &[Self],
        of_numbers: &[f32],
        size: impl Fn(&str) -> usize,
    ) -> Vec<(String, Vec<f32>)> {
        let mut found: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        for Self { channels, parameter, first } in all {
            let gradient = found.entry(parameter).or_insert_with(|| vec![0.0; size(parameter)]);
            let own = gradient[*first..].iter_mut().zip(&of_numbers[channels.clone()]);
            own.for_each(|(sum, more)| *sum += more);
        }
        found.into_iter().map(|(name, gradient)| (name.to_owned(), gradient)).collect()
    }
}

impl RelativeBias {
    /// For each pair of tokens of a window, the row of the table: of how far the first is below and right of the second.
    pub(crate) fn rows(&self) -> Vec<usize> {
        let [height, width] = self.window;
        let row = |i: usize, j: usize| {
            let down = i / width + height - 1 - j / width;
            let right = i % width + width - 1 - j % width;
            down * (2 * width - 1) + right
        };
        let size = height * width;
        (0..size * size).map(|pair| row(pair / size, pair % size)).collect()
    }
}

impl TokenOp {
    /// Rows and columns of what it computes from planes of a size; none if it does not fit there.
    pub(crate) fn size(&self, plane: [usize; 2]) -> Option<[usize; 2]> {
        let pixels = plane[0] * plane[1];
        match self {
            Self::LayerNorm { .. } | Self::ResponseNorm { .. } | Self::UnitVectors { .. } => Some(plane),
            Self::ScaleChannels { .. } | Self::ShiftChannels(_) | Self::Times { .. } => Some(plane),
            Self::Attention(attention) => attention.partition.groups(plane).map(|_| plane),
            Self::Prepend { count, .. } => Some([count + pixels, 1]),
            Self::AddPositions { pixels: expected, .. } => (pixels == *expected).then_some(plane),
            Self::Pixel(index) => (*index < pixels).then_some([1, 1]),
            Self::Swap { channels, pixels: expected } => (pixels == *expected).then_some([*channels, 1]),
            Self::MergeSquares => Some(plane.map(|side| side.div_ceil(2))),
            Self::Border { before, behind } => {
                Some([0, 1].map(|axis| before[axis] + plane[axis] + behind[axis]))
            }
        }
    }

    /// Whether its gradient is computed from what it read.
    pub(crate) fn needs_on_the_way_back(&self) -> bool {
        matches!(
            self,
            Self::LayerNorm { .. }
                | Self::ResponseNorm { .. }
                | Self::UnitVectors { .. }
                | Self::Attention(_)
        )
    }
}

impl GraphBuilder {
    /// Normalises each pixel over its channels.
    pub fn layer_norm(&mut self, x: Value, module: &str, epsilon: f64) -> Value {
        let channels = self.channels(x);
        for name in ["weight", "bias"] {
            self.parameters.insert(parameter(module, name), vec![channels]);
        }
        self.token_op(x, TokenOp::LayerNorm { module: module.to_owned(), epsilon }, channels)
    }

    /// A linear layer on each pixel's channels.
    pub fn linear_of_pixels(&mut self, x: Value, module: &str, out: usize, bias: bool) -> Value {
        let inputs = self.channels(x);
        let shape = ConvolutionShape::same([inputs, out], 1, 1);
        let y = self.convolution(x, module, shape, bias, Activation::None);
        self.parameters.insert(parameter(module, "weight"), vec![out, inputs]);
        y
    }

    /// Normalises each plane by the size of all of its image.
    pub fn response_norm(&mut self, x: Value, module: &str, epsilon: f64) -> Value {
        let channels = self.channels(x);
        for name in ["weight", "bias"] {
            self.parameters.insert(parameter(module, name), vec![channels]);
        }
        self.token_op(x, TokenOp::ResponseNorm { module: module.to_owned(), epsilon }, channels)
    }

    /// Neighbouring channels plus one number each; parameters are as large as their numbers.
    pub fn shift_channels(&mut self, x: Value, shifts: &[Shift]) -> Value {
        for Shift { parameter, first, channels } in shifts {
            let size = &mut self.parameters.entry(parameter.clone()).or_insert_with(|| vec![0])[0];
            *size = (*size).max(first + channels.len());
        }
        self.token_op(x, TokenOp::ShiftChannels(shifts.to_vec()), self.channels(x))
    }

    /// All values times one number.
    pub fn times(&mut self, x: Value, factor: f32) -> Value {
        let channels = self.channels(x);
        self.token_op(x, TokenOp::Times { factor }, channels)
    }

    /// Queries and keys, the first two thirds of the channels, of given lengths; the parameter has the shape (heads, 1, 1).
    pub fn unit_vectors(&mut self, qkv: Value, heads: usize, parameter: &str) -> Value {
        let channels = self.channels(qkv);
        self.parameters.insert(parameter.to_owned(), vec![heads, 1, 1]);
        self.token_op(qkv, TokenOp::UnitVectors { heads, parameter: parameter.to_owned() }, channels)
    }

    /// Rows and columns of zeros around planes.
    pub fn border(&mut self, x: Value, before: [usize; 2], behind: [usize; 2]) -> Value {
        let channels = self.channels(x);
        self.token_op(x, TokenOp::Border { before, behind }, channels)
    }

    /// Channels times one number each; the parameter has the shape that its origin gives it.
    pub fn scale_channels(&mut self, x: Value, parameter: &str, shape: &[usize]) -> Value {
        let channels = self.channels(x);
        self.parameters.insert(parameter.to_owned(), shape.to_vec());
        self.token_op(x, TokenOp::ScaleChannels { parameter: parameter.to_owned() }, channels)
    }

    /// Self-attention, from three times its channels.
    pub fn attention(&mut self, qkv: Value, attention: SelfAttention) -> Value {
        let channels = self.channels(qkv) / 3;
        let heads = attention.heads;
        match attention.bias.as_ref().map(|bias| (&bias.numbers, bias.window)) {
            None => {}
            Some((BiasNumbers::Table(table), window)) => {
                let rows = window.iter().map(|side| 2 * side - 1).product();
                self.parameters.insert(table.clone(), vec![rows, heads]);
            }
            Some((BiasNumbers::Perceptron { module, hidden }, _)) => {
                let shapes = [vec![*hidden, 2], vec![*hidden], vec![heads, *hidden]];
                self.parameters.extend(perceptron(module).into_iter().zip(shapes));
            }
        }
        self.token_op(qkv, TokenOp::Attention(attention), channels)
    }

    /// Learned tokens in front.
    pub fn prepend_tokens(&mut self, x: Value, parameter: &str, count: usize) -> Value {
        let channels = self.channels(x);
        self.parameters.insert(parameter.to_owned(), vec![1, count, channels]);
        self.token_op(x, TokenOp::Prepend { parameter: parameter.to_owned(), count }, channels)
    }

    /// A learned number for each place and channel.
    pub fn add_positions(&mut self, x: Value, parameter: &str, pixels: usize) -> Value {
        let channels = self.channels(x);
        self.parameters.insert(parameter.to_owned(), vec![1, pixels, channels]);
        self.token_op(x, TokenOp::AddPositions { parameter: parameter.to_owned(), pixels }, channels)
    }

    /// One pixel alone.
    pub fn pixel(&mut self, x: Value, index: usize) -> Value {
        let channels = self.channels(x);
        self.token_op(x, TokenOp::Pixel(index), channels)
    }

    /// Channels as pixels, of which there are so many.
    pub fn swap(&mut self, x: Value, pixels: usize) -> Value {
        let channels = self.channels(x);
        self.token_op(x, TokenOp::Swap { channels, pixels }, pixels)
    }

    /// Squares of four pixels as one.
    pub fn merge_squares(&mut self, x: Value) -> Value {
        let channels = 4 * self.channels(x);
        self.token_op(x, TokenOp::MergeSquares, channels)
    }

    fn token_op(&mut self, x: Value, op: TokenOp, channels: usize) -> Value {
        self.push(Op::Tokens(op), &[x], channels)
    }
}

/// The names of the parts of a perceptron that has no bias at its end.
pub(crate) fn perceptron(module: &str) -> [String; 3] {
    ["0.weight", "0.bias", "2.weight"].map(|name| parameter(module, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand for two columns: the same place has row 1 of the table, its right neighbour row 0, its left row 2.
    #[test]
    fn a_place_right_of_another_comes_later_in_the_table() {
        let bias = RelativeBias { numbers: BiasNumbers::Table(String::new()), window: [1, 2] };
        assert_eq!(bias.rows(), [1, 0, 2, 1]);
    }

    #[test]
    fn channels_without_a_number_have_none() {
        let shift = |channels: Range<usize>, first| Shift { channels, parameter: "b".to_owned(), first };
        let both = [shift(0..1, 0), shift(2..4, 1)];
        assert_eq!(Shift::numbers(&both, 5, |_| &[1.0, 2.0, 3.0]), [1.0, 0.0, 2.0, 3.0, 0.0]);
        let gradients = Shift::gradients(&both, &[1.0, 2.0, 3.0, 4.0, 5.0], |_| 3);
        assert_eq!(gradients, [("b".to_owned(), vec![1.0, 3.0, 4.0])]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_none() {
        let positions = TokenOp::AddPositions { parameter: String::new(), pixels: 4 };
        assert_eq!([positions.size([2, 2]), positions.size([2, 3])], [Some([2, 2]), None]);
        assert_eq!(TokenOp::MergeSquares.size([4, 3]), Some([2, 2]));
        assert_eq!(TokenOp::Pixel(4).size([2, 2]), None);
    }
}
