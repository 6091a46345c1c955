//! A frozen classifier as a layer of candle's.

use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Storage, Tensor, backend::BackendStorage,
};
use candle_nn::Module;

use crate::{error::Error, frozen::Frozen};

/// Logits (N, classes) of images (N, 3, H, W) in [0, 1].
///
/// Where autograd follows the images, it goes through the network: backward, the network runs once more, forward and then back, for the
/// gradient of the pixels. That gradient is a constant, so there are no second derivatives; the weights stand still and have no
/// gradient. The images are on the device that the weights are on.
///
/// ```
/// use candle_core::{D, Device, Tensor, Var};
/// use candle_nn::Module;
/// # use models::{Architecture, Classifier, Normaliser};
/// # let resnet: Architecture = "resnet20".parse()?;
/// # let waves = |(name, shape): (&String, &Vec<usize>)| {
/// #     let values = Tensor::arange(0f32, shape.iter().product::<usize>() as f32, &Device::Cpu)?.sin()?;
/// #     let is_positive = name.ends_with("running_var");
/// #     let values = if is_positive { (values.sqr()? + 0.5)? } else { (values * 0.2)? };
/// #     Ok((name.clone(), values.reshape(shape.as_slice())?))
/// # };
/// # let weights = resnet.graph(10).shapes().iter().map(waves).collect::<candle_core::Result<_>>()?;
/// # let network = Classifier::new(resnet, 10, Normaliser::CIFAR10, &weights)?.freeze()?;
/// let images = Var::from_tensor(&Tensor::full(0.5f32, (2, 3, 32, 32), &Device::Cpu)?)?;
/// let labels = Tensor::new(&[3u32, 7], &Device::Cpu)?;
/// let loss = candle_nn::loss::cross_entropy(&network.forward(&images)?, &labels)?;
/// let gradients = loss.backward()?;
///
/// let expected = network.input_gradient(&images, &[3, 7])?;
/// assert!((loss.to_scalar::<f32>()? - expected.loss).abs() < 1e-5);
/// let apart = (gradients.get(&images).unwrap() - &expected.gradient)?.abs()?.flatten_all()?.max(0)?;
/// let largest = expected.gradient.abs()?.flatten_all()?.max(0)?;
/// assert!(apart.to_scalar::<f32>()? < 1e-3 * largest.to_scalar::<f32>()?);
/// # Ok::<(), models::Error>(())
/// ```
impl Module for Frozen {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let logits = self.logits(images).map_err(plain)?;
        if !images.track_op() {
            return Ok(logits);
        }
        images.apply_op1(Logits { network: self.clone(), logits })
    }
}

/// candle's own error where it is one.
fn plain(error: Error) -> candle_core::Error {
    match error {
        Error::Tensor(error) => error,
        error => candle_core::Error::wrap(error),
    }
}

/// The network as an operation that autograd knows, whose forward pass is done.
struct Logits {
    network: Frozen,
    logits: Tensor,
}

impl Logits {
    fn elsewhere() -> candle_core::Error {
        candle_core::Error::Msg("images and weights of a classifier on different devices".to_owned())
    }
}

impl CustomOp1 for Logits {
    fn name(&self) -> &'static str {
        "classifier"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        if !self.logits.device().is_cpu() {
            return Err(Self::elsewhere());
        }
        Ok((CpuStorage::F32(self.logits.flatten_all()?.to_vec1()?), self.logits.shape().clone()))
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        let (storage, layout) = self.logits.storage_and_layout();
        // An operation has just made them: they are all that their storage has.
        let Storage::Cuda(storage) = &*storage else { return Err(Self::elsewhere()) };
        Ok((storage.try_clone(layout)?, self.logits.shape().clone()))
    }

    fn bwd(&self, images: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        self.network.vector_jacobian_product(images, gradient).map(Some).map_err(plain)
    }
}
