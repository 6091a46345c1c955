//! Runs a plan forward and backward on the CPU, in the blocked layout of [`kernels::blocked`].
//!
//! Images are converted once on the way in and once on the way out. A pass keeps what its gradient needs and nothing
//! else: bits of ReLU for the gradient of the pixels, activations too for the gradient of the parameters. Buffers go
//! back to an arena and serve the next layer and the next step.

mod arrays;
mod backward;
mod engine;
mod forward;
mod late;
mod leaving;
mod network;
mod shared;
mod tape;
mod tokens;

pub(crate) use network::CpuNetwork;
