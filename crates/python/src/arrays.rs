//! Arrays in and out.

use freqbias::datasets::ImageShape;
use numpy::{
    PyArray1, PyArray2, PyArray4, PyReadonlyArray4, PyUntypedArrayMethods, ToPyArray, ndarray::Array4,
};
use pyo3::{exceptions::PyValueError, prelude::*};

/// A shape (N, C, H, W).
pub(crate) type Dims = [usize; 4];

/// What the lists of a Python result are.
pub(crate) type Floats<'py> = Bound<'py, PyArray1<f64>>;
/// Rows of numbers.
pub(crate) type Rows<'py> = Bound<'py, PyArray2<f64>>;
/// Images (N, C, H, W).
pub(crate) type Images<'py> = Bound<'py, PyArray4<f32>>;

/// The largest side of a plane: transforms of larger ones would ask for more memory than machines have.
const MOST: usize = 8192;

/// The shape of an array.
pub(crate) fn dims<T: numpy::Element>(array: &PyReadonlyArray4<'_, T>) -> Dims {
    array.shape().try_into().expect("an array of four axes")
}

/// The numbers of an array where they lie. They are read while the interpreter's lock is held.
///
/// # Errors
/// If they do not lie one after the other.
pub(crate) fn slice<'a, T: numpy::Element>(array: &'a PyReadonlyArray4<'_, T>) -> PyResult<&'a [T]> {
    array
        .as_slice()
        .map_err(|_| PyValueError::new_err("an array whose numbers do not lie one after the other"))
}

/// The shape of images, if it is one that can be transformed.
///
/// # Errors
/// If there are no channels, or a side is too long.
pub(crate) fn image_shape([channels, height, width]: [usize; 3]) -> PyResult<ImageShape> {
    if channels == 0 || height > MOST || width > MOST {
        let found = format!("{channels}×{height}×{width}");
        let expected = format!("expected one channel at least, and sides of at most {MOST}");
        return Err(PyValueError::new_err(format!("images of {found}: {expected}")));
    }
    Ok(ImageShape { channels, height, width })
}

/// Numbers as an array (N, C, H, W).
///
/// # Errors
/// If they are not as many.
pub(crate) fn images<'py>(py: Python<'py>, values: Vec<f32>, dims: Dims) -> PyResult<Images<'py>> {
    let array = Array4::from_shape_vec(dims, values).map_err(crate::error::reported)?;
    Ok(numpy::IntoPyArray::into_pyarray(array, py))
}

/// Numbers as a list.
pub(crate) fn floats<'py>(py: Python<'py>, values: &[f64]) -> Floats<'py> {
    values.to_pyarray(py)
}

/// Numbers as rows of a length.
///
/// # Errors
/// If they are not whole rows.
pub(crate) fn rows(py: Python<'_>, values: Vec<f64>, length: usize) -> PyResult<Rows<'_>> {
    let count = values.len().checked_div(length).unwrap_or(0);
    let array =
        numpy::ndarray::Array2::from_shape_vec([count, length], values).map_err(crate::error::reported)?;
    Ok(numpy::IntoPyArray::into_pyarray(array, py))
}
