//! What runs a plan: each engine has its own values, its own operations, and nothing else.

pub(crate) mod candle;
pub(crate) mod cpu;
