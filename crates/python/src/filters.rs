//! Images of which some frequencies remain, and hybrids of two.

use freqbias::spectral::{self, Filter, Hybrid, Pass, Rescale, Shape};
use numpy::{PyArray4, PyReadonlyArray4};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    arrays::{self, Images, dims, images, slice},
    error::reported,
    pool::detached,
};

/// The shape of a mask by its name.
///
/// # Errors
/// If there is none of that name.
pub(crate) fn shape(name: &str) -> PyResult<Shape> {
    match name {
        "radial" => Ok(Shape::Radial),
        "square" => Ok(Shape::Square),
        "l1" => Ok(Shape::L1),
        "dct" => Ok(Shape::Dct),
        other => Err(unknown("shape", other, "radial, square, l1 or dct")),
    }
}

/// What becomes of filtered values, by its name.
///
/// # Errors
/// If there is none of that name.
pub(crate) fn rescale(name: &str) -> PyResult<Rescale> {
    match name {
        "minmax" => Ok(Rescale::MinMax),
        "clip" => Ok(Rescale::Clip),
        "none" => Ok(Rescale::None),
        other => Err(unknown("rescale", other, "minmax, clip or none")),
    }
}

fn unknown(what: &str, found: &str, expected: &str) -> PyErr {
    PyValueError::new_err(format!("{what} {found:?}: expected {expected}"))
}

fn filtered<'py>(
    py: Python<'py>,
    array: &PyReadonlyArray4<'py, f32>,
    pass: Pass,
    shape: &str,
    rescale: &str,
) -> PyResult<Images<'py>> {
    let dims = dims(array);
    let [_, channels, height, width] = dims;
    arrays::image_shape([channels, height, width])?;
    let (shape, rescale, values) = (self::shape(shape)?, self::rescale(rescale)?, slice(array)?.to_vec());
    let found = detached(py, || {
        let filter = Filter::shaped(shape, height, width, pass, rescale).map_err(reported)?;
        filter.apply(&values).map_err(reported)
    })?;
    images(py, found, dims)
}

/// What lies below a radius: d < r.
#[pyfunction]
pub(crate) fn low_pass<'py>(
    py: Python<'py>,
    images: PyReadonlyArray4<'py, f32>,
    radius: usize,
    shape: &str,
    rescale: &str,
) -> PyResult<Images<'py>> {
    filtered(py, &images, Pass::Low(radius), shape, rescale)
}

/// What lies at a radius and beyond: d ≥ r.
#[pyfunction]
pub(crate) fn high_pass<'py>(
    py: Python<'py>,
    images: PyReadonlyArray4<'py, f32>,
    radius: usize,
    shape: &str,
    rescale: &str,
) -> PyResult<Images<'py>> {
    filtered(py, &images, Pass::High(radius), shape, rescale)
}

/// What lies in a ring: r₁ ≤ d < r₂.
#[pyfunction]
pub(crate) fn ring<'py>(
    py: Python<'py>,
    images: PyReadonlyArray4<'py, f32>,
    inner: usize,
    outer: usize,
    shape: &str,
    rescale: &str,
) -> PyResult<Images<'py>> {
    filtered(py, &images, Pass::Ring(inner, outer), shape, rescale)
}

/// Images (N, C, H, W) of bytes with the high frequencies of one and the low ones of another.
#[pyfunction]
pub(crate) fn hybrid<'py>(
    py: Python<'py>,
    high: PyReadonlyArray4<'py, u8>,
    low: PyReadonlyArray4<'py, u8>,
    radius: usize,
    shape: &str,
) -> PyResult<Bound<'py, PyArray4<u8>>> {
    let (dims, other) = (dims(&high), arrays::dims(&low));
    if dims != other {
        let message = format!("images of shape {other:?} to give low frequencies: expected {dims:?}");
        return Err(PyValueError::new_err(message));
    }
    let [_, channels, height, width] = dims;
    arrays::image_shape([channels, height, width])?;
    let (shape, high, low) = (self::shape(shape)?, slice(&high)?.to_vec(), slice(&low)?.to_vec());
    let found = detached(py, || {
        let hybrid: Result<_, spectral::Error> = Hybrid::shaped(shape, [channels, height, width], radius);
        hybrid.and_then(|hybrid| hybrid.apply(&high, &low)).map_err(reported)
    })?;
    let array = numpy::ndarray::Array4::from_shape_vec(dims, found).map_err(reported)?;
    Ok(numpy::IntoPyArray::into_pyarray(array, py))
}
