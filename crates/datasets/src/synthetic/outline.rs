//! Outlines of leaves, all of area π, so that every class covers the image alike.

/// The outline of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outline {
    Disc,
    Square,
    Diamond,
    Beam,
    Pillar,
}

impl Outline {
    pub(super) const ALL: [Self; 5] = [Self::Disc, Self::Square, Self::Diamond, Self::Beam, Self::Pillar];

    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Square => "square",
            Self::Diamond => "diamond",
            Self::Beam => "beam",
            Self::Pillar => "pillar",
        }
    }

    /// Whether a point is inside, in units of the leaf's radius.
    pub(super) fn contains(self, x: f32, y: f32) -> bool {
        let (x, y) = (x.abs(), y.abs());
        match self {
            Self::Disc => x * x + y * y < 1.0,
            Self::Square => x.max(y) < 0.8862,
            Self::Diamond => x + y < 1.2533,
            Self::Beam => x < 1.667 && y < 0.4712,
            Self::Pillar => Self::Beam.contains(y, x),
        }
    }

    /// How the light falls on a picture of such leaves, between −1 and 1 and 0 on average, at (x, y) from −1 to 1. A
    /// mirror image is lit alike.
    pub(super) fn shade(self, x: f32, y: f32) -> f32 {
        match self {
            Self::Disc => 1.0 - 0.75 * (x * x + y * y) - 0.5,
            Self::Square => 0.75 * (x * x + y * y) - 0.5,
            Self::Diamond => -y,
            Self::Beam => y,
            Self::Pillar => 0.75 * (x * x - y * y),
        }
    }

    /// No point farther from the centre than this is inside.
    pub(super) fn reach(self) -> f32 {
        match self {
            Self::Disc => 1.0,
            Self::Square | Self::Diamond => 1.2534,
            Self::Beam | Self::Pillar => 1.733,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of a grid of points within `reach` that lies inside, as an area; and the farthest point.
    fn measure(outline: Outline) -> (f32, f32) {
        let step = 0.005;
        let (mut inside, mut farthest) = (0, 0.0_f32);
        for i in -500..500 {
            for j in -500..500 {
                let (x, y) = (i as f32 * step, j as f32 * step);
                if outline.contains(x, y) {
                    inside += 1;
                    farthest = farthest.max((x * x + y * y).sqrt());
                }
            }
        }
        (inside as f32 * step * step, farthest)
    }

    #[test]
    fn outlines_have_area_pi_and_stay_within_their_reach() {
        for outline in Outline::ALL {
            let (area, farthest) = measure(outline);
            assert!((area - std::f32::consts::PI).abs() < 0.03, "{outline:?}: area {area}");
            let reach = outline.reach();
            assert!(farthest <= reach && farthest > reach - 0.03, "{outline:?}: {farthest}");
        }
    }
}
