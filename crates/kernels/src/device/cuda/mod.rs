//! The operations through cuDNN, and copies to the device.
// Foreign functions, each call with its reason.
#![allow(unsafe_code)]

mod blend;
pub(super) mod convolution;
mod descriptors;
mod error;
mod gate;
#[cfg(feature = "nccl")]
mod group;
mod handles;
mod memory;
mod norm;
mod operation;
mod plan;
mod pooling;
mod uploads;

pub(super) use blend::blend;
pub(super) use gate::relu_gradient;
#[cfg(feature = "nccl")]
pub use group::GpuGroup;
pub(super) use norm::{batch_norm, batch_norm_gradient};
pub(super) use pooling::{max_pool, max_pool_gradient};
pub(super) use uploads::Uploads;
