//! Values moved towards others in place: steps of optimisers, running means.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor};
use rayon::prelude::*;

/// to ← keep · to + factor · x, in place.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let (mean, seen) = (Tensor::new(&[1f32, 2.0], &Device::Cpu)?, Tensor::new(&[3f32, 4.0], &Device::Cpu)?);
/// kernels::device::blend(&mean, 0.5, &seen, 0.25)?;
/// assert_eq!(mean.to_vec1::<f32>()?, [1.25, 2.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// If the shapes differ, a tensor is not f32 or `to` not contiguous, or the device fails.
pub fn blend(to: &Tensor, keep: f32, x: &Tensor, factor: f32) -> Result<()> {
    same_shape(to, x)?;
    to.inplace_op2(&x.contiguous()?, &Blend { keep, factor })
}

/// to ← keep · to + (x + factor · y), in place.
///
/// ```
/// use candle_core::{Device, Tensor};
///
/// let [buffer, gradient, weight] = [[1f32], [2.0], [4.0]].map(|values| Tensor::new(&values, &Device::Cpu).unwrap());
/// kernels::device::accumulate(&buffer, 0.5, &gradient, &weight, 0.25)?;
/// assert_eq!(buffer.to_vec1::<f32>()?, [3.5]);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Errors
/// As [`blend`].
pub fn accumulate(to: &Tensor, keep: f32, x: &Tensor, y: &Tensor, factor: f32) -> Result<()> {
    same_shape(to, x)?;
    same_shape(to, y)?;
    to.inplace_op3(&x.contiguous()?, &y.contiguous()?, &Blend { keep, factor })
}

fn same_shape(to: &Tensor, x: &Tensor) -> Result<()> {
    if to.shape() != x.shape() {
        candle_core::bail!("blend: values {:?} moved towards {:?}", to.dims(), x.dims());
    }
    Ok(())
}

/// Values that a thread takes at once.
const CHUNK: usize = 1 << 14;

/// What [`blend`] and [`accumulate`] do on each device.
struct Blend {
    keep: f32,
    factor: f32,
}

impl InplaceOp2 for Blend {
    fn name(&self) -> &'static str {
        "blend"
    }

    fn cpu_fwd(&self, to: &mut CpuStorage, layout: &Layout, x: &CpuStorage, at: &Layout) -> Result<()> {
        let (to, x) = (values_mut(to, layout)?, values(x, at)?);
        to.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(to, x)| {
            to.iter_mut().zip(x).for_each(|(to, x)| *to = self.keep * *to + self.factor * x);
        });
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        to: &mut candle_core::CudaStorage,
        layout: &Layout,
        x: &candle_core::CudaStorage,
        at: &Layout,
    ) -> Result<()> {
        super::cuda::blend((to, layout), (x, at), None, [self.keep, self.factor])
    }
}

impl InplaceOp3 for Blend {
    fn name(&self) -> &'static str {
        "accumulate"
    }

    fn cpu_fwd(
        &self,
        to: &mut CpuStorage,
        layout: &Layout,
        x: &CpuStorage,
        x_at: &Layout,
        y: &CpuStorage,
        y_at: &Layout,
    ) -> Result<()> {
        let (to, x, y) = (values_mut(to, layout)?, values(x, x_at)?, values(y, y_at)?);
        let chunks = to.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).zip(y.par_chunks(CHUNK));
        chunks.for_each(|((to, x), y)| {
            for ((to, &x), &y) in to.iter_mut().zip(x).zip(y) {
                *to = self.keep * *to + (x + self.factor * y);
            }
        });
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        to: &mut candle_core::CudaStorage,
        layout: &Layout,
        x: &candle_core::CudaStorage,
        x_at: &Layout,
        y: &candle_core::CudaStorage,
        y_at: &Layout,
    ) -> Result<()> {
        super::cuda::blend((to, layout), (x, x_at), Some((y, y_at)), [self.keep, self.factor])
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) = span(layout)?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (start, end) = span(layout)?;
    match storage {
        CpuStorage::F32(values) => Ok(&mut values[start..end]),
        _ => candle_core::bail!("blend: values that are not f32"),
    }
}

fn span(layout: &Layout) -> Result<(usize, usize)> {
    layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::Msg("blend: values that are not contiguous".into()))
}
