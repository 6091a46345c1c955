//! What cuDNN is told of tensors and operations, freed when it is no longer needed.

use std::{ffi::c_int, ptr::null_mut};

use candle_core::{
    Result,
    cuda_backend::cudarc::cudnn::{result, sys},
};

use super::error::failed;
use crate::Pool2d;

/// A tensor (N, C, H, W) of f32, contiguous.
pub(super) struct TensorDescriptor(pub(super) sys::cudnnTensorDescriptor_t);

impl TensorDescriptor {
    pub(super) fn of(dims: [usize; 4]) -> Result<Self> {
        let sizes = integers(dims)?;
        let descriptor = Self(result::create_tensor_descriptor().map_err(failed)?);
        let format = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW;
        let values = sys::cudnnDataType_t::CUDNN_DATA_FLOAT;
        // SAFETY: the descriptor was made just now.
        unsafe { result::set_tensor4d_descriptor(descriptor.0, format, values, sizes) }.map_err(failed)?;
        Ok(descriptor)
    }
}

impl Drop for TensorDescriptor {
    fn drop(&mut self) {
        // SAFETY: made by `of` and destroyed only here. There is nobody to tell of a failure.
        let _ = unsafe { result::destroy_tensor_descriptor(self.0) };
    }
}

/// ReLU.
pub(super) struct ReluDescriptor(pub(super) sys::cudnnActivationDescriptor_t);

impl ReluDescriptor {
    pub(super) fn new() -> Result<Self> {
        let descriptor = Self(result::create_activation_descriptor().map_err(failed)?);
        let (mode, nan) = (
            sys::cudnnActivationMode_t::CUDNN_ACTIVATION_RELU,
            sys::cudnnNanPropagation_t::CUDNN_PROPAGATE_NAN,
        );
        // SAFETY: the descriptor was made just now.
        unsafe { result::set_activation_descriptor(descriptor.0, mode, nan, 0.0) }.map_err(failed)?;
        Ok(descriptor)
    }
}

impl Drop for ReluDescriptor {
    fn drop(&mut self) {
        // SAFETY: as for tensors.
        let _ = unsafe { sys::cudnnDestroyActivationDescriptor(self.0) };
    }
}

/// A maximum over windows, whose gradient is the same bits each time.
pub(super) struct MaxPoolDescriptor(pub(super) sys::cudnnPoolingDescriptor_t);

impl MaxPoolDescriptor {
    pub(super) fn of(window: Pool2d) -> Result<Self> {
        let (kernel, padding, stride) =
            (integer(window.kernel)?, integer(window.padding)?, integer(window.stride)?);
        let mut raw = null_mut();
        // SAFETY: `raw` takes the descriptor that is made.
        unsafe { sys::cudnnCreatePoolingDescriptor(&mut raw) }.result().map_err(failed)?;
        let descriptor = Self(raw);
        let mode = sys::cudnnPoolingMode_t::CUDNN_POOLING_MAX_DETERMINISTIC;
        let nan = sys::cudnnNanPropagation_t::CUDNN_PROPAGATE_NAN;
        // SAFETY: the descriptor was made just now; each slice has a number for both of the dimensions told.
        unsafe {
            result::set_pooling_descriptor(
                descriptor.0,
                mode,
                nan,
                2,
                &[kernel; 2],
                &[padding; 2],
                &[stride; 2],
            )
        }
        .map_err(failed)?;
        Ok(descriptor)
    }
}

impl Drop for MaxPoolDescriptor {
    fn drop(&mut self) {
        // SAFETY: as for tensors.
        let _ = unsafe { sys::cudnnDestroyPoolingDescriptor(self.0) };
    }
}

/// A size as cuDNN takes it.
pub(super) fn integer(size: usize) -> Result<c_int> {
    c_int::try_from(size)
        .map_err(|_| candle_core::Error::Msg(format!("a side of {size} is too long for cuDNN")))
}

/// Four sizes as cuDNN takes them.
pub(super) fn integers([images, channels, height, width]: [usize; 4]) -> Result<[c_int; 4]> {
    Ok([integer(images)?, integer(channels)?, integer(height)?, integer(width)?])
}
