//! Random erasing (Zhong et al., 2020) as `torchvision.transforms.v2.RandomErasing` defines it.

use rand::Rng;

use crate::{
    ImageShape,
    random::{Purpose, stream},
};

/// Gives a share of the images a rectangle of one colour: 0.02 to 0.33 of the image, its sides in a proportion of 0.3 to 3.3.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Erasing {
    /// The share of images.
    pub probability: f64,
    /// The value of each channel. torchvision erases to 0 after the normaliser, which is the normaliser's mean before it.
    pub value: [f32; 3],
}

const AREA: [f64; 2] = [0.02, 0.33];
const PROPORTION: [f64; 2] = [0.3, 3.3];
const TRIES: usize = 10;

impl Erasing {
    /// Changes an image (C, H, W) as it is drawn for image `index` in `epoch`.
    ///
    /// # Panics
    /// If `pixels` is not of `shape`.
    pub fn apply(&self, pixels: &mut [f32], shape: ImageShape, [seed, epoch, index]: [u64; 3]) {
        assert_eq!(pixels.len(), shape.len(), "image of {shape}");
        let mut rng = stream(seed, Purpose::Erasing, epoch, index);
        if rng.random::<f64>() >= self.probability {
            return;
        }
        let ImageShape { height, width, .. } = shape;
        let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
        let side = |size: f64| size.sqrt().round_ties_even() as usize;
        for _ in 0..TRIES {
            let area = (height * width) as f64 * between(AREA);
            let proportion = between(PROPORTION.map(f64::ln)).exp();
            let (rows, columns) = (side(area * proportion), side(area / proportion));
            if rows < height && columns < width {
                let mut start = |room: usize| (between([0.0, 1.0]) * (room + 1) as f64) as usize;
                let (top, left) = (start(height - rows), start(width - columns));
                return self.erase(pixels, shape, [top..top + rows, left..left + columns]);
            }
        }
    }

    fn erase(
        &self,
        pixels: &mut [f32],
        ImageShape { height, width, .. }: ImageShape,
        [rows, columns]: [std::ops::Range<usize>; 2],
    ) {
        for (plane, value) in pixels.chunks_exact_mut(height * width).zip(self.value) {
            for row in rows.clone() {
                plane[row * width..][columns.clone()].fill(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_of_the_value_is_in_the_share_of_images() {
        let shape = ImageShape { channels: 3, height: 20, width: 24 };
        let erasing = Erasing { probability: 0.25, value: [0.5, 0.25, 0.125] };
        let mut changed = 0;
        for index in 0..2000 {
            let mut pixels = vec![1.0; shape.len()];
            erasing.apply(&mut pixels, shape, [0, 3, index]);
            let planes: Vec<&[f32]> = pixels.chunks(20 * 24).collect();
            let erased = planes[0].iter().filter(|value| **value == 0.5).count();
            for (plane, value) in planes.iter().zip(erasing.value) {
                assert_eq!(plane.iter().filter(|found| **found == value).count(), erased);
            }
            // Sides are rounded.
            assert!(erased == 0 || (4..200).contains(&erased), "{erased}");
            changed += usize::from(erased > 0);
        }
        // 500 expected with a standard deviation of 19
        assert!((420..580).contains(&changed), "{changed}");
    }
}
