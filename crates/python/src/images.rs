//! Labelled images from arrays.

use freqbias::{
    ImageSet,
    datasets::{ImageShape, synthetic::Synthetic},
};
use numpy::{PyArray1, PyReadonlyArray4, ToPyArray};
use pyo3::{exceptions::PyValueError, prelude::*};
use rayon::prelude::*;

use crate::{
    arrays::{self, Images, dims, image_shape, slice},
    error::reported,
    pool::attached,
    work::drive,
};

/// Numbers between two looks at whether somebody pressed Ctrl-C: enough to keep all threads busy.
pub(crate) const AT_ONCE: usize = 8 << 20;

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

/// That all pixels are numbers: what is not would spread over a whole image.
///
/// # Errors
/// If one is not, with its image.
pub(crate) fn check_finite(images: &PyReadonlyArray4<'_, f32>) -> PyResult<()> {
    let [_, channels, height, width] = dims(images);
    let (pixels, length) = (slice(images)?, (channels * height * width).max(1));
    let of_image = |(image, pixels): (usize, &[f32])| {
        pixels.iter().find(|pixel| !pixel.is_finite()).map(|&pixel| (image, pixel))
    };
    let at_once = AT_ONCE.div_ceil(length);
    for (part, pixels) in pixels.chunks(at_once * length).enumerate() {
        images.py().check_signals()?;
        let found =
            attached(images.py(), || Ok(pixels.par_chunks(length).enumerate().find_map_first(of_image)))?;
        if let Some((image, pixel)) = found {
            let message =
                format!("image {} has a pixel of {pixel}: expected finite numbers", part * at_once + image);
            return Err(PyValueError::new_err(message));
        }
    }
    Ok(())
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
    /// Images between two looks at whether somebody pressed Ctrl-C.
    const PART: usize = 256;
    if count > MOST {
        return Err(PyValueError::new_err(format!("{count} images: expected at most {MOST}")));
    }
    let (pixels, labels) = drive(py, None, |_, progress| {
        let (mut pixels, mut labels) = (Vec::with_capacity(count * ImageShape::RGB32.len()), Vec::new());
        for start in (0..count).step_by(PART) {
            progress.check().map_err(reported)?;
            let part = Synthetic { seed, train: 0, test: count }.test_part(start..count.min(start + PART));
            for batch in freqbias::pipeline::test_batches(&part, PART, 1) {
                pixels.extend(batch.map_err(reported)?.images);
            }
            labels.extend(part.labels().iter().map(|&label| i64::from(label)));
        }
        Ok::<_, PyErr>((pixels, labels))
    })??;
    Ok((arrays::images(py, pixels, [count, 3, 32, 32])?, labels.to_pyarray(py)))
}
