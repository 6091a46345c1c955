//! Operations of transformers: a token is a pixel of a plane, with its features in the channels.

use kernels::{Activation, Partition, blocked::ConvolutionShape};

use super::{GraphBuilder, Op, Value, parameter};

/// An operation on tokens, or on pixels as if they were tokens. Strings are PyTorch's names.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum TokenOp {
    /// Each pixel less its mean over the channels, over its deviation; `{module}.weight` and `.bias` (C).
    LayerNorm { module: String, epsilon: f64 },
    /// Channels times one number each, (C).
    ScaleChannels { parameter: String },
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
    /// Squares of four pixels as one of four times the channels.
    MergeSquares,
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
}

/// A number for each head and each difference of two places in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct RelativeBias {
    /// The name of the table, ((2 · rows − 1) · (2 · columns − 1), heads).
    pub table: String,
    /// Rows and columns of a window.
    pub window: [usize; 2],
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
            Self::LayerNorm { .. } | Self::ScaleChannels { .. } => Some(plane),
            Self::Attention(attention) => attention.partition.groups(plane).map(|_| plane),
            Self::Prepend { count, .. } => Some([count + pixels, 1]),
            Self::AddPositions { pixels: expected, .. } => (pixels == *expected).then_some(plane),
            Self::Pixel(index) => (*index < pixels).then_some([1, 1]),
            Self::Swap { channels, pixels: expected } => (pixels == *expected).then_some([*channels, 1]),
            Self::MergeSquares => {
                plane.iter().all(|side| side.is_multiple_of(2)).then(|| plane.map(|side| side / 2))
            }
        }
    }

    /// Whether its gradient is computed from what it read.
    pub(crate) fn needs_on_the_way_back(&self) -> bool {
        matches!(self, Self::LayerNorm { .. } | Self::Attention(_))
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

    /// Channels times one number each; the parameter has the shape that its origin gives it.
    pub fn scale_channels(&mut self, x: Value, parameter: &str, shape: &[usize]) -> Value {
        let channels = self.channels(x);
        self.parameters.insert(parameter.to_owned(), shape.to_vec());
        self.token_op(x, TokenOp::ScaleChannels { parameter: parameter.to_owned() }, channels)
    }

    /// Self-attention, from three times its channels.
    pub fn attention(&mut self, qkv: Value, attention: SelfAttention) -> Value {
        let channels = self.channels(qkv) / 3;
        if let Some(bias) = &attention.bias {
            let rows = bias.window.iter().map(|side| 2 * side - 1).product();
            self.parameters.insert(bias.table.clone(), vec![rows, attention.heads]);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand for two columns: the same place has row 1 of the table, its right neighbour row 0, its left row 2.
    #[test]
    fn a_place_right_of_another_comes_later_in_the_table() {
        let bias = RelativeBias { table: String::new(), window: [1, 2] };
        assert_eq!(bias.rows(), [1, 0, 2, 1]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_none() {
        let positions = TokenOp::AddPositions { parameter: String::new(), pixels: 4 };
        assert_eq!([positions.size([2, 2]), positions.size([2, 3])], [Some([2, 2]), None]);
        assert_eq!(TokenOp::MergeSquares.size([4, 3]), None);
        assert_eq!(TokenOp::Pixel(4).size([2, 2]), None);
    }
}
