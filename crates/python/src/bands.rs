//! Profiles of images and gradients: one number a band.

use freqbias::spectral::{Profiler, RadialBins, Recipe};
use numpy::{PyArray1, PyReadonlyArray4, ToPyArray};
use pyo3::prelude::*;

use crate::{
    arrays::{self, Rows, dims, rows, slice},
    error::reported,
    gradient::convention,
    images::{AT_ONCE, check_finite},
    work::drive,
};

/// The radius of each band of (H, W) spectra.
#[pyfunction(name = "radii")]
pub(crate) fn radii<'py>(
    py: Python<'py>,
    height: usize,
    width: usize,
    convention: &str,
) -> PyResult<Bound<'py, PyArray1<usize>>> {
    let convention = self::convention(convention)?;
    arrays::image_shape([1, height, width])?;
    Ok(RadialBins::new(height, width, convention).radii().to_pyarray(py))
}

/// Profiles of images (N, C, H, W), a row each; not a number where an image has none.
fn profiles<'py>(
    py: Python<'py>,
    images: &PyReadonlyArray4<'py, f32>,
    recipe: Recipe,
    name: &str,
) -> PyResult<Rows<'py>> {
    let [_, channels, height, width] = dims(images);
    let shape = arrays::image_shape([channels, height, width])?;
    let (convention, values) = (convention(name)?, slice(images)?.to_vec());
    let found = drive(py, None, |_, progress| {
        let profiler = Profiler::new(recipe, shape.channels, shape.height, shape.width, convention);
        let profiler = profiler.map_err(reported)?;
        let nothing = vec![f64::NAN; profiler.radii().len()];
        let mut found = Vec::new();
        let length = shape.len().max(1);
        for part in values.chunks(AT_ONCE.div_ceil(length) * length) {
            progress.check().map_err(reported)?;
            let profiles = profiler.profiles(part).map_err(reported)?;
            found.extend(profiles.by_image().flat_map(|row| row.unwrap_or(&nothing).to_vec()));
        }
        Ok::<_, PyErr>((found, nothing.len()))
    })?;
    let (found, bands) = found?;
    rows(py, found, bands)
}

/// Of input gradients: channels summed, |F|, radial mean, scaled to [0, 1] per image.
#[pyfunction]
pub(crate) fn gradient_profiles<'py>(
    py: Python<'py>,
    gradients: PyReadonlyArray4<'py, f32>,
    convention: &str,
) -> PyResult<Rows<'py>> {
    profiles(py, &gradients, Recipe::Gradient, convention)
}

/// Of images: luma, 20·ln(1 + |F|), radial mean, scaled to [0, 1] per image.
#[pyfunction]
pub(crate) fn density<'py>(
    py: Python<'py>,
    images: PyReadonlyArray4<'py, f32>,
    convention: &str,
) -> PyResult<Rows<'py>> {
    check_finite(&images)?;
    profiles(py, &images, Recipe::Density, convention)
}

/// Of images: luma, |F|², radial mean.
#[pyfunction]
pub(crate) fn power<'py>(
    py: Python<'py>,
    images: PyReadonlyArray4<'py, f32>,
    convention: &str,
) -> PyResult<Rows<'py>> {
    check_finite(&images)?;
    profiles(py, &images, Recipe::Power, convention)
}
