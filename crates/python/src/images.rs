//! Labelled images from arrays.

use freqbias::{
    ImageSet,
    datasets::{ImageShape, synthetic::Synthetic},
};
use numpy::{PyArray1, PyReadonlyArray4, ToPyArray};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    arrays::{self, Images, dims, image_shape, slice},
    error::reported,
    pool::detached,
};

/// A copy of images (N, 3, H, W) in [0, 1] with their labels, which no Python code can change.
///
/// # Errors
/// If a pixel lies outside [0, 1], there are no images, or labels and images do not belong together.
pub(crate) fn image_set(
    images: &PyReadonlyArray4<'_, f32>,
    labels: Vec<u32>,
    classes: Vec<String>,
) -> PyResult<ImageSet> {
    let [count, channels, height, width] = dims(images);
    let (shape, pixels) = (image_shape([channels, height, width])?, slice(images)?);
    if channels != 3 || count == 0 {
        let found = format!("images of shape ({count}, {channels}, {height}, {width})");
        return Err(PyValueError::new_err(format!(
            "{found}: expected (images, 3, height, width), at least one"
        )));
    }
    check_pixels(pixels, shape)?;
    ImageSet::new(pixels.to_vec(), labels, classes.into(), shape).map_err(reported)
}

/// That pixels are pixels: images that were normalised already are measured on another scale.
fn check_pixels(pixels: &[f32], shape: ImageShape) -> PyResult<()> {
    let Some(at) = pixels.iter().position(|pixel| !(0.0..=1.0).contains(pixel)) else { return Ok(()) };
    let (pixel, image) = (pixels[at], at / shape.len().max(1));
    Err(PyValueError::new_err(format!(
        "image {image} has a pixel of {pixel}: expected numbers from 0 to 1; a normaliser belongs into the model's function"
    )))
}

/// Generated images of ten classes, (N, 3, 32, 32) in [0, 1], and their labels: the data set `synthetic` of the programs, its test part.
#[pyfunction]
pub(crate) fn synthetic<'py>(
    py: Python<'py>,
    count: usize,
    seed: u64,
) -> PyResult<(Images<'py>, Bound<'py, PyArray1<i64>>)> {
    const MOST: usize = 1_000_000;
    if count > MOST {
        return Err(PyValueError::new_err(format!("{count} images: expected at most {MOST}")));
    }
    let (pixels, labels) = detached(py, || {
        let test = Synthetic { seed, train: 0, test: count }.generate().test;
        let mut pixels = Vec::with_capacity(count * test.shape().len());
        for batch in freqbias::pipeline::test_batches(&test, 256, 1) {
            pixels.extend(batch.map_err(reported)?.images);
        }
        Ok((pixels, test.labels().iter().map(|&label| i64::from(label)).collect::<Vec<_>>()))
    })?;
    Ok((arrays::images(py, pixels, [count, 3, 32, 32])?, labels.to_pyarray(py)))
}
