//! How cuDNN computes a pass of a convolution, looked up once.
//!
//! Algorithms are those that NVIDIA documents as deterministic; where one does not take the sizes at hand, cuDNN chooses.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use candle_core::{
    Result,
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
    descriptors::{integer, integers},
    error::failed,
};
use crate::device::{
    Precision,
    pass::{Kind, Pass},
};

/// What the numbers of a convolution can be; products are summed in f32.
pub(in crate::device) trait Number: CudaDType + CudnnDataType + DeviceRepr {
    const ONE: Self;
    const ZERO: Self;

    /// The plans for such numbers.
    fn plans(all: &Plans) -> &PlansOf<Self>;
}

impl Number for f32 {
    const ONE: Self = 1.0;
    const ZERO: Self = 0.0;

    fn plans(all: &Plans) -> &PlansOf<Self> {
        &all.of_f32
    }
}

impl Number for bf16 {
    const ONE: Self = Self::ONE;
    const ZERO: Self = Self::ZERO;

    fn plans(all: &Plans) -> &PlansOf<Self> {
        &all.of_bf16
    }
}

/// The plans of a thread.
#[derive(Default)]
pub(in crate::device) struct Plans {
    of_f32: PlansOf<f32>,
    of_bf16: PlansOf<bf16>,
}

pub(in crate::device) type PlansOf<T> = RefCell<HashMap<Pass, Rc<Plan<T>>>>;

impl Plans {
    /// The plan of a pass, made the first time that it is asked for.
    pub(super) fn of<T: Number>(&self, pass: &Pass, handle: &Arc<Cudnn>) -> Result<Rc<Plan<T>>> {
        if let Some(plan) = T::plans(self).borrow().get(pass) {
            return Ok(Rc::clone(plan));
        }
        let plan = Rc::new(Plan::new(pass, handle)?);
        T::plans(self).borrow_mut().insert(*pass, Rc::clone(&plan));
        Ok(plan)
    }
}

/// What cuDNN wants to know of a convolution.
struct Descriptors<T> {
    x: TensorDescriptor<T>,
    weight: FilterDescriptor<T>,
    y: TensorDescriptor<T>,
    conv: ConvDescriptor<f32>,
}

impl<T: Number> Descriptors<T> {
    fn of(pass: &Pass, handle: &Arc<Cudnn>) -> Result<Self> {
        let geometry = &pass.geometry;
        let (format, stride) = (cudnnTensorFormat_t::CUDNN_TENSOR_NCHW, integer(geometry.stride)?);
        let padding = [integer(geometry.padding[0])?, integer(geometry.padding[1])?];
        let mode = cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        let mut conv = handle.create_conv2d::<f32>(padding, [stride; 2], [1; 2], mode).map_err(failed)?;
        conv.set_group_count(integer(geometry.groups)?).map_err(failed)?;
        conv.set_math_type(match pass.precision {
            Precision::Full => cudnnMathType_t::CUDNN_FMA_MATH,
            // Tensor cores take f32 as TF32 by default, but bf16 only where they are asked to.
            Precision::Tf32 => cudnnMathType_t::CUDNN_DEFAULT_MATH,
            Precision::Bf16 => cudnnMathType_t::CUDNN_TENSOR_OP_MATH,
        })
        .map_err(failed)?;
        let tensor = |dims| handle.create_4d_tensor(format, integers(dims)?).map_err(failed);
        let weights = integers(pass.weights())?;
        let weight = handle.create_4d_filter(format, weights).map_err(failed)?;
        Ok(Self { x: tensor(pass.images())?, weight, y: tensor(pass.outputs())?, conv })
    }

    fn forward(&self) -> ConvForward<'_, T, f32, T> {
        ConvForward { conv: &self.conv, x: &self.x, w: &self.weight, y: &self.y }
    }

    fn input_gradient(&self) -> ConvBackwardData<'_, T, f32, T> {
        ConvBackwardData { conv: &self.conv, dx: &self.x, w: &self.weight, dy: &self.y }
    }

    fn weight_gradient(&self) -> ConvBackwardFilter<'_, T, f32, T> {
        ConvBackwardFilter { conv: &self.conv, x: &self.x, dw: &self.weight, dy: &self.y }
    }
}

