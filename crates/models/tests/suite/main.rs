//! Networks against PyTorch, its files, and the original code. One test binary: each links the whole crate; what GPUs run has its own.

#[macro_use]
#[path = "../common/backends.rs"]
mod backends;
#[path = "../common/networks.rs"]
mod networks;

mod architectures;
mod candle;
mod golden;
mod golden_training;
mod head;
mod sharing;
