//! What files and figures say of the shapes of masks.

use spectral::Shape;

/// As files carry it.
pub(crate) fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::Radial => "radial",
        Shape::Square => "square",
        Shape::L1 => "l1",
        Shape::Dct => "dct",
    }
}

/// What figures say of d; nothing of the published one.
pub(crate) fn caption(shape: Shape) -> &'static str {
    match shape {
        Shape::Radial => "",
        Shape::Square => "; square masks, d = max(|dy|, |dx|)",
        Shape::L1 => "; diamond masks, d = |dy| + |dx|",
        Shape::Dct => "; cosine transform, d = max(u, v)",
    }
}

/// What cut-offs are counted in.
pub(crate) fn unit(shape: Shape) -> &'static str {
    if shape == Shape::Dct { "half cycles per image" } else { "cycles per image" }
}
