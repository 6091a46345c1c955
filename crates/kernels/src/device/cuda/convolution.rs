//! The three passes through cuDNN.
//!
//! Algorithms are those that NVIDIA documents as deterministic; where one does not take the sizes at hand, cuDNN chooses.

use std::sync::Arc;

use candle_core::{
    CudaDevice, CudaStorage, Result,
    backend::BackendStorage,
    cuda_backend::{
        CudaDType,
        cudarc::{
            cudnn::{
                Cudnn, CudnnDataType, CudnnError,
                safe::{
                    ConvBackwardData, ConvBackwardFilter, ConvDescriptor, ConvForward, FilterDescriptor,
                    TensorDescriptor,
                },
                sys::{
                    cudnnConvolutionBwdDataAlgo_t, cudnnConvolutionBwdFilterAlgo_t,
                    cudnnConvolutionFwdAlgo_t, cudnnConvolutionMode_t, cudnnMathType_t, cudnnTensorFormat_t,
                },
            },
            driver::{CudaSlice, CudaView, DeviceRepr},
        },
    },
};
use half::bf16;

use super::{
    Argument,
    descriptors::{integer, integers},
    failed, handles, result_of, view,
};
use crate::device::{
    Math,
    convolution::{Convolution, Kind, Pass},
};

/// What the numbers of a convolution can be; products are summed in f32.
pub(in crate::device) trait Number: CudaDType + CudnnDataType + DeviceRepr {
    const ONE: Self;
    const ZERO: Self;
}

impl Number for f32 {
    const ONE: Self = 1.0;
    const ZERO: Self = 0.0;
}

impl Number for bf16 {
    const ONE: Self = Self::ONE;
    const ZERO: Self = Self::ZERO;
}

/// What cuDNN wants to know of a convolution.
struct Descriptors<T> {
    x: TensorDescriptor<T>,
    weight: FilterDescriptor<T>,
    y: TensorDescriptor<T>,
    conv: ConvDescriptor<f32>,
}

impl<T: Number> Descriptors<T> {
    fn of(convolution: &Convolution, handle: &Arc<Cudnn>) -> Result<Self> {
        let geometry = &convolution.geometry;
        let (format, stride) = (cudnnTensorFormat_t::CUDNN_TENSOR_NCHW, integer(geometry.stride)?);
        let padding = [integer(geometry.padding[0])?, integer(geometry.padding[1])?];
        let mode = cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        let mut conv = handle.create_conv2d::<f32>(padding, [stride; 2], [1; 2], mode).map_err(failed)?;
        conv.set_group_count(integer(geometry.groups)?).map_err(failed)?;
        conv.set_math_type(match convolution.math {
            Math::Full => cudnnMathType_t::CUDNN_FMA_MATH,
            Math::Tf32 | Math::Bf16 => cudnnMathType_t::CUDNN_DEFAULT_MATH,
        })
        .map_err(failed)?;
        let tensor = |dims| handle.create_4d_tensor(format, integers(dims)?).map_err(failed);
        let weights = integers(convolution.weights())?;
        let weight = handle.create_4d_filter(format, weights).map_err(failed)?;
        Ok(Self { x: tensor(convolution.images())?, weight, y: tensor(convolution.result())?, conv })
    }
}

/// Runs a pass on contiguous arguments of the shapes that it wants.
pub(in crate::device) fn run<T: Number>(
    pass: &Pass,
    first: Argument<'_>,
    second: Argument<'_>,
) -> Result<CudaStorage> {
    let device = first.0.device().clone();
    let handles = handles(&device)?;
    let descriptors = Descriptors::<T>::of(&pass.convolution, &handles.convolutions)?;
    let (first, second) = (view(first)?, view(second)?);
    let mut out = result_of(&device, pass.shapes()[2].iter().product())?;
    match pass.kind {
        Kind::Forward => forward(&descriptors, &device, (&first, &second), &mut out)?,
        Kind::InputGradient => input_gradient(&descriptors, &device, (&first, &second), &mut out)?,
        Kind::WeightGradient => weight_gradient(&descriptors, &device, (&first, &second), &mut out)?,
    }
    Ok(CudaStorage::wrap_cuda_slice(out, device))
}

