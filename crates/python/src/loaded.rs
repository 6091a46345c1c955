//! Networks out of files, on our own engine.

use std::{path::PathBuf, sync::Arc};

use candle_core::{Device, Tensor};
use freqbias::{
    Architecture, DatasetProfile, Frozen, ImageSet, NetworkDescription, NetworkSpec, Normaliser, Session,
    StoredCheckpoint,
    analysis::network_words,
    checkpoints::Wanted,
    datasets::ImageShape,
    models::Family,
    open_network,
    pipeline::{MeasuredNetwork, OnnxNetwork, describe_networks},
    runs::StoredWeights,
};
use numpy::{PyArray2, PyReadonlyArray4};
use pyo3::prelude::*;

use crate::{
    arrays::{self, Dims, Images, dims, images, slice},
    error::{Error, reported},
    work::drive,
};

/// Images that are computed at once, as `grad` does.
const AT_ONCE: usize = 64;

/// Mean and standard deviation per channel.
type Numbers = ([f32; 3], [f32; 3]);

/// A network in evaluation mode.
#[pyclass(frozen, module = "freqbias")]
pub(crate) struct Network {
    network: Frozen,
    description: NetworkDescription,
}

/// A network of the weights in a file, whatever wrote it.
#[pyfunction]
pub(crate) fn load(
    py: Python<'_>,
    path: PathBuf,
    arch: Option<String>,
    weights: Option<String>,
    normaliser: Option<Numbers>,
) -> PyResult<Network> {
    drive(py, None, |_, _| {
        let wanted: Option<Architecture> = arch.as_deref().map(str::parse).transpose().map_err(reported)?;
        let given = given(normaliser)?;
        let wanted_weights = Wanted { architecture: wanted, weights: weights.as_deref() };
        let stored = StoredWeights::open(&path, wanted_weights, given).map_err(reported)?;
        let found = stored.fits().first().map(|(architecture, _)| *architecture).or(wanted);
        let architecture = found.ok_or_else(|| {
            Error::new_err(format!(
                "{}: the weights fit no architecture by their names and shapes; name it as arch",
                path.display()
            ))
        })?;
        let classes = architecture.classes(&stored.shapes()).unwrap_or(0);
        let checkpoint = StoredCheckpoint { weights, ..StoredCheckpoint::at(&path) };
        opened(architecture.into(), architecture.family(), classes, &checkpoint, given)
    })?
}

/// The network of an ONNX file, for images of a size.
#[pyfunction]
pub(crate) fn load_onnx(
    py: Python<'_>,
    path: PathBuf,
    size: [usize; 2],
    normaliser: Option<Numbers>,
) -> PyResult<Network> {
    arrays::image_shape([3, size[0], size[1]])?;
    drive(py, None, |_, _| {
        let network = OnnxNetwork::open(&path, size).map_err(reported)?;
        let classes = network.classes();
        let network = MeasuredNetwork::Onnx(Arc::new(network));
        opened(network, Family::for_size(size), classes, &StoredCheckpoint::new(0, path), given(normaliser)?)
    })?
}

fn given(normaliser: Option<Numbers>) -> PyResult<Option<Normaliser>> {
    normaliser.map(|(mean, std)| Normaliser::new(mean, std).map_err(reported)).transpose()
}

/// Opens a network for the classes that it has, as the programs open it for those of a data set.
fn opened(
    network: MeasuredNetwork,
    family: Family,
    classes: usize,
    checkpoint: &StoredCheckpoint,
    given: Option<Normaliser>,
) -> PyResult<Network> {
    let (name, usual) = match family {
        Family::Cifar => ("cifar10", Normaliser::CIFAR10),
        Family::Imagenet => ("imagenet", Normaliser::IMAGENET),
    };
    let profile = DatasetProfile { given_normaliser: given, ..DatasetProfile::new(name, usual) };
    let names: Arc<[String]> = (0..classes).map(|class| class.to_string()).collect();
    let none = ImageSet::new(Vec::<f32>::new(), Vec::new(), names, ImageShape::RGB32).map_err(reported)?;
    let spec = NetworkSpec::new(network, &none, &profile);
    let mut described = describe_networks(std::slice::from_ref(checkpoint), &spec).map_err(reported)?;
    let network = open_network(checkpoint, &spec, &Session::default()).map_err(reported)?;
    Ok(Network { network, description: described.remove(0) })
}

