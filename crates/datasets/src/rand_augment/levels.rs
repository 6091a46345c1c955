//! Levels of single channels: each value becomes another one, wherever it stands.

use crate::ImageShape;

/// The highest `bits` of each value.
pub(super) fn posterize(pixels: &mut [u8], bits: u32) {
    let mask = !(0xFFu16 >> bits) as u8;
    pixels.iter_mut().for_each(|pixel| *pixel &= mask);
}

/// Inverts values from the threshold on.
pub(super) fn solarize(pixels: &mut [u8], threshold: f64) {
    let threshold = threshold as f32;
    pixels.iter_mut().filter(|pixel| f32::from(**pixel) >= threshold).for_each(|pixel| *pixel = 255 - *pixel);
}

/// Stretches each channel so that its least value is 0 and its largest 255; cut down, not rounded. A channel of one value stays.
pub(super) fn stretch(pixels: &mut [u8], shape: ImageShape) {
    for plane in planes(pixels, shape) {
        let (least, largest) = (plane.iter().min().copied(), plane.iter().max().copied());
        let Some((least, largest)) = least.zip(largest).filter(|(least, largest)| least < largest) else {
            continue;
        };
        let scale = f32::from(largest - least) * (1.0 / 255.0);
        for pixel in plane {
            *pixel = (f32::from(*pixel - least) / scale).clamp(0.0, 255.0) as u8;
        }
    }
}

/// Gives each channel an even histogram, by Pillow's rule: a value becomes the number of values below it over the number of all but the
/// largest, in steps of a 255th of the latter.
pub(super) fn equalize(pixels: &mut [u8], shape: ImageShape) {
    for plane in planes(pixels, shape) {
        let mut histogram = [0usize; 256];
        plane.iter().for_each(|&pixel| histogram[usize::from(pixel)] += 1);
        let of_largest = histogram.iter().rev().find(|count| **count > 0).copied().unwrap_or(0);
        let step = (plane.len() - of_largest) / 255;
        if step == 0 {
            continue;
        }
        let mut below = 0;
        let table = histogram.map(|count| {
            let level = (below + step / 2) / step;
            below += count;
            level.min(255) as u8
        });
        plane.iter_mut().for_each(|pixel| *pixel = table[usize::from(*pixel)]);
    }
}

fn planes(pixels: &mut [u8], shape: ImageShape) -> impl Iterator<Item = &mut [u8]> {
    pixels.chunks_exact_mut((shape.height * shape.width).max(1))
}
