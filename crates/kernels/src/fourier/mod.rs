//! Large kernels in the frequency domain, forward and backward.
//!
//! A direct 7×7 convolution costs 49 products a value; a transform of 36×36 values costs about ten, and a product of spectra
//! one more. What is transformed together are always sixteen planes, one a lane, so that no step shuffles anything; real
//! planes go in pairs, as real and imaginary part of one complex plane: real kernels leave them apart.

mod grid;
mod group;
mod line;
mod pair;
mod passes;
mod radix;
mod taps;

pub use pair::{ConvolutionPair, PairGradients, PairParameters, PairShape};
