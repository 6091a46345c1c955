//! Memory of the device: arguments, results, workspaces.

use candle_core::{
    CudaDevice, Result,
    cuda_backend::{
        CudaDType,
        cudarc::driver::{CudaSlice, CudaView, DeviceRepr},
    },
};

use super::operation::Argument;

/// The part of a storage that a contiguous layout names.
pub(super) fn view<'a, T: CudaDType>((storage, layout): Argument<'a>) -> Result<CudaView<'a, T>> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("expected a contiguous tensor, found the strides {:?}", layout.stride());
    };
    Ok(storage.as_cuda_slice::<T>()?.slice(start..end))
}

/// Memory for a result that is written whole before it is read.
pub(super) fn result_of<T: DeviceRepr>(device: &CudaDevice, count: usize) -> Result<CudaSlice<T>> {
    // SAFETY: each caller hands it to a cuDNN function (β = 0) or a copy that overwrites all of it, or reads only what that has
    // written.
    unsafe { device.alloc::<T>(count) }
}

/// Memory that an algorithm works in; what is in it before does not matter.
pub(super) fn workspace(device: &CudaDevice, bytes: usize) -> Result<CudaSlice<u8>> {
    // SAFETY: only cuDNN reads it, and nothing that it has not written.
    unsafe { device.alloc::<u8>(bytes.max(1)) }
}
