//! What processes that share a training batch add up, as tensors.

use std::cell::RefCell;

use candle_core::{Device, Result, Tensor};
use kernels::device::BatchMoments;
#[cfg(feature = "nccl")]
use {kernels::device::GpuGroup, std::sync::OnceLock};

use crate::{
    error::Error,
    sharing::{Share, bytes_of},
};

/// A batch that processes share, and the device that has this one's part.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) share: Share<'a>,
    device: &'a Device,
    /// Where the sums are made, if the host is not asked for them.
    #[cfg(feature = "nccl")]
    gpus: Option<&'a GpuGroup>,
    /// What went wrong between processes: candle's errors have no room for it.
    failure: RefCell<Option<Error>>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(share: Share<'a>, device: &'a Device) -> Self {
        Self {
            share,
            device,
            #[cfg(feature = "nccl")]
            gpus: None,
            failure: RefCell::default(),
        }
    }

    /// The same with sums that GPUs make among themselves; they meet when they are first asked for one.
    #[cfg(feature = "nccl")]
    pub(super) fn with_gpus(self, met: &'a OnceLock<GpuGroup>) -> std::result::Result<Self, Error> {
        if !self.device.is_cuda() {
            return Ok(self);
        }
        if met.get().is_none() {
            let (rank, size) = (self.share.ranks().rank(), self.share.ranks().size());
            let own = if rank == 0 { GpuGroup::name()? } else { Vec::new() };
            let sent = self.share.exchanged(own.clone())?;
            let group = GpuGroup::join(self.device, rank, size, if rank == 0 { &own } else { &sent[0] })?;
            let _ = met.set(group);
        }
        Ok(Self { gpus: met.get(), ..self })
    }

    /// What went wrong, in words that say which process it was.
    pub(super) fn cause(&self, error: candle_core::Error) -> Error {
        self.failure.take().unwrap_or_else(|| error.into())
    }

    fn done<T>(&self, outcome: std::result::Result<T, Error>) -> Result<T> {
        outcome.map_err(|error| {
            let message = candle_core::Error::Msg(error.to_string());
            self.failure.replace(Some(error));
            message
        })
    }

    /// What is added up over all processes, of tensors that each has: their sums, on all.
    pub(super) fn sums(&self, own: &[&Tensor]) -> Result<Vec<Tensor>> {
        let flat = own.iter().map(|tensor| tensor.flatten_all()).collect::<Result<Vec<_>>>()?;
        let all = Tensor::cat(&flat, 0)?;
        let all = self.sum(&all)?;
        let mut start = 0;
        let one = |tensor: &&Tensor| {
            let sum = all.narrow(0, start, tensor.elem_count())?.reshape(tensor.shape());
            start += tensor.elem_count();
            sum
        };
        own.iter().map(one).collect()
    }

    /// In the order of processes: all have the same bits.
    fn sum(&self, own: &Tensor) -> Result<Tensor> {
        #[cfg(feature = "nccl")]
        if let Some(gpus) = self.gpus {
            return gpus.sum(own);
        }
        let own = own.to_vec1::<f32>()?;
        let sent = self.done(self.share.exchanged(bytes_of(&own, f32::to_le_bytes)))?;
        let mut sums = vec![0.0; own.len()];
        for (rank, bytes) in sent.iter().enumerate() {
            if rank == self.share.ranks().rank() {
                sums.iter_mut().zip(&own).for_each(|(sum, own)| *sum += f64::from(*own));
                continue;
            }
            let (numbers, rest) = bytes.as_chunks();
            if numbers.len() != own.len() || !rest.is_empty() {
                self.done(Err(self.share.misfit(bytes.len())))?;
            }
            sums.iter_mut()
                .zip(numbers)
                .for_each(|(sum, bytes)| *sum += f64::from(f32::from_le_bytes(*bytes)));
        }
        let sums: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
        Tensor::from_vec(sums, own.len(), self.device)
    }

    /// Rows of all images, (N, columns), from those of this process's.
    pub(super) fn rows(&self, own: &Tensor) -> Result<Tensor> {
        let columns = own.dim(1)?;
        let numbers = own.flatten_all()?.to_vec1::<f32>()?;
        let sent = self.done(self.share.exchanged(bytes_of(&numbers, f32::to_le_bytes)))?;
        let mut all = Vec::with_capacity(self.share.images * columns);
        for (rank, bytes) in sent.iter().enumerate() {
            if rank == self.share.ranks().rank() {
                all.extend_from_slice(&numbers);
            }
            all.extend(bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        }
        if all.len() != self.share.images * columns {
            self.done(Err(self.share.misfit(size_of::<f32>() * all.len())))?;
        }
        Tensor::from_vec(all, (self.share.images, columns), self.device)
    }

    /// The moments of the whole batch from those of this process's images, n of N a channel: mean = Σ n mean / N and
    /// variance = Σ n (variance + (mean of n − mean)²) / N.
    pub(super) fn moments(&self, own: &BatchMoments, epsilon: f64) -> Result<BatchMoments> {
        let images = self.share.own_images().len();
        let count = own.count / images * self.share.images;
        let weight = own.count as f64 / count as f64;
        let [mean] = self.one(&(&own.mean * weight)?)?;
        let spread = (&own.variance + (&own.mean - &mean)?.sqr()?)?;
        let [variance] = self.one(&(spread * weight)?)?;
        let inverse_std = (&variance + epsilon)?.sqrt()?.recip()?;
        Ok(BatchMoments { mean, variance, inverse_std, count })
    }

    fn one(&self, own: &Tensor) -> Result<[Tensor; 1]> {
        Ok(self.sums(&[own])?.try_into().expect("one tensor"))
    }
}
