//! The three passes through cuDNN.

use candle_core::{CudaStorage, Result, backend::BackendStorage};

use super::{
    error::failed,
    handles::handles,
    memory::{result_of, view, workspace},
    operation::Argument,
    plan::Number,
};
use crate::device::pass::Pass;

/// Runs a pass on contiguous arguments of the shapes that it wants.
pub(in crate::device) fn run<T: Number>(
    pass: &Pass,
    first: Argument<'_>,
    second: Argument<'_>,
) -> Result<CudaStorage> {
    let device = first.0.device().clone();
    let handles = handles(&device)?;
    let plan = handles.plans.of::<T>(pass, &handles.convolutions)?;
    let (first, second) = (view(first)?, view(second)?);
    let mut out = result_of(&device, pass.shapes()[2].iter().product())?;
    let mut workspace = workspace(&device, plan.bytes)?;
    // SAFETY: `Pass::apply` has checked that both arguments are contiguous numbers T of the pass's sizes; `out` was allocated with the
    // result's, the workspace with what cuDNN asked for.
    unsafe { plan.launch((&first, &second), &mut out, &mut workspace) }.map_err(failed)?;
    Ok(CudaStorage::wrap_cuda_slice(out, device))
}
