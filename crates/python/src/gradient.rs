//! The gradient spectrum of gradients that Python hands over.
//!
//! Gradients are read where they lie. Meanwhile the interpreter's lock is held, so that no Python code changes them: they are taken in
//! parts of some milliseconds, and between these other threads have their turn.

use std::sync::{Mutex, MutexGuard};

use candle_core::{Device, Tensor};
use freqbias::{
    analysis::{self, BandStatistics, GradientStatistics, GradientSums},
    spectral::Convention,
};
use numpy::{PyArray2, PyReadonlyArray2, PyReadonlyArray4, ToPyArray};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    sync::MutexExt,
    types::{PyBytes, PyDict},
};
use serde::{Deserialize, Serialize};

use crate::{
    arrays::{self, Floats, Rows, floats, rows},
    error::reported,
    pool::attached,
};

/// Numbers that are taken at once, some ten milliseconds on two cores: enough that waking threads and waiting for the last of them costs
/// nothing, few enough that other threads hardly wait.
const AT_ONCE: usize = 32 << 20;
/// Images that the library takes at once.
const GROUP: usize = 16;

/// A stream of gradients: `freqbias.GradientSpectrum` is what is public.
#[pyclass(frozen, module = "freqbias._freqbias")]
pub(crate) struct GradientSpectrum {
    statistics: Mutex<GradientStatistics>,
}

/// What is sent to another process: sums, and what they are of.
#[derive(Serialize, Deserialize)]
struct Sent<Sums> {
    channels: usize,
    height: usize,
    width: usize,
    convention: String,
    sums: Sums,
}

impl<Sums> Sent<Sums> {
    fn new(statistics: &GradientStatistics, sums: Sums) -> Self {
        let shape = statistics.shape();
        let convention = name(statistics.convention()).to_owned();
        Self { channels: shape.channels, height: shape.height, width: shape.width, convention, sums }
    }

    fn words(&self) -> String {
        let Self { channels, height, width, convention, .. } = self;
        format!("gradients of {channels}×{height}×{width}, convention \"{convention}\"")
    }
}

/// The name of a convention.
fn name(convention: Convention) -> &'static str {
    match convention {
        Convention::Reference => "reference",
        Convention::Textbook => "textbook",
        Convention::Nearest => "nearest",
    }
}

/// The convention of a name.
///
/// # Errors
/// If there is none of that name.
pub(crate) fn convention(name: &str) -> PyResult<Convention> {
    match name {
        "reference" => Ok(Convention::Reference),
        "textbook" => Ok(Convention::Textbook),
        "nearest" => Ok(Convention::Nearest),
        other => {
            let expected = "expected \"reference\", \"textbook\" or \"nearest\"";
            Err(PyValueError::new_err(format!("convention {other:?}: {expected}")))
        }
    }
}

#[pymethods]
impl GradientSpectrum {
    #[new]
    fn new(channels: usize, height: usize, width: usize, convention: &str) -> PyResult<Self> {
        let (shape, convention) =
            (arrays::image_shape([channels, height, width])?, self::convention(convention)?);
        let statistics = GradientStatistics::new(shape, convention).map_err(reported)?;
        Ok(Self { statistics: Mutex::new(statistics) })
    }

    /// Adds gradients (N, C, H, W).
    fn update(&self, py: Python<'_>, gradients: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut start = 0;
        loop {
            // Borrowed anew for each part: while other threads had their turn, anything may have happened to the array.
            let array: PyReadonlyArray4<'_, f32> = gradients.extract()?;
            let mut guard = self.lock(py)?;
            let statistics = &mut *guard;
            let shape = statistics.shape();
            let [count, channels, height, width] = arrays::dims(&array);
            if [channels, height, width] != [shape.channels, shape.height, shape.width] {
                let found = format!("gradients of {channels}×{height}×{width}");
                return Err(PyValueError::new_err(format!("{found}: expected {shape}")));
            }
            let part = (AT_ONCE / shape.len()).next_multiple_of(2 * GROUP * rayon_threads()?).max(1);
            let end = count.min(start + part);
            if start < end {
                let values = &arrays::slice(&array)?[start * shape.len()..end * shape.len()];
                attached(py, || statistics.push(values).map_err(reported))?;
            }
            drop((guard, array));
            if end >= count {
                return Ok(());
            }
            start = end;
            py.detach(|| ());
            py.check_signals()?;
        }
    }

