//! The maximum over windows.

use std::ptr::from_ref;

use candle_core::{
    CudaStorage, Result, Shape, Tensor,
    backend::BackendStorage,
    cuda_backend::cudarc::{
        cudnn::sys,
        driver::{DevicePtr, DevicePtrMut},
    },
};

use super::{
    descriptors::{MaxPoolDescriptor, TensorDescriptor},
    error::failed,
    handles::handles,
    memory::{result_of, view},
    operation::{Argument, Given, OnCuda},
};
use crate::Pool2d;

/// See [`max_pool`](crate::device::max_pool); `out` are the rows and columns of windows.
pub(in crate::device) fn max_pool(x: &Tensor, window: Pool2d, out: [usize; 2]) -> Result<Tensor> {
    let run = |[x]: [Argument<'_>; 1]| forward(x, window, out);
    x.contiguous()?.apply_op1_no_bwd(&OnCuda { name: "max-pool", run })
}

/// See [`max_pool_gradient`](crate::device::max_pool_gradient).
pub(in crate::device) fn max_pool_gradient(
    x: &Tensor,
    y: &Tensor,
    g: &Tensor,
    window: Pool2d,
) -> Result<Tensor> {
    if y.shape() != g.shape() {
        candle_core::bail!("max-pool-gradient: a gradient {:?} of values {:?}", g.dims(), y.dims());
    }
    let op = OnCuda { name: "max-pool-gradient", run: |all: [Argument<'_>; 3]| backward(all, window) };
    x.contiguous()?.apply_op3_no_bwd(&y.contiguous()?, &g.contiguous()?, &op)
}

fn forward(x: Argument<'_>, window: Pool2d, out_size: [usize; 2]) -> Given {
    let device = x.0.device().clone();
    let (handles, stream) = (handles(&device)?, device.cuda_stream());
    let (images, channels, height, width) = x.1.shape().dims4()?;
    let dims = [images, channels, out_size[0], out_size[1]];
    let pool = MaxPoolDescriptor::of(window)?;
    let (from, to) = (TensorDescriptor::of([images, channels, height, width])?, TensorDescriptor::of(dims)?);
    let x = view::<f32>(x)?;
    let mut out = result_of::<f32>(&device, dims.iter().product())?;
    let (one, zero) = (1f32, 0f32);
    {
        let ((x, _reads), (y, _writes)) = (x.device_ptr(&stream), out.device_ptr_mut(&stream));
        // SAFETY: images and result are contiguous f32 of the sizes in their descriptors.
        unsafe {
            sys::cudnnPoolingForward(
                handles.plain.0,
                pool.0,
                from_ref(&one).cast(),
                from.0,
                x as *const _,
                from_ref(&zero).cast(),
                to.0,
                y as *mut _,
            )
        }
        .result()
        .map_err(failed)?;
    }
    Ok((CudaStorage::wrap_cuda_slice(out, device), Shape::from(dims.as_slice())))
}

fn backward([x, y, g]: [Argument<'_>; 3], window: Pool2d) -> Given {
    let layout = x.1;
    let device = x.0.device().clone();
    let (handles, stream) = (handles(&device)?, device.cuda_stream());
    let pool = MaxPoolDescriptor::of(window)?;
    let from = TensorDescriptor::of(layout.shape().dims4()?.into())?;
    let to = TensorDescriptor::of(y.1.shape().dims4()?.into())?;
    let (x, y, g) = (view::<f32>(x)?, view::<f32>(y)?, view::<f32>(g)?);
    let mut out = result_of::<f32>(&device, layout.shape().elem_count())?;
    let (one, zero) = (1f32, 0f32);
    {
        let ((x, _reads_x), (y, _reads_y)) = (x.device_ptr(&stream), y.device_ptr(&stream));
        let ((g, _reads_g), (dx, _writes)) = (g.device_ptr(&stream), out.device_ptr_mut(&stream));
        // SAFETY: images, result and both gradients are contiguous f32 of the sizes in their descriptors.
        unsafe {
            sys::cudnnPoolingBackward(
                handles.plain.0,
                pool.0,
                from_ref(&one).cast(),
                to.0,
                y as *const _,
                to.0,
                g as *const _,
                from.0,
                x as *const _,
                from_ref(&zero).cast(),
                from.0,
                dx as *mut _,
            )
        }
        .result()
        .map_err(failed)?;
    }
    Ok((CudaStorage::wrap_cuda_slice(out, device), layout.shape().clone()))
}
