//! Batch-norm with the batch's own moments. An operation of candle has one result: parts of one tensor hold all of them.

use std::ptr::{from_ref, null_mut};

use candle_core::{
    CudaStorage, Result, Shape, Tensor,
    backend::BackendStorage,
    cuda_backend::cudarc::{
        cudnn::sys,
        driver::{DevicePtr, DevicePtrMut},
    },
};

use super::{
    descriptors::TensorDescriptor,
    error::failed,
    handles::handles,
    memory::{result_of, view},
    operation::{Argument, Given, OnCuda},
};
use crate::device::BatchMoments;

const MODE: sys::cudnnBatchNormMode_t = sys::cudnnBatchNormMode_t::CUDNN_BATCHNORM_SPATIAL;

/// See [`batch_norm`](crate::device::batch_norm).
pub(in crate::device) fn batch_norm(
    x: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> Result<(Tensor, BatchMoments)> {
    let (images, channels, height, width) = x.dims4()?;
    for per_channel in [gamma, beta] {
        expect("batch-norm", per_channel, channels)?;
    }
    let op = OnCuda { name: "batch-norm", run: |all: [Argument<'_>; 3]| forward(all, epsilon) };
    let all = x.contiguous()?.apply_op3_no_bwd(&gamma.contiguous()?, &beta.contiguous()?, &op)?;
    let count = x.elem_count();
    let y = all.narrow(0, 0, count)?.reshape(x.shape())?;
    let mean = all.narrow(0, count, channels)?;
    let inverse_std = all.narrow(0, count + channels, channels)?;
    let variance = (inverse_std.sqr()?.recip()? - epsilon)?;
    Ok((y, BatchMoments { mean, variance, inverse_std, count: images * height * width }))
}

/// See [`batch_norm_gradient`](crate::device::batch_norm_gradient).
pub(in crate::device) fn batch_norm_gradient(
    x: &Tensor,
    g: &Tensor,
    gamma: &Tensor,
    moments: &BatchMoments,
    epsilon: f64,
) -> Result<(Tensor, Tensor, Tensor)> {
    let (_, channels, _, _) = x.dims4()?;
    if x.shape() != g.shape() {
        candle_core::bail!("batch-norm-gradient: a gradient {:?} of values {:?}", g.dims(), x.dims());
    }
    for per_channel in [gamma, &moments.mean, &moments.inverse_std] {
        expect("batch-norm-gradient", per_channel, channels)?;
    }
    let rows = Tensor::cat(&[gamma, &moments.mean, &moments.inverse_std], 0)?;
    let op = OnCuda { name: "batch-norm-gradient", run: |all: [Argument<'_>; 3]| backward(all, epsilon) };
    let all = x.contiguous()?.apply_op3_no_bwd(&g.contiguous()?, &rows, &op)?;
    let count = x.elem_count();
    let dx = all.narrow(0, 0, count)?.reshape(x.shape())?;
    Ok((dx, all.narrow(0, count, channels)?, all.narrow(0, count + channels, channels)?))
}

fn expect(op: &str, per_channel: &Tensor, channels: usize) -> Result<()> {
    if per_channel.dims() != [channels] {
        candle_core::bail!("{op}: {:?} numbers for {channels} channels", per_channel.dims());
    }
    Ok(())
}

/// (y, mean, 1 / √(variance + ε)) of (x, γ, β), one after the other.
fn forward([x, gamma, beta]: [Argument<'_>; 3], epsilon: f64) -> Given {
    let device = x.0.device().clone();
    let (handles, stream) = (handles(&device)?, device.cuda_stream());
    let dims: [usize; 4] = x.1.shape().dims4()?.into();
    let (tensor, channels) = (TensorDescriptor::of(dims)?, TensorDescriptor::of([1, dims[1], 1, 1])?);
    let count = x.1.shape().elem_count();
    let (x, gamma, beta) = (view::<f32>(x)?, view::<f32>(gamma)?, view::<f32>(beta)?);
    let mut out = result_of::<f32>(&device, count + 2 * dims[1])?;
    {
        let (mut y, mut rows) = out.split_at_mut(count);
        let (mut mean, mut inverse) = rows.split_at_mut(dims[1]);
        let (one, zero) = (1f32, 0f32);
        let (x, _reads_x) = x.device_ptr(&stream);
        let ((gamma, _reads_gamma), (beta, _reads_beta)) =
            (gamma.device_ptr(&stream), beta.device_ptr(&stream));
        let (y, _writes_y) = y.device_ptr_mut(&stream);
        let ((mean, _writes_mean), (inverse, _writes_inverse)) =
            (mean.device_ptr_mut(&stream), inverse.device_ptr_mut(&stream));
        // SAFETY: x and y are contiguous f32 of the size in `tensor`; γ, β and both moments have a number a channel. No
        // running statistics are asked for.
        unsafe {
            sys::cudnnBatchNormalizationForwardTraining(
                handles.plain.0,
                MODE,
                from_ref(&one).cast(),
                from_ref(&zero).cast(),
                tensor.0,
                x as *const _,
                tensor.0,
                y as *mut _,
                channels.0,
                gamma as *const _,
                beta as *const _,
                0.0,
                null_mut(),
                null_mut(),
                epsilon,
                mean as *mut _,
                inverse as *mut _,
            )
        }
        .result()
        .map_err(failed)?;
    }
    Ok((CudaStorage::wrap_cuda_slice(out, device), Shape::from(count + 2 * dims[1])))
}

/// (dx, dγ, dβ) of (x, g, (γ, mean, 1 / √(variance + ε))), one after the other.
fn backward([x, g, rows]: [Argument<'_>; 3], epsilon: f64) -> Given {
    let device = x.0.device().clone();
    let (handles, stream) = (handles(&device)?, device.cuda_stream());
    let dims: [usize; 4] = x.1.shape().dims4()?.into();
    let (tensor, channels) = (TensorDescriptor::of(dims)?, TensorDescriptor::of([1, dims[1], 1, 1])?);
    let count = x.1.shape().elem_count();
    let (x, g, rows) = (view::<f32>(x)?, view::<f32>(g)?, view::<f32>(rows)?);
    let row = |number: usize| rows.slice(number * dims[1]..(number + 1) * dims[1]);
    let (gamma, mean, inverse) = (row(0), row(1), row(2));
    let mut out = result_of::<f32>(&device, count + 2 * dims[1])?;
    {
        let (mut dx, mut sums) = out.split_at_mut(count);
        let (mut dgamma, mut dbeta) = sums.split_at_mut(dims[1]);
        let (one, zero) = (1f32, 0f32);
        let ((x, _reads_x), (g, _reads_g)) = (x.device_ptr(&stream), g.device_ptr(&stream));
        let ((mean, _reads_mean), (inverse, _reads_inverse)) =
            (mean.device_ptr(&stream), inverse.device_ptr(&stream));
        let (gamma, _reads_gamma) = gamma.device_ptr(&stream);
        let (dx, _writes_dx) = dx.device_ptr_mut(&stream);
        let ((dgamma, _writes_dgamma), (dbeta, _writes_dbeta)) =
            (dgamma.device_ptr_mut(&stream), dbeta.device_ptr_mut(&stream));
        // SAFETY: x, g and dx are contiguous f32 of the size in `tensor`; all else has a number a channel, and the moments
        // are those that the forward pass saved with the same ε.
        unsafe {
            sys::cudnnBatchNormalizationBackward(
                handles.plain.0,
                MODE,
                from_ref(&one).cast(),
                from_ref(&zero).cast(),
                from_ref(&one).cast(),
                from_ref(&zero).cast(),
                tensor.0,
                x as *const _,
                tensor.0,
                g as *const _,
                tensor.0,
                dx as *mut _,
                channels.0,
                gamma as *const _,
                dgamma as *mut _,
                dbeta as *mut _,
                epsilon,
                mean as *const _,
                inverse as *const _,
            )
        }
        .result()
        .map_err(failed)?;
    }
    Ok((CudaStorage::wrap_cuda_slice(out, device), Shape::from(count + 2 * dims[1])))
}
