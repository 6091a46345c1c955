//! Profiles of images and gradients: one number a band.

use freqbias::spectral::{Profiler, RadialBins, Recipe};
use numpy::{PyArray1, PyReadonlyArray4, ToPyArray};
use pyo3::prelude::*;

use crate::{
    arrays::{self, Rows, dims, rows, slice},
    error::reported,
    gradient::convention,
    pool::detached,
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
    let (found, bands) = detached(py, || {
        let profiler = Profiler::new(recipe, shape.channels, shape.height, shape.width, convention);
        let profiler = profiler.map_err(reported)?;
        let (profiles, bands) = (profiler.profiles(&values).map_err(reported)?, profiler.radii().len());
        let nothing = vec![f64::NAN; bands];
        let rows = profiles.by_image().flat_map(|row| row.unwrap_or(&nothing).to_vec());
        Ok((rows.collect::<Vec<f64>>(), bands))
    })?;
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
    profiles(py, &images, Recipe::Density, convention)
}

/// Of images: luma, |F|², radial mean.
#[pyfunction]
pub(crate) fn power<'py>(
    py: Python<'py>,
    images: PyReadonlyArray4<'py, f32>,
    convention: &str,
) -> PyResult<Rows<'py>> {
    profiles(py, &images, Recipe::Power, convention)
}
