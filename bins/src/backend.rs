//! Which device runs the networks, and what to do when its memory is full.

use ::kernels::blocked::Path;
use anyhow::Context;
use candle_core::Device;
use models::{Backend, Math};

use crate::{flags::MachineFlags, launch::UnusableFlags, terminal::Terminal};

/// The backend that `--gpu` or `--device` name; of `auto`, the first GPU if this build can use one and there is one.
///
/// # Errors
/// If there is no such GPU.
pub(crate) fn choose(machine: &MachineFlags, terminal: Terminal) -> anyhow::Result<Backend> {
    let math = machine.precision.into();
    let backend = named(machine, math, terminal)?;
    match (&backend, math) {
        (Backend::Blocked(_), Math::Tf32) => {
            terminal.note("note: TF32 is what GPUs have; the CPU computes in f32");
        }
        (Backend::Blocked(_), Math::Bf16) if !Path::current().has_bf16() => {
            terminal.note("note: without AVX512_BF16, as here, bf16 is no faster than f32");
        }
        _ => {}
    }
    Ok(backend)
}

fn named(machine: &MachineFlags, math: Math, terminal: Terminal) -> anyhow::Result<Backend> {
    let (flag, number) = match (machine.gpu, machine.device.as_str()) {
        (Some(number), _) => (format!("--gpu {number}"), number),
        (None, "cpu") => return Ok(Backend::Blocked(math)),
        (None, "cpu-plain") => return Ok(Backend::Tensors { device: Device::Cpu, math }),
        (None, "auto") => return Ok(automatic(math)),
        (None, device) => (format!("--device {device}"), number(device)),
    };
    if !cfg!(feature = "cuda") {
        terminal.note("note: this build has no CUDA; running on the CPU");
        return Ok(Backend::Blocked(math));
    }
    Backend::cuda(number, math)
        .map_err(|error| {
            UnusableFlags(format!("{flag}: no such GPU, or no driver for it ({error}); see nvidia-smi"))
        })
        .context("the GPU cannot be used")
}

/// What computes networks, as the configuration of a run names it.
pub(crate) fn kernels(backend: &Backend) -> String {
    match backend {
        Backend::Blocked(Math::Bf16) if Path::current().has_bf16() => {
            format!("{} bf16", Path::current().name())
        }
        Backend::Blocked(Math::Bf16) => format!("{} unpacked bf16", Path::current().name()),
        Backend::Blocked(_) => Path::current().name().to_owned(),
        Backend::Tensors { math: Math::Full, .. } => backend.to_string(),
        Backend::Tensors { math: Math::Tf32, .. } => format!("{backend} tf32"),
        Backend::Tensors { math: Math::Bf16, .. } => format!("{backend} bf16"),
    }
}

/// Of `cuda:1`, 1; of `cuda`, 0.
fn number(device: &str) -> usize {
    device.strip_prefix("cuda:").and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn automatic(math: Math) -> Backend {
    let gpu = if cfg!(feature = "cuda") { Backend::cuda(0, math).ok() } else { None };
    gpu.unwrap_or(Backend::Blocked(math))
}

/// The error of a step on so many images; where the GPU's memory was full, with the batch size to try.
pub(crate) fn explained(error: models::Error, images: usize) -> candle_core::Error {
    let said = error.to_string();
    if !is_full(&said) {
        return candle_core::Error::wrap(error);
    }
    let smaller = (images / 2).max(1);
    candle_core::Error::Msg(format!(
        "the GPU's memory does not hold a step on {images} images; what is finished is kept: give --batch-size {smaller} ({said})"
    ))
}

/// Whether an error is that of a device whose memory is full.
pub(crate) fn is_full(said: &str) -> bool {
    ["OUT_OF_MEMORY", "out of memory", "ALLOC_FAILED"].iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gpu_is_told_with_the_batch_size_to_try() {
        let driver = |words: &str| models::Error::from(candle_core::Error::Msg(words.to_owned()));
        let said =
            explained(driver("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"), 500).to_string();
        assert!(said.contains("500 images") && said.contains("--batch-size 250"), "{said}");
        let other = explained(driver("no kernel image is available"), 500).to_string();
        assert!(!other.contains("--batch-size"), "{other}");
    }

    #[test]
    fn devices_have_numbers() {
        assert_eq!(["cuda", "cuda:0", "cuda:3"].map(number), [0, 0, 3]);
    }
}
