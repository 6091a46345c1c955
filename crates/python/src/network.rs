//! A model of another library, behind two functions.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use freqbias::models::{ForeignError, ForeignNetwork};
use numpy::{PyReadonlyArray2, PyReadonlyArray4, ToPyArray};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    arrays::{Dims, dims, images, slice},
    error::reported,
    work::Caller,
};

/// The functions of a model, called on the thread that asked for the measurement. They take and give NumPy arrays of f32; the Python
/// side has seen to that.
#[derive(Debug)]
pub(crate) struct PythonNetwork {
    pub(crate) caller: Caller,
    pub(crate) functions: Functions,
    pub(crate) classes: usize,
}

/// `model_fn(images) -> logits` and `gradient_fn(images, labels, scaled) -> gradients`; a measure of logits alone needs no second one.
#[derive(Debug, Clone)]
pub(crate) struct Functions {
    model: Arc<Py<PyAny>>,
    gradient: Option<Arc<Py<PyAny>>>,
}

impl Functions {
    pub(crate) fn new(model: Py<PyAny>, gradient: Option<Py<PyAny>>) -> Self {
        Self { model: Arc::new(model), gradient: gradient.map(Arc::new) }
    }
}

impl PythonNetwork {
    /// Each image's own gradient; scaled: times any positive number.
    fn gradient(&self, images: &Tensor, labels: &[u32], scaled: bool) -> Result<Tensor, ForeignError> {
        let (values, shape) = plain(images)?;
        let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
        let gradient = self.functions.gradient.clone();
        let (gradients, found) = self.caller.ask(move |py| {
            let gradient = gradient
                .ok_or_else(|| PyValueError::new_err("this measure needs a gradient_fn(images, labels)"))?;
            let batch = (self::images(py, values, shape)?, labels.to_pyarray(py), scaled);
            let gradients = gradient.call1(py, batch)?;
            let gradients: PyReadonlyArray4<'_, f32> = gradients.extract(py)?;
            Ok((slice(&gradients)?.to_vec(), dims(&gradients)))
        })?;
        Ok(Tensor::from_vec(gradients, &found, &Device::Cpu)?)
    }
}

impl ForeignNetwork for PythonNetwork {
    fn classes(&self) -> usize {
        self.classes
    }

    fn logits(&self, images: &Tensor) -> Result<Tensor, ForeignError> {
        let (values, dims) = plain(images)?;
        let model = Arc::clone(&self.functions.model);
        let (logits, dims) = self.caller.ask(move |py| {
            let logits = model.call1(py, (self::images(py, values, dims)?,))?;
            let logits: PyReadonlyArray2<'_, f32> = logits.extract(py)?;
            let view = logits.as_array();
            Ok((view.iter().copied().collect::<Vec<f32>>(), view.dim()))
        })?;
        Ok(Tensor::from_vec(logits, dims, &Device::Cpu)?)
    }

    fn input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<Tensor, ForeignError> {
        self.gradient(images, labels, false)
    }

    fn scaled_input_gradient(&self, images: &Tensor, labels: &[u32]) -> Result<Tensor, ForeignError> {
        self.gradient(images, labels, true)
    }
}

/// Numbers and shape of images.
fn plain(images: &Tensor) -> Result<(Vec<f32>, Dims), candle_core::Error> {
    let (count, channels, height, width) = images.dims4()?;
    Ok((images.flatten_all()?.to_vec1::<f32>()?, [count, channels, height, width]))
}

/// Numbers of an array as a tensor.
///
/// # Errors
/// If they do not lie one after the other.
pub(crate) fn tensor(array: &PyReadonlyArray4<'_, f32>) -> PyResult<Tensor> {
    Tensor::from_vec(slice(array)?.to_vec(), &dims(array), &Device::Cpu).map_err(reported)
}
