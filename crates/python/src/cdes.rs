//! Kernels that change the spectra of images (CDES).

use std::path::PathBuf;

use candle_core::Tensor;
use freqbias::{
    cdes::{
        FitEvent, FitSettings, FloatImages, Objective, Restructurer, ToyKernels, noise_generator, noisy,
        target_density as density,
    },
    progress::Progress,
};
use numpy::{PyArray1, PyReadonlyArray4};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    arrays::{self, Dims, Floats, Images, dims, floats, images, slice},
    error::{Error, reported},
    images::{AT_ONCE, check_finite},
    network::tensor,
    work::drive,
};

/// Two convolutions that give images another spectral density.
#[pyclass(frozen, module = "freqbias.cdes")]
pub(crate) struct Kernels {
    kernels: ToyKernels,
    losses: Vec<f64>,
}

/// The target of a fit: a density of two peaks, one value a band.
#[pyfunction]
pub(crate) fn target_density(py: Python<'_>, bands: usize, height: usize, rho: f64) -> PyResult<Floats<'_>> {
    if bands == 0 || bands > 100_000 || height == 0 || !rho.is_finite() {
        let found = format!("{bands} bands, height {height}, rho {rho}");
        return Err(PyValueError::new_err(format!(
            "{found}: expected at least one band, height 1, a finite rho"
        )));
    }
    Ok(floats(py, &density(bands, height, rho)))
}

/// How kernels are fitted.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    number: usize,
    kernel_size: usize,
    epochs: usize,
    lr: f64,
    batch_size: usize,
    seed: u64,
    progress: Option<Py<PyAny>>,
}

/// Fits kernels to a target, on images (N, 3, H, W) in [0, 1].
#[pyfunction]
pub(crate) fn fit_kernels<'py>(
    py: Python<'py>,
    images: PyReadonlyArray4<'py, f32>,
    target: Vec<f64>,
    settings: Settings,
) -> PyResult<Kernels> {
    let [_, channels, height, width] = dims(&images);
    arrays::image_shape([channels, height, width])?;
    if channels != 3 {
        return Err(PyValueError::new_err(format!("images of {channels} channels: expected 3")));
    }
    let pixels = slice(&images)?.to_vec();
    let Settings { number, kernel_size, epochs, lr, batch_size, seed, progress } = settings;
    drive(py, progress, move |_, progress| {
        let objective = Objective::new(height, width, target).map_err(reported)?;
        let settings = FitSettings { epochs, lr, batch_size, seed, ..FitSettings::default() };
        let fit = settings.check(objective).map_err(reported)?;
        let mut kernels = ToyKernels::new(number, kernel_size, seed).map_err(reported)?;
        let source = FloatImages::new(&pixels, [height, width]).map_err(reported)?;
        let mut losses = Vec::new();
        let pass = progress.pass("kernels", epochs);
        let mut observe = |event: FitEvent<'_>| {
            if let FitEvent::Epoch { losses: found, .. } = event {
                losses.push(found.loss);
                pass.advance(1);
            }
        };
        fit.run(&mut kernels, &source, None, progress.interrupt(), &mut observe).map_err(reported)?;
        drop(pass);
        Ok(Kernels { kernels, losses })
    })?
}

#[pymethods]
impl Kernels {
    /// The kernels in a file that `save` or the program has written.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        Ok(Self { kernels: ToyKernels::load(&path).map_err(reported)?, losses: Vec::new() })
    }

    /// Writes the file, whole or not at all.
    fn save(&self, path: PathBuf) -> PyResult<()> {
        self.kernels.save(&path).map_err(reported)
    }

    /// What the kernels make of images (N, 3, H, W), with the noise of a seed or none.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        images: PyReadonlyArray4<'py, f32>,
        noise: Option<u64>,
    ) -> PyResult<Images<'py>> {
        let (dims, pixels) = (dims(&images), tensor(&images)?);
        let found = drive(py, None, |_, progress| {
            let pixels = match noise {
                Some(seed) => noisy(&pixels, &mut noise_generator(seed, 0, 0)).map_err(reported)?,
                None => pixels,
            };
            by_parts(dims, &progress, |start, count| {
                let part = pixels.narrow(0, start, count).map_err(reported)?;
                self.kernels.apply(&part).map_err(reported)
            })
        })??;
        self::images(py, found, dims)
    }

    /// The mean loss of each epoch of the fit.
    #[getter]
    fn losses<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        floats(py, &self.losses)
    }
}

/// The low frequencies of one and the high ones of another, min–max scaled per channel.
#[pyfunction]
pub(crate) fn restructure<'py>(
    py: Python<'py>,
    low: PyReadonlyArray4<'py, f32>,
    high: PyReadonlyArray4<'py, f32>,
    radius: usize,
) -> PyResult<Images<'py>> {
    let dims = dims(&low);
    let [_, channels, height, width] = dims;
    arrays::image_shape([channels, height, width])?;
    check_finite(&low)?;
    check_finite(&high)?;
    let (low, high) = (tensor(&low)?, tensor(&high)?);
    if low.dims() != high.dims() {
        let message =
            format!("images of shape {:?} to give high frequencies: expected {dims:?}", high.dims());
        return Err(Error::new_err(message));
    }
    let found = drive(py, None, |_, progress| {
        let plan = Restructurer::new(height, width, radius).map_err(reported)?;
        by_parts(dims, &progress, |start, count| {
            let part = |images: &Tensor| images.narrow(0, start, count).map_err(reported);
            plan.apply(&part(&low)?, &part(&high)?).map_err(reported)
        })
    })??;
    images(py, found, dims)
}

/// The numbers of what is made of some images at a time; between these somebody may stop the work.
fn by_parts(
    [count, channels, height, width]: Dims,
    progress: &Progress,
    make: impl Fn(usize, usize) -> PyResult<Tensor>,
) -> PyResult<Vec<f32>> {
    let (length, mut found) = ((channels * height * width).max(1), Vec::new());
    let at_once = AT_ONCE.div_ceil(length);
    // Of no images, too, which the library may refuse.
    for start in (0..count.max(1)).step_by(at_once) {
        progress.check().map_err(reported)?;
        let made = make(start, at_once.min(count - start))?;
        found.extend(made.flatten_all().and_then(|made| made.to_vec1::<f32>()).map_err(reported)?);
    }
    Ok(found)
}
