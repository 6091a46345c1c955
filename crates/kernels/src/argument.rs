//! From candle's tensors to slices and back: every operation takes its arguments in through here.

use candle_core::{CpuStorage, DType, Device, Layout, Result, Shape, Storage, StorageRef, Tensor};

use crate::error::KernelError;

/// An argument as its operation knows it, for checks and error messages.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'a> {
    pub(crate) op: &'static str,
    pub(crate) name: &'static str,
    pub(crate) tensor: &'a Tensor,
}

impl<'a> Argument<'a> {
    /// Takes a tensor in, if it holds f32 on the CPU and no size is zero.
    pub(crate) fn new(op: &'static str, name: &'static str, tensor: &'a Tensor) -> Result<Self> {
        let argument = Self { op, name, tensor };
        if tensor.dtype() != DType::F32 {
            return Err(KernelError::DType { op, argument: name, found: tensor.dtype() }.into());
        }
        if !tensor.device().is_cpu() {
            let found = tensor.device().location();
            return Err(KernelError::Device { op, argument: name, found }.into());
        }
        if tensor.elem_count() == 0 {
            return Err(argument.wrong_shape("at least one element along each dimension"));
        }
        Ok(argument)
    }

    /// The sizes, if there are `R` of them; `meaning` says what they stand for.
    pub(crate) fn dims<const R: usize>(&self, meaning: &str) -> Result<[usize; R]> {
        <[usize; R]>::try_from(self.tensor.dims()).map_err(|_| self.wrong_shape(meaning))
    }

    /// Refuses other sizes than `expected`.
    pub(crate) fn expect(&self, expected: &[usize], meaning: &str) -> Result<()> {
        if self.tensor.dims() == expected {
            return Ok(());
        }
        Err(self.wrong_shape(format!("{expected:?}: {meaning}")))
    }

    /// The error that names this argument's shape.
    pub(crate) fn wrong_shape(&self, expected: impl Into<String>) -> candle_core::Error {
        let found: Shape = self.tensor.shape().clone();
        KernelError::Shape { op: self.op, argument: self.name, found, expected: expected.into() }.into()
    }
}

/// The numbers of a tensor, held readable.
pub(crate) struct Values<'a> {
    storage: StorageRef<'a>,
    layout: &'a Layout,
}

impl<'a> Values<'a> {
    /// Reads a tensor that [`Argument`] took in and that is contiguous.
    pub(crate) fn of(tensor: &'a Tensor) -> Self {
        let (storage, layout) = tensor.storage_and_layout();
        Self { storage, layout }
    }

    /// The numbers, in row-major order.
    pub(crate) fn slice(&self) -> Result<&[f32]> {
        match &*self.storage {
            Storage::Cpu(storage) => contiguous(storage, self.layout),
            _ => candle_core::bail!("expected a tensor in the CPU's memory"),
        }
    }
}

/// The numbers behind a contiguous layout.
pub(crate) fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => candle_core::bail!("expected a contiguous tensor, found the strides {:?}", layout.stride()),
    }
}

/// A tensor of `values`, which autograd does not follow.
pub(crate) fn constant(values: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &Device::Cpu)
}
