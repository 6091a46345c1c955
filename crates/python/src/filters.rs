//! Images of which some frequencies remain, and hybrids of two.

use freqbias::spectral::{Filter, Hybrid, Pass, Rescale, Shape};
use numpy::{PyArray4, PyReadonlyArray4};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    arrays::{self, Images, dims, images, slice},
    error::reported,
    images::{AT_ONCE, check_finite},
    work::drive,
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

/// A length of whole images of a shape.
fn part_of(shape: [usize; 3]) -> usize {
    let length = shape.iter().product::<usize>().max(1);
    AT_ONCE.div_ceil(length) * length
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
    check_finite(array)?;
    let (shape, rescale, values) = (self::shape(shape)?, self::rescale(rescale)?, slice(array)?.to_vec());
    let found = drive(py, None, |_, progress| {
        let filter = Filter::shaped(shape, height, width, pass, rescale).map_err(reported)?;
        let mut found = Vec::with_capacity(values.len());
        for part in values.chunks(part_of([channels, height, width])) {
            progress.check().map_err(reported)?;
            found.extend(filter.apply(part).map_err(reported)?);
        }
        Ok::<_, PyErr>(found)
    })??;
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
    let found = drive(py, None, |_, progress| {
        let hybrid = Hybrid::shaped(shape, [channels, height, width], radius).map_err(reported)?;
        let at_once = part_of([channels, height, width]);
        let mut found = Vec::with_capacity(high.len());
        for (high, low) in high.chunks(at_once).zip(low.chunks(at_once)) {
            progress.check().map_err(reported)?;
            found.extend(hybrid.apply(high, low).map_err(reported)?);
        }
        Ok::<_, PyErr>(found)
    })??;
    let array = numpy::ndarray::Array4::from_shape_vec(dims, found).map_err(reported)?;
    Ok(numpy::IntoPyArray::into_pyarray(array, py))
}
