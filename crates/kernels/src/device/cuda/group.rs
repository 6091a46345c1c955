//! Sums over the GPUs of several processes, through NCCL.

use std::sync::{Mutex, PoisonError};

use candle_core::{
    CudaStorage, Device, Result, Tensor,
    backend::BackendStorage,
    cuda_backend::cudarc::nccl::{Comm, Id, ReduceOp, result::NcclError},
};

use super::{
    memory::{result_of, view},
    operation::{Argument, OnCuda},
};

/// The GPUs of processes that work together, seen from one of them.
#[derive(Debug)]
pub struct GpuGroup(Mutex<Communicator>);

#[derive(Debug)]
struct Communicator(Comm);

// SAFETY: NCCL lets any thread call it with a communicator, one at a time; the mutex sees to that.
unsafe impl Send for Communicator {}

impl GpuGroup {
    /// The name of a new group. One process makes it and tells the others, in whatever way they talk.
    ///
    /// # Errors
    /// If NCCL finds no network.
    pub fn name() -> Result<Vec<u8>> {
        let id = Id::new().map_err(failed)?;
        Ok(id.internal().iter().map(|byte| byte.cast_unsigned()).collect())
    }

    /// Joins a group of so many processes as the one of this rank, each on a GPU of its own; waits until all have.
    ///
    /// # Errors
    /// If this is no GPU or no name, two processes have the same GPU, or they do not reach each other.
    pub fn join(device: &Device, rank: usize, size: usize, name: &[u8]) -> Result<Self> {
        let name =
            name.try_into().map_err(|_| candle_core::Error::Msg("this is no group of GPUs".to_owned()))?;
        let name: &[u8; 128] = name;
        let id = Id::uninit(name.map(u8::cast_signed));
        let stream = device.as_cuda_device()?.cuda_stream();
        let group = Comm::from_rank(stream, rank, size, id).map_err(failed)?;
        Ok(Self(Mutex::new(Communicator(group))))
    }

    /// The sum of a tensor over all processes, with the same bits on all. All must ask for sums in the same order.
    ///
    /// # Errors
    /// If the device fails, or a process is gone.
    pub fn sum(&self, own: &Tensor) -> Result<Tensor> {
        let run = |[(storage, layout)]: [Argument<'_>; 1]| {
            let device = storage.device().clone();
            let own = view::<f32>((storage, layout))?;
            let mut sum = result_of::<f32>(&device, layout.shape().elem_count())?;
            let group = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            group.0.all_reduce(&own, &mut sum, &ReduceOp::Sum).map_err(failed)?;
            Ok((CudaStorage::wrap_cuda_slice(sum, device), layout.shape().clone()))
        };
        own.contiguous()?.apply_op1_no_bwd(&OnCuda { name: "sum over processes", run })
    }
}

fn failed(NcclError(status): NcclError) -> candle_core::Error {
    candle_core::Error::Msg(format!(
        "NCCL: {status:?}; each process needs a GPU of its own (NCCL_DEBUG=INFO says more)"
    ))
}