/// How cuDNN computes a pass.
enum Algorithm {
    Forward(cudnnConvolutionFwdAlgo_t),
    InputGradient(cudnnConvolutionBwdDataAlgo_t),
    WeightGradient(cudnnConvolutionBwdFilterAlgo_t),
}

/// A pass as it is run each time: cuDNN takes longer to look it up than a GPU to compute a small one.
pub(in crate::device) struct Plan<T> {
    descriptors: Descriptors<T>,
    algorithm: Algorithm,
    /// Bytes that the algorithm works in.
    pub(super) bytes: usize,
}

impl<T: Number> Plan<T> {
    fn new(pass: &Pass, handle: &Arc<Cudnn>) -> Result<Self> {
        let descriptors = Descriptors::of(pass, handle)?;
        let (algorithm, bytes) = match pass.kind {
            Kind::Forward => {
                let op = descriptors.forward();
                let preferred = [cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM];
                let chosen = choose(&preferred, |one| op.get_workspace_size(one), || op.pick_algorithm())?;
                (Algorithm::Forward(chosen.0), chosen.1)
            }
            Kind::InputGradient => {
                let op = descriptors.input_gradient();
                let preferred = [cudnnConvolutionBwdDataAlgo_t::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1];
                let chosen = choose(&preferred, |one| op.get_workspace_size(one), || op.pick_algorithm())?;
                (Algorithm::InputGradient(chosen.0), chosen.1)
            }
            Kind::WeightGradient => {
                let op = descriptors.weight_gradient();
                let preferred = weight_gradients(pass);
                let chosen = choose(preferred, |one| op.get_workspace_size(one), || op.pick_algorithm())?;
                (Algorithm::WeightGradient(chosen.0), chosen.1)
            }
        };
        Ok(Self { descriptors, algorithm, bytes })
    }

    /// # Safety
    /// The arguments and `out` have the sizes that the pass tells of them, the workspace as many bytes as the plan.
    pub(super) unsafe fn launch(
        &self,
        (first, second): (&CudaView<'_, T>, &CudaView<'_, T>),
        out: &mut CudaSlice<T>,
        workspace: &mut CudaSlice<u8>,
    ) -> std::result::Result<(), CudnnError> {
        let (descriptors, scales, workspace) = (&self.descriptors, (T::ONE, T::ZERO), Some(workspace));
        // SAFETY: the caller vouches for the sizes.
        unsafe {
            match self.algorithm {
                Algorithm::Forward(algorithm) => {
                    descriptors.forward().launch(algorithm, workspace, scales, first, second, out)
                }
                Algorithm::InputGradient(algorithm) => {
                    descriptors.input_gradient().launch(algorithm, workspace, scales, out, first, second)
                }
                Algorithm::WeightGradient(algorithm) => {
                    descriptors.weight_gradient().launch(algorithm, workspace, scales, first, out, second)
                }
            }
        }
    }
}

/// Without tensor cores products are what costs, and Winograd's algorithm has fewer of them. It rounds more: where results go on
/// through a network, as those of the other passes do, that would add up.
fn weight_gradients(pass: &Pass) -> &'static [cudnnConvolutionBwdFilterAlgo_t] {
    const BOTH: [cudnnConvolutionBwdFilterAlgo_t; 2] = [
        cudnnConvolutionBwdFilterAlgo_t::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED,
        cudnnConvolutionBwdFilterAlgo_t::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1,
    ];
    let is_unit = pass.geometry.kernel == [3; 2] && pass.geometry.stride == 1;
    if is_unit && pass.precision == Precision::Full { &BOTH } else { &BOTH[1..] }
}

/// An algorithm with the bytes that it works in: the first preferred one that takes these sizes, or cuDNN's choice.
fn choose<A: Copy>(
    preferred: &[A],
    bytes: impl Fn(A) -> std::result::Result<usize, CudnnError>,
    pick: impl FnOnce() -> std::result::Result<A, CudnnError>,
) -> Result<(A, usize)> {
    for &algorithm in preferred {
        if let Ok(size) = bytes(algorithm) {
            return Ok((algorithm, size));
        }
    }
    let picked = pick().map_err(failed)?;
    Ok((picked, bytes(picked).map_err(failed)?))
}
