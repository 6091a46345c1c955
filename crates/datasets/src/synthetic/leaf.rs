//! One leaf: where it lies, how large, which way, which colour.

use rand::Rng;

use super::{outline::Outline, palette::Palette, texture::Texture};

/// Smallest and largest radius in pixels: smaller leaves would be lost in the pixels, larger ones fill the image.
const RADII: (f32, f32) = (2.2, 12.0);
/// Shortest and longest period of the texture in pixels; stripes of 32 / period cycles lie in bands 8 to 11, checks √2
/// times higher.
const PERIODS: (f32, f32) = (2.8, 4.0);
/// How far texture and light change the brightness of a leaf, as a factor around 1.
const TEXTURE: f32 = 0.18;
const LIGHT: f32 = 0.18;

pub(super) struct Leaf {
    /// Centre in pixels from the top left corner of the image.
    pub(super) x: f32,
    /// As `x`, downwards.
    pub(super) y: f32,
    radius: f32,
    /// Unit vector along the leaf.
    axis: (f32, f32),
    colour: [f32; 3],
    /// Direction in which the texture varies, a unit vector divided by the period in pixels.
    grain: (f32, f32),
    /// Where in its period the texture is at the leaf's centre.
    phase: (f32, f32),
    /// Change of brightness per radius, towards the light.
    light: (f32, f32),
}

impl Leaf {
    /// Centres lie up to this many pixels outside the image, the largest radius.
    pub(super) const LARGEST: f32 = RADII.1;

    pub(super) fn draw(side: f32, palette: &Palette, light: (f32, f32), rng: &mut impl Rng) -> Self {
        let place = |rng: &mut _| uniform(-Self::LARGEST, side + Self::LARGEST, rng);
        let period = uniform(PERIODS.0, PERIODS.1, rng);
        let grain = direction(rng);
        Self {
            x: place(rng),
            y: place(rng),
            radius: power_law(RADII.0, RADII.1, rng),
            axis: upright(rng),
            colour: palette.leaf(rng),
            grain: (grain.0 / period, grain.1 / period),
            phase: (rng.random(), rng.random()),
            light,
        }
    }

    /// Radius in pixels of a circle around the centre that holds the leaf.
    pub(super) fn reach(&self, outline: Outline) -> f32 {
        self.radius * outline.reach()
    }

    /// The colour at (dx, dy) pixels from the centre, or none outside the leaf.
    pub(super) fn colour(&self, outline: Outline, texture: Texture, dx: f32, dy: f32) -> Option<[f32; 3]> {
        let (x, y) = (dx / self.radius, dy / self.radius);
        let (cos, sin) = self.axis;
        if !outline.contains(x * cos + y * sin, y * cos - x * sin) {
            return None;
        }
        let u = dx * self.grain.0 + dy * self.grain.1 + self.phase.0;
        let v = dy * self.grain.0 - dx * self.grain.1 + self.phase.1;
        let light = x * self.light.0 + y * self.light.1;
        let factor = 1.0 + LIGHT * light + TEXTURE * texture.at(u, v);
        Some(self.colour.map(|c| c * factor))
    }
}

/// A point of the density ∝ r⁻³ between two radii: solves u = (1 − (a/r)²) / (1 − (a/b)²).
fn power_law(a: f32, b: f32, rng: &mut impl Rng) -> f32 {
    let u: f32 = rng.random();
    a / (1.0 - u * (1.0 - (a / b) * (a / b))).sqrt()
}

/// A unit vector within ten degrees of the horizontal.
fn upright(rng: &mut impl Rng) -> (f32, f32) {
    let slope = uniform(-0.17, 0.17, rng);
    let length = (1.0 + slope * slope).sqrt();
    (1.0 / length, slope / length)
}

/// A unit vector, all directions alike (by rejection, without trigonometry).
pub(super) fn direction(rng: &mut impl Rng) -> (f32, f32) {
    loop {
        let (x, y) = (uniform(-1.0, 1.0, rng), uniform(-1.0, 1.0, rng));
        let square = x * x + y * y;
        if (0.01..1.0).contains(&square) {
            let length = square.sqrt();
            return (x / length, y / length);
        }
    }
}

fn uniform(low: f32, high: f32, rng: &mut impl Rng) -> f32 {
    low + (high - low) * rng.random::<f32>()
}
