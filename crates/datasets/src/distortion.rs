//! What is done to the pixels of training images after the crop and the flip.

use crate::{ImageShape, erasing::Erasing, rand_augment::RandAugment};

/// Changes of pixels, none by default: first RandAugment, on bytes, then random erasing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Distortions {
    /// RandAugment. Images that are not bytes are rounded to bytes for it.
    pub rand_augment: Option<RandAugment>,
    /// Random erasing.
    pub erasing: Option<Erasing>,
}

impl Distortions {
    /// Whether pixels stay as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Changes an image (C, H, W) of numbers in [0, 1] as it is drawn from seed, epoch and image.
    pub(crate) fn apply(&self, pixels: &mut [f32], shape: ImageShape, key: [u64; 3]) {
        if let Some(rand_augment) = self.rand_augment {
            let mut bytes: Vec<u8> = pixels.iter().map(|pixel| (pixel * 255.0).round() as u8).collect();
            rand_augment.apply(&mut bytes, shape, key);
            pixels.iter_mut().zip(bytes).for_each(|(pixel, byte)| *pixel = f32::from(byte) / 255.0);
        }
        if let Some(erasing) = self.erasing {
            erasing.apply(pixels, shape, key);
        }
    }
}
