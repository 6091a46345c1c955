//! A picture of leaves, painted from the topmost down.

use rand::Rng;

use super::{
    leaf::{Leaf, direction},
    outline::Outline,
    palette::Palette,
    texture::Texture,
};
use crate::ImageShape;

const SIDE: usize = ImageShape::RGB32.width;
/// Samples per pixel and axis: a pixel is the mean of 3×3, so edges and textures do not alias.
const SAMPLES: usize = 3;
const FINE: usize = SIDE * SAMPLES;
/// What is still bare after so many leaves (one sample in about five thousand) stays in the ground's colour.
const MOST_LEAVES: usize = 500;

/// Paints one image to `out`: 3 planes of 32×32.
pub(super) fn paint(outline: Outline, texture: Texture, rng: &mut impl Rng, out: &mut [u8]) {
    let palette = Palette::draw(rng);
    let light = direction(rng);
    let mut canvas = Canvas::new();
    for _ in 0..MOST_LEAVES {
        let leaf = Leaf::draw(SIDE as f32, &palette, light, rng);
        canvas.slip_under(&leaf, outline, texture);
        if canvas.bare == 0 {
            break;
        }
    }
    canvas.fill(palette.leaf(rng));
    canvas.write(Shade::draw(outline, rng), out);
}

/// How far the place in the image changes its brightness at most, as a factor around 1.
const SHADE: f32 = 0.7;

/// Light that falls on the picture as a whole.
struct Shade {
    outline: Outline,
    strength: f32,
}

impl Shade {
    fn draw(outline: Outline, rng: &mut impl Rng) -> Self {
        Self { outline, strength: SHADE * (0.4 + 0.6 * rng.random::<f32>()) }
    }

    /// The factor of brightness at a pixel; its mean over the image is 1.
    fn at(&self, pixel: usize) -> f32 {
        let place = |i: usize| (i as f32 + 0.5) / (SIDE as f32 / 2.0) - 1.0;
        1.0 + self.strength * self.outline.shade(place(pixel % SIDE), place(pixel / SIDE))
    }
}

/// Samples that some leaf covers, and the sum of their colours per pixel.
struct Canvas {
    covered: Vec<bool>,
    sums: Vec<[f32; 3]>,
    bare: usize,
}

impl Canvas {
    fn new() -> Self {
        Self { covered: vec![false; FINE * FINE], sums: vec![[0.0; 3]; SIDE * SIDE], bare: FINE * FINE }
    }

    /// Paints the part of a leaf that no earlier leaf covers.
    fn slip_under(&mut self, leaf: &Leaf, outline: Outline, texture: Texture) {
        let reach = leaf.reach(outline);
        for row in span(leaf.y, reach) {
            for column in span(leaf.x, reach) {
                if !self.covered[row * FINE + column] {
                    let (dx, dy) = (centre(column) - leaf.x, centre(row) - leaf.y);
                    if let Some(colour) = leaf.colour(outline, texture, dx, dy) {
                        self.cover(row, column, colour);
                    }
                }
            }
        }
    }

    fn cover(&mut self, row: usize, column: usize, colour: [f32; 3]) {
        self.covered[row * FINE + column] = true;
        self.bare -= 1;
        let sum = &mut self.sums[row / SAMPLES * SIDE + column / SAMPLES];
        sum.iter_mut().zip(colour).for_each(|(sum, c)| *sum += c.clamp(0.0, 1.0));
    }

    fn fill(&mut self, colour: [f32; 3]) {
        for at in 0..FINE * FINE {
            if !self.covered[at] {
                self.cover(at / FINE, at % FINE, colour);
            }
        }
    }

    fn write(&self, shade: Shade, out: &mut [u8]) {
        const SCALE: f32 = 255.0 / (SAMPLES * SAMPLES) as f32;
        for (channel, plane) in out.chunks_exact_mut(SIDE * SIDE).enumerate() {
            for (pixel, (out, sum)) in plane.iter_mut().zip(&self.sums).enumerate() {
                *out = (sum[channel] * shade.at(pixel) * SCALE + 0.5) as u8;
            }
        }
    }
}

/// Where a sample lies, in pixels.
fn centre(sample: usize) -> f32 {
    (sample as f32 + 0.5) / SAMPLES as f32
}

/// Samples within `reach` pixels of `middle`; the casts cut what lies outside the image.
fn span(middle: f32, reach: f32) -> std::ops::Range<usize> {
    let samples = SAMPLES as f32;
    let first = (middle - reach) * samples;
    let end = (middle + reach) * samples + 1.0;
    first as usize..(end as usize).min(FINE)
}