    /// What is summed, to be sent to another process.
    fn sums<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let statistics = self.lock(py)?;
        let bytes = serde_json::to_vec(&Sent::new(&statistics, statistics.sums())).map_err(reported)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Adds what another process has summed.
    fn merge(&self, py: Python<'_>, sums: &[u8]) -> PyResult<()> {
        let sent: Sent<GradientSums> = serde_json::from_slice(sums).map_err(|_| {
            PyValueError::new_err(format!(
                "{} bytes that are no sums of a gradient spectrum: expected what sums() of this version gives",
                sums.len()
            ))
        })?;
        let mut statistics = self.lock(py)?;
        let (found, expected) = (sent.words(), Sent::new(&statistics, ()).words());
        if found != expected {
            return Err(PyValueError::new_err(format!("sums of {found}: expected {expected}")));
        }
        statistics.merge(&sent.sums).map_err(reported)
    }

    /// Everything found so far: count, skipped, and two sets of lists.
    fn result<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let statistics = self.lock(py)?;
        if statistics.count() == 0 {
            let (what, images) = ("the gradients".to_owned(), statistics.skipped());
            return Err(reported(analysis::Error::NoGradients { what, images }));
        }
        let found = PyDict::new(py);
        found.set_item("count", statistics.count())?;
        found.set_item("skipped", statistics.skipped())?;
        found.set_item("spectrum", statistics_dict(py, statistics.profiles())?)?;
        found.set_item("sensitivity", statistics_dict(py, statistics.shares())?)?;
        Ok(found)
    }

    /// Gradients with and without a profile so far.
    fn counts(&self, py: Python<'_>) -> PyResult<(usize, usize)> {
        let statistics = self.lock(py)?;
        Ok((statistics.count(), statistics.skipped()))
    }
}

impl GradientSpectrum {
    /// Other threads run while this one waits.
    pub(crate) fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, GradientStatistics>> {
        self.statistics.lock_py_attached(py).map_err(|_| {
            PyValueError::new_err("these statistics were left half-way by an earlier error; make new ones")
        })
    }
}

fn rayon_threads() -> PyResult<usize> {
    crate::pool::threads()
}

fn statistics_dict(py: Python<'_>, found: BandStatistics) -> PyResult<Bound<'_, PyDict>> {
    let lists = PyDict::new(py);
    lists.set_item("radii", found.radii.to_pyarray(py))?;
    let (mean, std): (Floats<'_>, Floats<'_>) = (floats(py, &found.mean), floats(py, &found.std));
    lists.set_item("mean", mean)?;
    lists.set_item("std", std)?;
    let ends = found.interval.map(|ends| ends.concat());
    let interval: Option<Rows<'_>> = ends.map(|ends| rows(py, ends, 2)).transpose()?;
    lists.set_item("interval", interval)?;
    Ok(lists)
}

/// ∂ cross-entropy / ∂ logits (N, classes), each row times a power of two of its own: right however sure the network is.
#[pyfunction]
pub(crate) fn logit_gradient<'py>(
    py: Python<'py>,
    logits: PyReadonlyArray2<'py, f32>,
    labels: Vec<u32>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let view = logits.as_array();
    let (dims, values) = (view.dim(), view.iter().copied().collect::<Vec<f32>>());
    let gradient = attached(py, || {
        let logits = Tensor::from_vec(values, dims, &Device::Cpu).map_err(reported)?;
        let gradient = analysis::logit_gradient(&logits, &labels).map_err(reported)?;
        gradient.flatten_all().and_then(|values| values.to_vec1::<f32>()).map_err(reported)
    })?;
    let array = numpy::ndarray::Array2::from_shape_vec(dims, gradient).map_err(reported)?;
    Ok(numpy::IntoPyArray::into_pyarray(array, py))
}