type Arguments<'a, T> = (&'a CudaView<'a, T>, &'a CudaView<'a, T>);

/// An algorithm with the bytes that it works in: the preferred one, or, where that does not take these sizes, cuDNN's choice.
fn choose<A: Copy>(
    preferred: A,
    bytes: impl Fn(A) -> std::result::Result<usize, CudnnError>,
    pick: impl FnOnce() -> std::result::Result<A, CudnnError>,
) -> Result<(A, usize)> {
    if let Ok(size) = bytes(preferred) {
        return Ok((preferred, size));
    }
    let picked = pick().map_err(failed)?;
    Ok((picked, bytes(picked).map_err(failed)?))
}

/// Memory that an algorithm works in; what is in it before does not matter.
fn workspace(device: &CudaDevice, bytes: usize) -> Result<CudaSlice<u8>> {
    // SAFETY: only cuDNN reads it, and nothing that it has not written.
    unsafe { device.alloc::<u8>(bytes.max(1)) }
}

fn forward<T: Number>(
    Descriptors { x, weight, y, conv }: &Descriptors<T>,
    device: &CudaDevice,
    (images, weights): Arguments<'_, T>,
    out: &mut CudaSlice<T>,
) -> Result<()> {
    let op = ConvForward { conv, x, w: weight, y };
    let preferred = cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    let (algorithm, bytes) =
        choose(preferred, |algorithm| op.get_workspace_size(algorithm), || op.pick_algorithm())?;
    let mut workspace = workspace(device, bytes)?;
    // SAFETY: `Pass::apply` has checked that images and weights are contiguous numbers T of the sizes in the descriptors; `out` was
    // allocated with the result's, the workspace with what cuDNN asked for.
    unsafe { op.launch(algorithm, Some(&mut workspace), (T::ONE, T::ZERO), images, weights, out) }
        .map_err(failed)
}

fn input_gradient<T: Number>(
    Descriptors { x, weight, y, conv }: &Descriptors<T>,
    device: &CudaDevice,
    (weights, gradient): Arguments<'_, T>,
    out: &mut CudaSlice<T>,
) -> Result<()> {
    let op = ConvBackwardData { conv, dx: x, w: weight, dy: y };
    let preferred = cudnnConvolutionBwdDataAlgo_t::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
    let (algorithm, bytes) =
        choose(preferred, |algorithm| op.get_workspace_size(algorithm), || op.pick_algorithm())?;
    let mut workspace = workspace(device, bytes)?;
    // SAFETY: as in `forward`; the arguments are weights and the gradient of the result, `out` has the size of the images.
    unsafe { op.launch(algorithm, Some(&mut workspace), (T::ONE, T::ZERO), out, weights, gradient) }
        .map_err(failed)
}

fn weight_gradient<T: Number>(
    Descriptors { x, weight, y, conv }: &Descriptors<T>,
    device: &CudaDevice,
    (images, gradient): Arguments<'_, T>,
    out: &mut CudaSlice<T>,
) -> Result<()> {
    let op = ConvBackwardFilter { conv, x, dw: weight, dy: y };
    let preferred = cudnnConvolutionBwdFilterAlgo_t::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
    let (algorithm, bytes) =
        choose(preferred, |algorithm| op.get_workspace_size(algorithm), || op.pick_algorithm())?;
    let mut workspace = workspace(device, bytes)?;
    // SAFETY: as in `forward`; the arguments are images and the gradient of the result, `out` has the size of the weights.
    unsafe { op.launch(algorithm, Some(&mut workspace), (T::ONE, T::ZERO), images, out, gradient) }
        .map_err(failed)
}
