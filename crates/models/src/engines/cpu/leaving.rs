//! What the steps of a backward pass leave of the gradients of their parameters.

use kernels::blocked::{BlockSums, Convolution, WeightSums};

/// Gradients of parameters by PyTorch's names.
pub(super) type Named = Vec<(String, Vec<f32>)>;

/// Gradients that come out of sums over the whole batch.
type OfSums<'a> = Box<dyn FnOnce(&BlockSums) -> Named + 'a>;

/// What a step leaves of the gradients of its parameters.
pub(super) enum Leaving<'a> {
    /// They are there.
    Whole(Named),
    /// Sums of the blocks that are here, and what is made of those of all.
    Sums(BlockSums, OfSums<'a>),
    /// The same of sums that each process has one of.
    OneEach(BlockSums, OfSums<'a>),
    /// Sums over parts of the batch, of the parts that each process has as many of as said.
    Parts { name: String, convolution: &'a Convolution, own: Vec<WeightSums>, counts: Vec<usize> },
    /// Some rows of the gradient; how many numbers each process has of them.
    Rows { name: String, own: Vec<f32>, counts: Vec<usize> },
}

impl<'a> Leaving<'a> {
    /// Gradients that are made of sums.
    pub(super) fn sums(sums: BlockSums, made: impl FnOnce(&BlockSums) -> Named + 'a) -> Self {
        Self::Sums(sums, Box::new(made))
    }

    /// The gradient of one parameter.
    pub(super) fn one(name: String, gradient: Vec<f32>) -> Self {
        Self::Whole(vec![(name, gradient)])
    }
}
