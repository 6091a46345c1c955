//! What the shapes of masks are called.

use spectral::Shape;

/// As files carry it.
pub(super) fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::Radial => "radial",
        Shape::Square => "square",
        Shape::L1 => "l1",
        Shape::Dct => "dct",
    }
}

/// What titles of pictures add for it; nothing for discs, which are the published ones.
pub(super) fn caption(shape: Shape) -> &'static str {
    match shape {
        Shape::Radial => "",
        Shape::Square => "; square masks, d = max(|dy|, |dx|)",
        Shape::L1 => "; diamond masks, d = |dy| + |dx|",
        Shape::Dct => "; cosine transform, d = max(u, v)",
    }
}
