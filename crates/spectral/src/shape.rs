//! What "closer than r" means: the shapes of masks.

/// The shape of the frequencies that a cut-off r parts from the rest. Always strictly: low is d < r, high the rest.
///
/// d is a distance to DC in cycles per image, to (⌊H/2⌋, ⌊W/2⌋) of the shifted spectrum; the mask is then symmetric under
/// frequency negation. `Dct` cuts another transform. (The masks of CDES, which keep both ends of r₁ ≤ d ≤ r₂ and
/// are centred between pixels, are `cdes::QuadrantMask`; [`Filter::weighted`](crate::Filter::weighted) applies them.)
///
/// ```
/// use spectral::{Filter, Pass, Rescale, Shape};
/// let kept = |shape| Filter::shaped(shape, 32, 32, Pass::Low(4), Rescale::None).map(|filter| filter.kept());
/// assert_eq!((kept(Shape::L1)?, kept(Shape::Radial)?, kept(Shape::Square)?, kept(Shape::Dct)?), (25, 45, 49, 16));
/// assert_eq!(Shape::Radial.farthest(32, 32), 22);
/// # Ok::<(), spectral::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shape {
    /// d = √(dy² + dx²): discs, as the published tools have them.
    #[default]
    Radial,
    /// d = max(|dy|, |dx|): squares of 2r − 1 frequencies a side.
    Square,
    /// d = |dy| + |dx|: diamonds.
    L1,
    /// d = max(u, v) over the frequencies u, v = 0, 1, … of the orthonormal DCT-II, half cycles per image: its upper left corner
    /// of r×r.
    Dct,
}

impl Shape {
    /// The largest cut-off that leaves any high frequencies in a plane: the distance of the farthest, rounded down.
    pub fn farthest(self, height: usize, width: usize) -> usize {
        let (down, across) = (height / 2, width / 2);
        match self {
            Self::Radial => (down * down + across * across).isqrt(),
            Self::Square => down.max(across),
            Self::L1 => down + across,
            Self::Dct => height.max(width).saturating_sub(1),
        }
    }

    /// What is low, (H, W): of the shifted spectrum, or for `Dct` of the coefficients as they are.
    pub(crate) fn low(self, height: usize, width: usize, radius: usize) -> Vec<bool> {
        let axis = |at: usize, size: usize| if self == Self::Dct { at } else { at.abs_diff(size / 2) };
        let low = |at: usize| self.within(axis(at / width, height), axis(at % width, width), radius);
        (0..height * width).map(low).collect()
    }

    /// Whether d < radius.
    fn within(self, down: usize, across: usize, radius: usize) -> bool {
        match self {
            Self::Radial => down * down + across * across < radius.saturating_mul(radius),
            Self::Square | Self::Dct => down.max(across) < radius,
            Self::L1 => down + across < radius,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPES: [Shape; 4] = [Shape::Radial, Shape::Square, Shape::L1, Shape::Dct];

    fn count(mask: &[bool]) -> usize {
        mask.iter().filter(|low| **low).count()
    }

    fn is_within(inner: &[bool], outer: &[bool]) -> bool {
        inner.iter().zip(outer).all(|(inner, outer)| outer | !inner)
    }

    #[test]
    fn counts_are_those_of_geometry() {
        for r in 1..=16 {
            assert_eq!(count(&Shape::Square.low(32, 32, r)), (2 * r - 1) * (2 * r - 1));
            assert_eq!(count(&Shape::L1.low(32, 32, r)), 2 * r * r - 2 * r + 1);
            assert_eq!(count(&Shape::Dct.low(32, 32, r)), r * r);
        }
        // r = H/2 leaves the outermost row and column, which have no opposite; one more leaves nothing.
        let square = Shape::Square.low(32, 32, 16);
        let outermost = |at: usize| at / 32 == 0 || at.is_multiple_of(32);
        assert!(square.iter().enumerate().all(|(at, low)| *low != outermost(at)));
        assert_eq!(count(&Shape::Square.low(32, 32, 17)), 1024);
    }

    #[test]
    fn beyond_the_farthest_everything_is_low() {
        for (shape, (height, width)) in
            SHAPES.into_iter().flat_map(|s| [(32, 32), (7, 12), (2, 2)].map(|d| (s, d)))
        {
            let farthest = shape.farthest(height, width);
            let all = height * width;
            assert!(count(&shape.low(height, width, farthest)) < all, "{shape:?} {height}×{width}");
            assert_eq!(count(&shape.low(height, width, farthest + 1)), all, "{shape:?} {height}×{width}");
            assert_eq!(count(&shape.low(height, width, usize::MAX)), all, "{shape:?} {height}×{width}");
        }
    }

    proptest! {
        #[test]
        fn masks_are_nested(height in 2usize..40, width in 2usize..40, r in 0usize..40) {
            let low = |shape: Shape, r| shape.low(height, width, r);
            for shape in SHAPES {
                prop_assert!(is_within(&low(shape, r), &low(shape, r + 1)), "{shape:?} in itself");
            }
            // |dy| + |dx| ≥ √(dy² + dx²) ≥ max(|dy|, |dx|) ≥ half of the first, ≥ 1/√2 of the second.
            prop_assert!(is_within(&low(Shape::L1, r), &low(Shape::Radial, r)));
            prop_assert!(is_within(&low(Shape::Radial, r), &low(Shape::Square, r)));
            prop_assert!(is_within(&low(Shape::Square, r), &low(Shape::L1, 2 * r)));
        }

        #[test]
        fn masks_are_symmetric_under_negation(height in 2usize..40, width in 2usize..40, r in 0usize..40) {
            for shape in [Shape::Radial, Shape::Square, Shape::L1] {
                let low = shape.low(height, width, r);
                let opposite = |at: usize, size: usize| (2 * (size / 2) + size - at) % size;
                for at in 0..low.len() {
                    let (row, column) = (opposite(at / width, height), opposite(at % width, width));
                    prop_assert_eq!(low[at], low[row * width + column], "{:?}", shape);
                }
            }
        }
    }
}
