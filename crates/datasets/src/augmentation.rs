//! Random crops and flips.

use rand::Rng;

use crate::{
    ImageShape,
    random::{Purpose, stream},
};

/// How training images are varied: reflect-pad, crop back to the original size at a random place, flip half of them.
///
/// With the default, an image is padded by 4 pixels on each side by reflection (without repeating the edge, as
/// `reflect` of NumPy and PyTorch), a 32×32 crop is taken at one of the 9×9 places with equal chance, and with
/// probability ½ mirrored left to right. The draw depends on (seed, epoch, image) alone.
///
/// ```
/// use datasets::{Augmentation, ImageShape};
/// let shape = ImageShape { channels: 1, height: 1, width: 4 };
/// let augmentation = Augmentation { pad: 2, flip: false };
/// let view = augmentation.draw(shape, 0, 0, 0);
/// let mut shifted = [0.0; 4];
/// view.apply(&[0u8, 51, 102, 255], shape, &mut shifted);
/// let padded = [0.4, 0.2, 0.0, 0.2, 0.4, 1.0, 0.4, 0.2];
/// assert_eq!(shifted, padded[view.left..view.left + 4]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Augmentation {
    /// Pixels added on each side before the crop; cut to side − 1, the most that one reflection gives.
    pub pad: usize,
    /// Whether half of the images are mirrored left to right.
    pub flip: bool,
}

impl Default for Augmentation {
    /// Pad 4, flip.
    fn default() -> Self {
        Self { pad: 4, flip: true }
    }
}

impl Augmentation {
    /// Draws the view of image `index` in `epoch`.
    pub fn draw(&self, shape: ImageShape, seed: u64, epoch: u64, index: usize) -> View {
        let mut rng = stream(seed, Purpose::Augmentation, epoch, index as u64);
        let (pad_y, pad_x) = (self.pad_of(shape.height), self.pad_of(shape.width));
        let top = rng.random_range(0..=2 * pad_y as u64) as usize;
        let left = rng.random_range(0..=2 * pad_x as u64) as usize;
        let mirrored = rng.random::<bool>() && self.flip;
        View { top, left, pad_y, pad_x, mirrored }
    }

    fn pad_of(&self, side: usize) -> usize {
        self.pad.min(side.saturating_sub(1))
    }
}

/// Which view of an image is taken: the image itself, or a random variation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As it is; a photograph resized and cut in the middle.
    Plain,
    /// Varied at random. Of a photograph that is resized, a random part is taken instead of a padded crop.
    Varied {
        /// How.
        augmentation: Augmentation,
        /// The run's seed.
        seed: u64,
        /// The epoch.
        epoch: u64,
    },
}

impl Look {
    /// The view of image `index`.
    pub(crate) fn view(self, shape: ImageShape, index: usize) -> View {
        match self {
            Self::Plain => View::IDENTITY,
            Self::Varied { augmentation, seed, epoch } => augmentation.draw(shape, seed, epoch, index),
        }
    }
}

/// One augmented view of an image: which crop of the padded image, and whether it is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// First row of the crop in the padded image.
    pub top: usize,
    /// First column of the crop in the padded image.
    pub left: usize,
    /// Rows of padding above and below.
    pub pad_y: usize,
    /// Columns of padding left and right.
    pub pad_x: usize,
    /// Whether the crop is mirrored left to right.
    pub mirrored: bool,
}

impl View {
    /// The image as it is.
    pub const IDENTITY: Self = Self { top: 0, left: 0, pad_y: 0, pad_x: 0, mirrored: false };

    /// Writes the view of `pixels` (C, H, W) to `out` (C, H, W), bytes as x/255 in f32.
    ///
    /// # Panics
    /// If `pixels` or `out` is not of `shape`.
    pub fn apply<P: Pixel>(&self, pixels: &[P], shape: ImageShape, out: &mut [f32]) {
        assert_eq!((pixels.len(), out.len()), (shape.len(), shape.len()), "image of {shape}");
        if *self == Self::IDENTITY {
            return scale(pixels, out);
        }
        let columns = self.columns(shape.width);
        for (row, out) in out.chunks_exact_mut(shape.width).enumerate() {
            let (plane, y) = (row / shape.height, row % shape.height);
            let source = plane * shape.height + reflect(y + self.top, self.pad_y, shape.height);
            let pixels = &pixels[source * shape.width..][..shape.width];
            for (out, &column) in out.iter_mut().zip(&columns) {
                *out = pixels[column].unit();
            }
        }
    }

    /// Which row of an image of so many rows each row of the view shows.
    pub fn rows(&self, height: usize) -> Vec<usize> {
        (0..height).map(|y| reflect(y + self.top, self.pad_y, height)).collect()
    }

    /// Which column of an image of so many columns each column of the view shows.
    ///
    /// ```
    /// let view = datasets::View { left: 1, pad_x: 2, mirrored: true, ..datasets::View::IDENTITY };
    /// assert_eq!(view.columns(4), [2, 1, 0, 1]);
    /// ```
    pub fn columns(&self, width: usize) -> Vec<usize> {
        let crop = (0..width).map(|x| reflect(x + self.left, self.pad_x, width));
        if self.mirrored { crop.rev().collect() } else { crop.collect() }
    }
}

