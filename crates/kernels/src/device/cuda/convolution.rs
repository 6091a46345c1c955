//! The three passes through cuDNN.
//!
//! Algorithms are those that NVIDIA documents as deterministic; where one does not take the sizes at hand, cuDNN chooses.

use std::sync::Arc;

use candle_core::{
    CudaDevice, CudaStorage, Layout, Result,
    backend::BackendStorage,
    cuda_backend::cudarc::{
        cudnn::{
            Cudnn, CudnnError,
            safe::{
                ConvBackwardData, ConvBackwardFilter, ConvDescriptor, ConvForward, FilterDescriptor,
                TensorDescriptor,
            },
            sys::{
                cudnnConvolutionBwdDataAlgo_t, cudnnConvolutionBwdFilterAlgo_t, cudnnConvolutionFwdAlgo_t,
                cudnnConvolutionMode_t, cudnnMathType_t, cudnnTensorFormat_t,
            },
        },
        driver::{CudaSlice, CudaView},
    },
};

use super::{failed, handles, result_of, view};
use crate::device::{
    Math,
    convolution::{Convolution, Kind, Pass},
};

/// What cuDNN wants to know of a convolution.
struct Descriptors {
    x: TensorDescriptor<f32>,
    weight: FilterDescriptor<f32>,
    y: TensorDescriptor<f32>,
    conv: ConvDescriptor<f32>,
}

impl Descriptors {
    fn of(convolution: &Convolution, handle: &Arc<Cudnn>) -> std::result::Result<Self, CudnnError> {
        let geometry = &convolution.geometry;
        let (format, stride) = (cudnnTensorFormat_t::CUDNN_TENSOR_NCHW, geometry.stride as i32);
        let mut conv = handle.create_conv2d::<f32>(
            geometry.padding.map(|padding| padding as i32),
            [stride; 2],
            [1; 2],
            cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION,
        )?;
        conv.set_group_count(geometry.groups as i32)?;
        conv.set_math_type(match convolution.math {
            Math::Full => cudnnMathType_t::CUDNN_FMA_MATH,
            Math::Tf32 => cudnnMathType_t::CUDNN_DEFAULT_MATH,
        })?;
        let sizes = |dims: [usize; 4]| dims.map(|size| size as i32);
        Ok(Self {
            x: handle.create_4d_tensor(format, sizes(convolution.images()))?,
            weight: handle.create_4d_filter(format, sizes(convolution.weights()))?,
            y: handle.create_4d_tensor(format, sizes(convolution.result()))?,
            conv,
        })
    }
}

/// Runs a pass on contiguous arguments of the shapes that it wants.
pub(in crate::device) fn run(
    pass: &Pass,
    first: (&CudaStorage, &Layout),
    second: (&CudaStorage, &Layout),
) -> Result<CudaStorage> {
    let device = first.0.device().clone();
    let handles = handles(&device)?;
    let descriptors = Descriptors::of(&pass.convolution, &handles.convolutions).map_err(failed)?;
    let (first, second) = (view(first)?, view(second)?);
    let mut out = result_of(&device, pass.shapes()[2].iter().product())?;
    match pass.kind {
        Kind::Forward => forward(&descriptors, &device, (&first, &second), &mut out)?,
        Kind::InputGradient => input_gradient(&descriptors, &device, (&first, &second), &mut out)?,
        Kind::WeightGradient => weight_gradient(&descriptors, &device, (&first, &second), &mut out)?,
    }
    Ok(CudaStorage::wrap_cuda_slice(out, device))
}

type Arguments<'a> = (&'a CudaView<'a, f32>, &'a CudaView<'a, f32>);

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

fn forward(
    Descriptors { x, weight, y, conv }: &Descriptors,
    device: &CudaDevice,
    (images, weights): Arguments<'_>,
    out: &mut CudaSlice<f32>,
) -> Result<()> {
    let op = ConvForward { conv, x, w: weight, y };
    let preferred = cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    let (algorithm, bytes) =
        choose(preferred, |algorithm| op.get_workspace_size(algorithm), || op.pick_algorithm())?;
    let mut workspace = workspace(device, bytes)?;
    // SAFETY: `Pass::apply` has checked that images and weights are contiguous f32 of the sizes in the descriptors; `out` was
    // allocated with the result's, the workspace with what cuDNN asked for.
    unsafe { op.launch(algorithm, Some(&mut workspace), (1.0, 0.0), images, weights, out) }.map_err(failed)
}

fn input_gradient(
    Descriptors { x, weight, y, conv }: &Descriptors,
    device: &CudaDevice,
    (weights, gradient): Arguments<'_>,
    out: &mut CudaSlice<f32>,
) -> Result<()> {
    let op = ConvBackwardData { conv, dx: x, w: weight, dy: y };
    let preferred = cudnnConvolutionBwdDataAlgo_t::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
    let (algorithm, bytes) =
        choose(preferred, |algorithm| op.get_workspace_size(algorithm), || op.pick_algorithm())?;
    let mut workspace = workspace(device, bytes)?;
    // SAFETY: as in `forward`; the arguments are weights and the gradient of the result, `out` has the size of the images.
    unsafe { op.launch(algorithm, Some(&mut workspace), (1.0, 0.0), out, weights, gradient) }.map_err(failed)
}

fn weight_gradient(
    Descriptors { x, weight, y, conv }: &Descriptors,
    device: &CudaDevice,
    (images, gradient): Arguments<'_>,
    out: &mut CudaSlice<f32>,
) -> Result<()> {
    let op = ConvBackwardFilter { conv, x, dw: weight, dy: y };
    let preferred = cudnnConvolutionBwdFilterAlgo_t::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
    let (algorithm, bytes) =
        choose(preferred, |algorithm| op.get_workspace_size(algorithm), || op.pick_algorithm())?;
    let mut workspace = workspace(device, bytes)?;
    // SAFETY: as in `forward`; the arguments are images and the gradient of the result, `out` has the size of the weights.
    unsafe { op.launch(algorithm, Some(&mut workspace), (1.0, 0.0), images, out, gradient) }.map_err(failed)
}
