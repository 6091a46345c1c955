//! A part of an image.

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// How many columns.
    pub width: usize,
    /// How many rows.
    pub height: usize,
}
