//! The cut-off radii of the experiments, in cycles per image.

/// The radii at which test images are split into low and high frequencies; the radii of the paper's table are among them.
pub const RADII: [usize; 7] = [4, 8, 10, 12, 14, 16, 18];

/// The radius of the hybrids (HARS): high frequencies from it on, low ones below.
pub const HYBRID_RADIUS: usize = 12;
