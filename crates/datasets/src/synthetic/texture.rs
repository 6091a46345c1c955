//! What is drawn on a leaf.

/// The texture of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texture {
    Striped,
    Checked,
}

impl Texture {
    pub(super) const ALL: [Self; 2] = [Self::Striped, Self::Checked];

    pub(super) fn adjective(self) -> &'static str {
        match self {
            Self::Striped => "striped",
            Self::Checked => "checked",
        }
    }

    /// Brightness between −1 and 1 at a point, in units of the texture's period.
    pub(super) fn at(self, u: f32, v: f32) -> f32 {
        match self {
            Self::Striped => wave(u),
            Self::Checked => wave(u) * wave(v),
        }
    }
}

/// Nearly a cosine of period 1, without trigonometry, whose rounding differs from machine to machine: a triangle
/// wave w in [−1, 1], rounded to w (3 − w²)/2.
fn wave(t: f32) -> f32 {
    let triangle = 4.0 * (t - t.floor() - 0.5).abs() - 1.0;
    triangle * (1.5 - 0.5 * triangle * triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wave_is_close_to_a_cosine() {
        for step in -200..200 {
            let t = step as f32 * 0.013;
            let cosine = (std::f32::consts::TAU * t).cos();
            assert!((wave(t) - cosine).abs() < 0.025, "{t}: {} against {cosine}", wave(t));
        }
    }

    #[test]
    fn textures_are_bright_and_dark_in_equal_parts() {
        for texture in Texture::ALL {
            let grid = (0..100).flat_map(|i| (0..100).map(move |j| (i as f32 / 50.0, j as f32 / 50.0)));
            let sum: f32 = grid.map(|(u, v)| texture.at(u, v)).sum();
            assert!((sum / 1e4).abs() < 1e-3, "{texture:?}: {sum}");
        }
    }
}
