//! Convolution: the result, and the gradients of images and of weights.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor};

use super::{
    Precision,
    pass::{Kind, Pass},
    patches::{Geometry, forward, input_gradient, weight_gradient},
};
use crate::blocked::ConvolutionShape;

/// A convolution between images of a known size and weights.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use kernels::{blocked::ConvolutionShape, device::{Convolution, Precision}};
///
/// let shape = ConvolutionShape { kernel: [2; 2], padding: [0; 2], ..ConvolutionShape::same([1, 1], 1, 1) };
/// let convolution = Convolution::new([1, 1, 3, 3], shape, Precision::Full)?;
/// let x = Tensor::arange(0f32, 9.0, &Device::Cpu)?.reshape((1, 1, 3, 3))?;
/// let weight = Tensor::ones((1, 1, 2, 2), candle_core::DType::F32, &Device::Cpu)?;
/// let y = convolution.forward(&x, &weight)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [8.0, 12.0, 20.0, 24.0]);
/// let ones = y.ones_like()?;
/// assert_eq!(convolution.weight_gradient(&x, &ones)?.flatten_all()?.to_vec1::<f32>()?, [8.0, 12.0, 20.0, 24.0]);
/// assert_eq!(convolution.input_gradient(&weight, &ones)?.flatten_all()?.to_vec1::<f32>()?[4], 4.0);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Convolution {
    geometry: Geometry,
    precision: Precision,
}

impl Convolution {
    /// A convolution of images (N, C, H, W).
    ///
    /// # Errors
    /// If the sizes do not fit each other.
    pub fn new(x: [usize; 4], shape: ConvolutionShape, precision: Precision) -> Result<Self> {
        Ok(Self { geometry: Geometry::new(x, shape)?, precision })
    }

    /// The result, (N, O, H', W').
    ///
    /// # Errors
    /// If the tensors are not of the sizes that were told, or the device fails.
    pub fn forward(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        self.pass(Kind::Forward).apply(x, weight)
    }

    /// The gradient of the images, from weights and the gradient of the result.
    ///
    /// # Errors
    /// As [`Convolution::forward`].
    pub fn input_gradient(&self, weight: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        self.pass(Kind::InputGradient).apply(weight, gradient)
    }

    /// The gradient of the weights, from images and the gradient of the result.
    ///
    /// # Errors
    /// As [`Convolution::forward`].
    pub fn weight_gradient(&self, x: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        self.pass(Kind::WeightGradient).apply(x, gradient)
    }

    fn pass(&self, kind: Kind) -> Pass {
        Pass { geometry: self.geometry, precision: self.precision, kind }
    }
}

impl Pass {
    fn apply(self, first: &Tensor, second: &Tensor) -> Result<Tensor> {
        let [expected_first, expected_second, _] = self.shapes();
        for (tensor, expected) in [(first, expected_first), (second, expected_second)] {
            if tensor.dims() != expected {
                candle_core::bail!("{}: a tensor of {:?}, expected {expected:?}", self.name(), tensor.dims());
            }
        }
        let (first, second) = (first.contiguous()?, second.contiguous()?);
        if self.precision != Precision::Bf16 {
            return first.apply_op2_no_bwd(&second, &self);
        }
        let (first, second) = (first.to_dtype(DType::BF16)?, second.to_dtype(DType::BF16)?);
        if first.device().is_cuda() {
            return first.apply_op2_no_bwd(&second, &self)?.to_dtype(DType::F32);
        }
        first.to_dtype(DType::F32)?.apply_op2_no_bwd(&second.to_dtype(DType::F32)?, &self)
    }

    fn shape(&self) -> Shape {
        let [_, _, result] = self.shapes();
        Shape::from(result.as_slice())
    }
}

impl CustomOp2 for Pass {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Forward => "convolution",
            Kind::InputGradient => "convolution-input-gradient",
            Kind::WeightGradient => "convolution-weight-gradient",
        }
    }

    fn cpu_fwd(
        &self,
        first: &CpuStorage,
        first_layout: &Layout,
        second: &CpuStorage,
        second_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = &self.geometry;
        let (first, second) = (contiguous(first, first_layout)?, contiguous(second, second_layout)?);
        let values = match self.kind {
            Kind::Forward => forward(geometry, first, second),
            Kind::InputGradient => input_gradient(geometry, first, second),
            Kind::WeightGradient => weight_gradient(geometry, first, second),
        };
        Ok((CpuStorage::F32(values), self.shape()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        first: &candle_core::CudaStorage,
        first_layout: &Layout,
        second: &candle_core::CudaStorage,
        second_layout: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        use candle_core::backend::BackendStorage;

        use super::cuda::convolution::run;
        let is_half = first.dtype() == DType::BF16;
        let (first, second) = ((first, first_layout), (second, second_layout));
        let run = if is_half { run::<half::bf16> } else { run::<f32> };
        Ok((run(self, first, second)?, self.shape()))
    }
}

/// The numbers behind a contiguous layout.
fn contiguous<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let values = storage.as_slice::<f32>()?;
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => candle_core::bail!("expected a contiguous tensor, found the strides {:?}", layout.stride()),
    }
}
