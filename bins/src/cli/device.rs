//! Which device runs the networks.

use anyhow::Context;
use candle_core::Device;
use kernels::blocked::InstructionSet;
use models::{Backend, Precision};

use super::{
    flags::{Gpus, MachineFlags},
    terminal::Terminal,
    usage::UsageError,
};

/// The backend that `--gpu` or `--device` name; of `auto`, the first GPU if this build can use one and there is one.
///
/// # Errors
/// If there is no such GPU.
pub(super) fn choose(machine: &MachineFlags, terminal: Terminal) -> anyhow::Result<Backend> {
    let precision = machine.precision.into();
    let backend = named(machine, precision, terminal)?;
    match (&backend, precision) {
        (Backend::Cpu(_), Precision::Tf32) => {
            terminal.note("note: TF32 is what GPUs have; the CPU computes in f32");
        }
        (Backend::Cpu(_), Precision::Bf16) if !InstructionSet::current().has_bf16() => {
            terminal.note("note: without AVX512_BF16, as here, bf16 is no faster than f32");
        }
        _ => {}
    }
    Ok(backend)
}

fn named(machine: &MachineFlags, precision: Precision, terminal: Terminal) -> anyhow::Result<Backend> {
    let (flag, number) = match (&machine.gpu, machine.device.as_str()) {
        (Some(Gpus(numbers)), _) => {
            let number = numbers[ranks::local().unwrap_or(0) % numbers.len()];
            (format!("--gpu {number}"), number)
        }
        (None, "cpu") => return Ok(Backend::Cpu(precision)),
        (None, "cpu-plain") => return Ok(Backend::Candle { device: Device::Cpu, precision }),
        (None, "auto") => return Ok(automatic(precision)),
        (None, device) => (format!("--device {device}"), number(device)),
    };
    if !cfg!(feature = "cuda") {
        terminal.note("note: this build has no CUDA; running on the CPU");
        return Ok(Backend::Cpu(precision));
    }
    Backend::cuda(number, precision)
        .map_err(|error| {
            UsageError(format!("{flag}: no such GPU, or no driver for it ({error}); see nvidia-smi"))
        })
        .context("the GPU cannot be used")
}

/// Of `cuda:1`, 1; of `cuda`, 0.
fn number(device: &str) -> usize {
    device.strip_prefix("cuda:").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Each rank of a machine has a GPU of its own, unless whoever started it shows it one alone.
fn automatic(precision: Precision) -> Backend {
    let numbers = [ranks::local().unwrap_or(0), 0];
    let mut gpus = numbers.iter().filter_map(|&number| Backend::cuda(number, precision).ok());
    let gpu = if cfg!(feature = "cuda") { gpus.next() } else { None };
    gpu.unwrap_or(Backend::Cpu(precision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_numbers() {
        assert_eq!(["cuda", "cuda:0", "cuda:3"].map(number), [0, 0, 3]);
    }
}
