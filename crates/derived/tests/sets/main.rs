//! Whole data sets made of a small one: what is in them, what is rejected, and the same bytes again.

mod common;
mod hybrids;
mod kernels;
mod ranks;
