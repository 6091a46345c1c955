//! The gradient through ReLU.

use std::ptr::from_ref;

use candle_core::{
    CudaStorage, Result, Tensor,
    backend::BackendStorage,
    cuda_backend::cudarc::{
        cudnn::sys,
        driver::{DevicePtr, DevicePtrMut},
    },
};

use super::{
    descriptors::{ReluDescriptor, TensorDescriptor},
    error::failed,
    handles::handles,
    memory::{result_of, view},
    operation::{Argument, Given, OnCuda},
};

/// See [`relu_gradient`](crate::device::relu_gradient).
pub(in crate::device) fn relu_gradient(y: &Tensor, g: &Tensor) -> Result<Tensor> {
    if y.shape() != g.shape() {
        candle_core::bail!("relu-gradient: a gradient {:?} of values {:?}", g.dims(), y.dims());
    }
    y.contiguous()?.apply_op2_no_bwd(&g.contiguous()?, &OnCuda { name: "relu-gradient", run })
}

fn run([y, g]: [Argument<'_>; 2]) -> Given {
    let layout = y.1;
    let device = y.0.device().clone();
    let (handles, stream) = (handles(&device)?, device.cuda_stream());
    let dims = layout.shape().dims4()?;
    let (tensor, relu) = (TensorDescriptor::of(dims.into())?, ReluDescriptor::new()?);
    let (y, g) = (view::<f32>(y)?, view::<f32>(g)?);
    let mut out = result_of::<f32>(&device, layout.shape().elem_count())?;
    let (one, zero) = (1f32, 0f32);
    {
        let ((y, _reads_y), (g, _reads_g)) = (y.device_ptr(&stream), g.device_ptr(&stream));
        let (dx, _writes) = out.device_ptr_mut(&stream);
        // SAFETY: y, g and the result are contiguous f32 of the size in the descriptor. ReLU's gradient asks for the sign
        // of x alone, which is that of y.
        unsafe {
            sys::cudnnActivationBackward(
                handles.plain.0,
                relu.0,
                from_ref(&one).cast(),
                tensor.0,
                y as *const _,
                tensor.0,
                g as *const _,
                tensor.0,
                y as *const _,
                from_ref(&zero).cast(),
                tensor.0,
                dx as *mut _,
            )
        }
        .result()
        .map_err(failed)?;
    }
    Ok((CudaStorage::wrap_cuda_slice(out, device), layout.shape().clone()))
}
