//! The colours of what frames a figure.

use plotters::prelude::RGBColor;

/// Colour of axes and text.
pub(crate) const INK: RGBColor = RGBColor(38, 38, 46);
/// Colour of secondary text.
pub(crate) const FAINT: RGBColor = RGBColor(96, 96, 108);
/// Colour of grid lines.
pub(crate) const GRID: RGBColor = RGBColor(230, 230, 235);
