//! Whole workflows through the built programs, and what they refuse. One test binary: each links all of the product.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod adversary;
mod cifar;
mod class_map;
mod devices;
mod evaluate;
mod folder;
mod golden_checkpoint;
mod hars;
mod inspect;
mod launched;
mod live;
mod measure;
#[cfg(feature = "mpi")]
mod mpi;
mod onnx;
mod other_images;
mod plans;
mod ranks;
mod recipes;
mod refusals;
mod reliability;
mod reproduce;
mod support;
mod toy;
mod workflow;
