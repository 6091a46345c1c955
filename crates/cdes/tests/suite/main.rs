//! Toy kernels and their fits. One test binary: each links the whole crate.

mod fit;
mod golden;
mod kernels;