#[pymethods]
impl Network {
    /// The architecture's name, or that of the ONNX file.
    #[getter]
    fn arch(&self) -> &str {
        &self.description.arch
    }

    /// How many classes it has.
    #[getter]
    fn classes(&self) -> usize {
        self.network.classes()
    }

    /// Mean and standard deviation per channel.
    #[getter]
    fn normaliser(&self) -> Numbers {
        (self.description.mean, self.description.std)
    }

    /// What the normaliser is, if neither the caller nor the file has named it.
    #[getter]
    fn guessed_normaliser(&self) -> Option<&str> {
        self.description.normaliser_is_guessed.then_some(self.description.normaliser_from.as_str())
    }

    /// What it is and what of it was taken from where or guessed, a sentence each.
    #[getter]
    fn notes(&self) -> Vec<String> {
        network_words(std::slice::from_ref(&self.description))
    }

    /// The logits (N, classes) of images (N, 3, H, W).
    fn logits<'py>(
        &self,
        py: Python<'py>,
        images: PyReadonlyArray4<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let batches = Batches::new(&images, &[])?;
        let logits = self.each(py, &batches, |images, _| {
            let logits = self.network.logits(&images).map_err(reported)?;
            logits.flatten_all().and_then(|logits| logits.to_vec1::<f32>()).map_err(reported)
        })?;
        let dims = [batches.dims[0], self.network.classes()];
        let array = numpy::ndarray::Array2::from_shape_vec(dims, logits).map_err(reported)?;
        Ok(numpy::IntoPyArray::into_pyarray(array, py))
    }

    /// The gradient of each image's own cross-entropy with respect to its pixels, (N, 3, H, W); scaled: times a power of two of the
    /// image's own, right however sure the network is.
    fn input_gradient<'py>(
        &self,
        py: Python<'py>,
        images: PyReadonlyArray4<'py, f32>,
        labels: Vec<u32>,
        scaled: bool,
    ) -> PyResult<Images<'py>> {
        let batches = Batches::new(&images, &labels)?;
        let gradient = self.each(py, &batches, |images, labels| {
            let gradient = if scaled {
                self.network.scaled_input_gradient(&images, labels).map_err(reported)?.gradient
            } else {
                // That of the batch's mean, of which each image's own is a part.
                let found = self.network.input_gradient(&images, labels).map_err(reported)?;
                (found.gradient * labels.len() as f64).map_err(reported)?
            };
            gradient.flatten_all().and_then(|gradient| gradient.to_vec1::<f32>()).map_err(reported)
        })?;
        self::images(py, gradient, batches.dims)
    }
}

/// A copy of images, and labels or none.
struct Batches<'a> {
    pixels: Vec<f32>,
    labels: &'a [u32],
    dims: Dims,
}

impl<'a> Batches<'a> {
    fn new(images: &PyReadonlyArray4<'_, f32>, labels: &'a [u32]) -> PyResult<Self> {
        let dims = dims(images);
        arrays::image_shape([dims[1], dims[2], dims[3]])?;
        Ok(Self { pixels: slice(images)?.to_vec(), labels, dims })
    }
}

impl Network {
    /// What is computed of each batch, one after the other.
    fn each(
        &self,
        py: Python<'_>,
        batches: &Batches<'_>,
        compute: impl Fn(Tensor, &[u32]) -> PyResult<Vec<f32>> + Send + Sync,
    ) -> PyResult<Vec<f32>> {
        let [count, channels, height, width] = batches.dims;
        let size = (channels * height * width).max(1);
        drive(py, None, |_, progress| {
            let mut found = Vec::new();
            for start in (0..count).step_by(AT_ONCE) {
                progress.check().map_err(reported)?;
                let end = count.min(start + AT_ONCE);
                let pixels = &batches.pixels[start * size..end * size];
                let images = Tensor::from_slice(pixels, (end - start, channels, height, width), &Device::Cpu);
                let labels = batches.labels.get(start..end).unwrap_or(&[]);
                found.extend(compute(images.map_err(reported)?, labels)?);
            }
            Ok(found)
        })?
    }
}
