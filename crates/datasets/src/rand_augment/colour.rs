//! Brightness, colour, contrast and sharpness: an image moved away from another one, or towards it.
//!
//! torchvision computes in f32 with fused products and cuts the result down to a whole number, so that the last bit decides about bytes:
//! the same is done here.

use crate::ImageShape;

/// Values times the factor.
pub(super) fn brighten(pixels: &mut [u8], factor: f64) {
    for pixel in pixels {
        *pixel = byte(f32::from(*pixel) * factor as f32);
    }
}

/// Away from the grey image. What has no three channels has no colour.
pub(super) fn saturate(pixels: &mut [u8], shape: ImageShape, factor: f64) {
    if shape.channels != 3 {
        return;
    }
    let grey = grey(pixels, shape);
    for plane in pixels.chunks_exact_mut(grey.len().max(1)) {
        for (pixel, grey) in plane.iter_mut().zip(&grey) {
            *pixel = blend(*pixel, *grey, factor);
        }
    }
}

/// Away from the mean of the grey image.
pub(super) fn contrast(pixels: &mut [u8], shape: ImageShape, factor: f64) {
    let grey = grey(pixels, shape);
    // Whole numbers: the sum is exact.
    let sum: f64 = grey.iter().copied().map(f64::from).sum();
    let mean = sum as f32 / grey.len() as f32;
    for pixel in pixels {
        *pixel = blend(*pixel, mean, factor);
    }
}

/// Away from the image under the kernel of ones with 5 in the middle, over 13. Pixels on the edges stay.
pub(super) fn sharpen(pixels: &mut [u8], shape: ImageShape, factor: f64) {
    let ImageShape { height, width, .. } = shape;
    if height <= 2 || width <= 2 {
        return;
    }
    let rest = (1.0 - factor) as f32;
    for plane in pixels.chunks_exact_mut(height * width) {
        let before: Vec<u32> = plane.iter().copied().map(u32::from).collect();
        for y in 1..height - 1 {
            for x in 1..width - 1 {
                let row = |y: usize| before[y * width + x - 1..][..3].iter().sum::<u32>();
                let (at, value) = (y * width + x, before[y * width + x]);
                let sum = row(y - 1) + row(y) + row(y + 1) + 4 * value;
                // Rounded to the nearest; thirteenths are never half-way.
                let blurred = (2 * sum + 13) / 26;
                plane[at] = byte(rest.mul_add(blurred as f32 - value as f32, value as f32));
            }
        }
    }
}

/// The luma of three channels, cut down to whole numbers; one channel as it is.
fn grey(pixels: &[u8], shape: ImageShape) -> Vec<f32> {
    let plane = shape.height * shape.width;
    if shape.channels != 3 {
        return pixels.iter().copied().map(f32::from).collect();
    }
    let of = |channel: usize, at: usize| f32::from(pixels[channel * plane + at]);
    let luma = |at| 0.114f32.mul_add(of(2, at), 0.587f32.mul_add(of(1, at), of(0, at) * 0.2989));
    (0..plane).map(|at| luma(at).floor()).collect()
}

fn blend(pixel: u8, other: f32, factor: f64) -> u8 {
    byte(((1.0 - factor) as f32).mul_add(other, f32::from(pixel) * factor as f32))
}

/// Cut down, not rounded.
fn byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0) as u8
}
