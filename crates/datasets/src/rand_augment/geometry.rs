//! Images moved, sheared and turned: each pixel is the nearest of the original, or black beyond its edges.

use crate::ImageShape;

/// Shifts each row by `slope` times its distance from the top edge, to the left for positive slopes.
pub(super) fn shear_x(pixels: &mut [u8], shape: ImageShape, slope: f64) {
    let shift = slope * shape.height as f64 / 2.0;
    resample(pixels, shape, |x, y| [x + slope * y + shift, y]);
}

/// Shifts each column by `slope` times its distance from the left edge, upwards for positive slopes.
pub(super) fn shear_y(pixels: &mut [u8], shape: ImageShape, slope: f64) {
    let shift = slope * shape.width as f64 / 2.0;
    resample(pixels, shape, |x, y| [x, y + slope * x + shift]);
}

/// Shifts the image by whole pixels, right and down.
pub(super) fn translate(pixels: &mut [u8], shape: ImageShape, [right, down]: [f64; 2]) {
    resample(pixels, shape, |x, y| [x - right, y - down]);
}

/// Turns the image around its middle, counter-clockwise for positive angles.
pub(super) fn rotate(pixels: &mut [u8], shape: ImageShape, degrees: f64) {
    let (sin, cos) = degrees.to_radians().sin_cos();
    resample(pixels, shape, |x, y| [cos * x - sin * y, sin * x + cos * y]);
}

/// Takes each pixel from the place that `from` says, places being (x, y) from the middle of the image.
fn resample(pixels: &mut [u8], shape: ImageShape, from: impl Fn(f64, f64) -> [f64; 2]) {
    let ImageShape { height, width, .. } = shape;
    let middle = [width, height].map(|side| (side as f64 - 1.0) / 2.0);
    let nearest = |place: f64, middle: f64, side: usize| {
        let place = (place + middle).round_ties_even();
        (place >= 0.0 && place < side as f64).then_some(place as usize)
    };
    let source = |at: usize| {
        let [x, y] = from((at % width) as f64 - middle[0], (at / width) as f64 - middle[1]);
        Some(nearest(y, middle[1], height)? * width + nearest(x, middle[0], width)?)
    };
    let sources: Vec<Option<usize>> = (0..height * width).map(source).collect();
    for plane in pixels.chunks_exact_mut((height * width).max(1)) {
        let before = plane.to_vec();
        for (pixel, source) in plane.iter_mut().zip(&sources) {
            *pixel = source.map_or(0, |source| before[source]);
        }
    }
}
