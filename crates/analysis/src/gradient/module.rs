//! The gradient spectrum of any network that is a [`candle_nn::Module`], by candle's autograd.
//!
//! The gradient is as right as candle's backward pass is. In candle 0.11.1 these differ from PyTorch, and with them the spectrum:
//!
//! * `max_pool2d` scales the gradient by (number of maxima) / k² at each maximum, and needs windows as large as their stride;
//! * `relu` passes the gradient on at exactly 0, `clamp` half of it at its bounds, a maximum all of it to every tie;
//! * `upsample_nearest2d` overwrites what other readers of a value have added to its gradient;
//! * a very deep graph is sorted recursively, and can overflow the stack of a small thread.
//!
//! Average pooling, convolutions, linear layers, batch-norm in evaluation mode, GELU and SiLU are right.

use candle_core::{DType, Tensor, Var};
use candle_nn::Module;
use datasets::ImageSet;
use pipeline::{DatasetProfile, DeviceBatch, Session, on_host, test_batches};
use spectral::SpectrumRow;

use super::{
    profiler::GradientProfiler,
    sums::{BatchProfiles, RowSums, SpectrumGroups},
};
use crate::Error;

/// The gradient spectrum of a network that maps pixels (B, 3, H, W) in [0, 1] to logits (B, classes), as a row of an epoch. A normaliser
/// is part of the network. It runs on the CPU, with parameters that are not changed.
///
/// ```
/// use analysis::spectrum_of_module;
/// use candle_core::{DType, Device, Tensor};
/// use datasets::synthetic::Synthetic;
/// use pipeline::{DatasetProfile, Session};
///
/// let test = Synthetic { seed: 0, train: 0, test: 8 }.generate().test;
/// // A linear network of one wave of eight periods across the image: its gradient is that wave, whatever the image.
/// let wave = |at: u32| (std::f32::consts::TAU * 8.0 * (at % 32) as f32 / 32.0).cos();
/// let weights: Vec<f32> = (0..10).flat_map(|class| (0..3072).map(move |at| wave(at) * class as f32 * 0.01)).collect();
/// let weights = Tensor::from_vec(weights, (10, 3072), &Device::Cpu)?;
/// let network = candle_nn::func(move |pixels| pixels.flatten_from(1)?.matmul(&weights.t()?));
/// let row = spectrum_of_module(&network, &test, &DatasetProfile::synthetic(), 0, &Session::default())?;
/// let radii: Vec<usize> = (1..=20).collect();
/// assert!((7..=9).contains(&row.peak(&radii)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the network fails or is no such map, an image cannot be read, no image gives a gradient, or the interrupt flag was set.
pub fn spectrum_of_module(
    network: &impl Module,
    images: &ImageSet,
    profile: &DatasetProfile,
    epoch: usize,
    session: &Session,
) -> Result<SpectrumRow, Error> {
    let profiler = GradientProfiler::new(images.shape(), &models::Backend::default())?;
    let mut sums = RowSums::new(&profiler, SpectrumGroups::default(), images.classes().len());
    let pass = session.progress.pass(&format!("epoch {epoch}"), images.len());
    let batches = test_batches(images, profile.gradient_batch_size, profile.workers);
    for batch in on_host(batches.map(|batch| batch.map_err(Error::from))) {
        let DeviceBatch { images, labels } = batch?;
        let (logits, gradient) = module_gradient(network, &images, &labels)?;
        sums.add(BatchProfiles::new(&profiler.profiles(&gradient)?, &logits, &labels)?);
        pass.advance(labels.len());
        pass.check()?;
    }
    sums.row(epoch, &format!("epoch {epoch}"))
}

/// Logits (B, classes), and the gradient of each image's cross-entropy with respect to its pixels (B, C, H, W), times a power of two as
/// [`logit_gradient`] says.
///
/// # Errors
/// If the network fails, gives other logits than (B, classes) with every label a class, or does not depend on its input.
pub fn module_gradient(
    network: &impl Module,
    images: &Tensor,
    labels: &[u32],
) -> Result<(Tensor, Tensor), Error> {
    let pixels = Var::from_tensor(images)?;
    let logits = network.forward(pixels.as_tensor())?;
    let weights = logit_gradient(&logits, labels)?;
    let gradients = (&logits * weights)?.sum_all()?.backward()?;
    let gradient = gradients.get(&pixels).cloned();
    let gradient = gradient.ok_or_else(|| {
        candle_core::Error::Msg(
            "the logits do not depend on the pixels, so that there is no gradient".to_owned(),
        )
    })?;
    Ok((logits.detach(), gradient))
}

/// ∂ cross-entropy / ∂ logits, (B, classes), each row times the power of two that brings its largest entry to [1, 2): the
/// probabilities, and at the label minus the sum of the others. (p − 1 would be zero there as soon as the network is sure.)
///
/// ```
/// use candle_core::{Device, Tensor};
/// let gradient = analysis::logit_gradient(&Tensor::new(&[[900f32, 0.0, 0.0]], &Device::Cpu)?, &[0])?.to_vec2::<f32>()?;
/// assert_eq!(gradient[0][1], gradient[0][2]);
/// assert_eq!(gradient[0][0], -2.0 * gradient[0][1]);
/// assert!((1.0..2.0).contains(&-gradient[0][0]));
/// # Ok::<(), analysis::Error>(())
/// ```
///
/// # Errors
/// If the logits are not (B, classes), or a label is no class.
pub fn logit_gradient(logits: &Tensor, labels: &[u32]) -> Result<Tensor, Error> {
    let (_, gradient) =
        kernels::device::scaled_cross_entropy(&logits.detach().to_dtype(DType::F32)?, labels)?;
    Ok(gradient.to_dtype(logits.dtype())?)
}