/// Every pixel as a number.
fn scale<P: Pixel>(pixels: &[P], out: &mut [f32]) {
    for (out, &pixel) in out.iter_mut().zip(pixels) {
        *out = pixel.unit();
    }
}

/// What pixels are stored as.
pub trait Pixel: Copy {
    /// As a number in [0, 1].
    fn unit(self) -> f32;
}

impl Pixel for u8 {
    /// The quotient in f32, not a product with 1/255, which differs in the last bit.
    fn unit(self) -> f32 {
        f32::from(self) / 255.0
    }
}

impl Pixel for f32 {
    fn unit(self) -> f32 {
        self
    }
}

/// The source of position `at` of a padded row; `pad` < `side`, so one reflection is enough.
fn reflect(at: usize, pad: usize, side: usize) -> usize {
    let distance = at.abs_diff(pad);
    if at >= pad && distance >= side { 2 * (side - 1) - distance } else { distance }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_leaves_out_the_edge() {
        // numpy.pad([0, 1, 2, 3, 4], 3, mode="reflect")
        let padded: Vec<usize> = (0..11).map(|at| reflect(at, 3, 5)).collect();
        assert_eq!(padded, [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]);
        let most: Vec<usize> = (0..9).map(|at| reflect(at, 3, 3 + 1)).take(9).collect();
        assert_eq!(most, [3, 2, 1, 0, 1, 2, 3, 2, 1]);
    }

    #[test]
    fn a_view_crops_and_mirrors_every_plane() {
        let shape = ImageShape { channels: 2, height: 2, width: 3 };
        let pixels = [0u8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
        let view = View { top: 0, left: 3, pad_y: 1, pad_x: 2, mirrored: true };
        let mut out = [0.0; 12];
        view.apply(&pixels, shape, &mut out);
        // padded rows: row 1 row 0 row 1 row 0; padded columns: 2 1 0 1 2 1 0; columns 3..6 are 1 2 1, mirrored 1 2 1
        let expected = [4, 5, 4, 1, 2, 1, 10, 11, 10, 7, 8, 7].map(|x: u8| f32::from(x) / 255.0);
        assert_eq!(out, expected);
        let view = View { top: 1, left: 1, pad_y: 1, pad_x: 2, mirrored: true };
        view.apply(&pixels, shape, &mut out);
        let expected = [1, 0, 1, 4, 3, 4, 7, 6, 7, 10, 9, 10].map(|x: u8| f32::from(x) / 255.0);
        assert_eq!(out, expected);
    }

    #[test]
    fn every_place_and_both_directions_come_up_equally_often() {
        let draws: Vec<View> =
            (0..8100).map(|i| Augmentation::default().draw(ImageShape::RGB32, 1, 2, i)).collect();
        for place in 0..9 {
            // 900 expected with a standard deviation of 28
            let rows = draws.iter().filter(|view| view.top == place).count();
            let columns = draws.iter().filter(|view| view.left == place).count();
            assert!((780..1020).contains(&rows), "{place}: {rows}");
            assert!((780..1020).contains(&columns), "{place}: {columns}");
        }
        let mirrored = draws.iter().filter(|view| view.mirrored).count();
        assert!((3870..4230).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn a_draw_depends_on_seed_epoch_and_image_alone() {
        let draw = |seed, epoch, index| Augmentation::default().draw(ImageShape::RGB32, seed, epoch, index);
        assert_eq!(draw(3, 4, 5), draw(3, 4, 5));
        let others: [Vec<View>; 3] = [
            (0..20).map(|i| draw(3 + i, 4, 5)).collect(),
            (0..20).map(|i| draw(3, 4 + i, 5)).collect(),
            (0..20).map(|i| draw(3, 4, 5 + i as usize)).collect(),
        ];
        for views in others {
            assert!(views[1..].iter().filter(|&&view| view == views[0]).count() < 3);
        }
    }

    #[test]
    fn a_pad_beyond_the_image_is_cut_and_an_empty_image_is_no_error() {
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let augmentation = Augmentation { pad: usize::MAX, flip: true };
        for index in 0..20 {
            let mut out = [9.0; 2];
            augmentation.draw(shape, 0, 0, index).apply(&[0u8, 255], shape, &mut out);
            assert!(out == [0.0, 1.0] || out == [1.0, 0.0], "{out:?}");
        }
    }

    #[test]
    fn pixels_are_the_f32_quotient() {
        let pixels: Vec<u8> = (0..=255).collect();
        let mut out = vec![0.0; 256];
        let shape = ImageShape { channels: 1, height: 16, width: 16 };
        View::IDENTITY.apply(&pixels, shape, &mut out);
        for (x, &value) in out.iter().enumerate() {
            assert_eq!(value, x as f32 / 255.0);
        }
    }
}
