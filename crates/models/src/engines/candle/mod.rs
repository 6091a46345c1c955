//! Runs a plan forward and backward with candle's tensors and the operations of [`kernels::device`], on the device that the
//! weights are on.
//!
//! Each value is a tensor (N, C, H, W). The backward pass is written out, step by step: candle's autograd would keep every
//! intermediate value and compute gradients that nobody asked for.

mod arrays;
mod backward;
mod engine;
mod forward;
mod network;
mod shared;
mod tape;
mod tokens;

pub(crate) use network::CandleNetwork;
