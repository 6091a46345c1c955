//! The operations against the naive versions in f64, on every instruction set of this processor. (`device.rs` does it for
//! the devices that a build has.)

#[path = "../common/mod.rs"]
mod common;

mod arrays;
mod bf16;
mod candle_traps;
mod convolutions;
mod curves;
mod joining;
mod lanes;
mod naive;
mod pair;
mod patches;
mod pointwise;
mod pooling;
mod steps;
mod tokens;
