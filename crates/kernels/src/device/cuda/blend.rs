//! Values moved towards others, in one kernel of our own.

use std::sync::OnceLock;

use candle_core::{
    CudaStorage, Layout, Result,
    backend::BackendStorage,
    cuda_backend::cudarc::{
        driver::{CudaSlice, DevicePtr, LaunchConfig, PushKernelArg},
        nvrtc::compile_ptx,
    },
};

use super::{memory::view, operation::Argument};

/// Most blocks of threads: each thread takes as many values as it must.
const MOST_BLOCKS: usize = 4096;
const THREADS: usize = 256;

/// See [`Blend`](crate::device::blend::Blend).
pub(in crate::device) fn blend(
    (to, layout): (&mut CudaStorage, &Layout),
    x: Argument<'_>,
    y: Option<Argument<'_>>,
    [keep, factor]: [f32; 2],
) -> Result<()> {
    let device = to.device().clone();
    let function = device.get_or_load_custom_func("blend", "freqbias_blend", program()?)?;
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("expected a contiguous tensor, found the strides {:?}", layout.stride());
    };
    let count = end - start;
    let x = view::<f32>(x)?;
    let y = y.map(view::<f32>).transpose()?;
    if x.len() != count || y.as_ref().is_some_and(|y| y.len() != count) {
        candle_core::bail!("blend: {count} values moved towards {}", x.len());
    }
    if count == 0 {
        return Ok(());
    }
    let mut to = floats(to)?.slice_mut(start..end);
    let stream = device.cuda_stream();
    // No address stands for no values.
    let (y, _reads_y) = y.as_ref().map(|y| y.device_ptr(&stream)).unzip();
    let y = y.unwrap_or(0);
    let blocks = count.div_ceil(THREADS).min(MOST_BLOCKS) as u32;
    let shape =
        LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (THREADS as u32, 1, 1), shared_mem_bytes: 0 };
    let mut launch = function.builder();
    launch.arg(&mut to).arg(&x).arg(&y).arg(&keep).arg(&factor).arg(&count);
    // SAFETY: the arguments are those of the kernel's declaration, and it stays inside `count` values of each.
    unsafe { launch.launch(shape) }.map_err(|error| candle_core::Error::Cuda(Box::new(error)))?;
    Ok(())
}

fn floats(storage: &mut CudaStorage) -> Result<&mut CudaSlice<f32>> {
    storage.as_cuda_slice_mut::<f32>()
}

/// The kernel, compiled once for all devices.
fn program() -> Result<&'static str> {
    static PROGRAM: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    let compiled = PROGRAM.get_or_init(|| {
        compile_ptx(include_str!("blend.cu")).map(|ptx| ptx.to_src()).map_err(|error| format!("{error:?}"))
    });
    compiled.as_deref().map_err(|error| candle_core::Error::Msg(format!("NVRTC: {error}")))
}
