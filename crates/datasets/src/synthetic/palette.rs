//! Colours as natural scenes have them: brightness varies most, then blue–yellow, then green–magenta.

use rand::Rng;

/// The colours of one image; those of its leaves scatter around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    brightness: f32,
    warmth: f32,
    green: f32,
}

impl Palette {
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        Self {
            brightness: 0.47 + 0.12 * centred(rng),
            warmth: 0.05 + 0.2 * centred(rng),
            green: 0.02 + 0.10 * centred(rng),
        }
    }

    /// The colour of one leaf: RGB, mostly within 0.05 and 0.95.
    pub(super) fn leaf(&self, rng: &mut impl Rng) -> [f32; 3] {
        let brightness = (self.brightness + 0.40 * spread(rng)).clamp(0.06, 0.94);
        // saturation falls towards black and white
        let room = 4.0 * brightness * (1.0 - brightness);
        let warmth = room * (self.warmth + 0.22 * centred(rng));
        let green = room * (self.green + 0.12 * centred(rng));
        [brightness + warmth - 0.5 * green, brightness + green, brightness - warmth - 0.5 * green]
    }
}

/// Between −1 and 1, near 0 more often.
fn centred(rng: &mut impl Rng) -> f32 {
    rng.random::<f32>() - rng.random::<f32>()
}

/// Between −1 and 1, all values alike.
fn spread(rng: &mut impl Rng) -> f32 {
    2.0 * rng.random::<f32>() - 1.0
}
