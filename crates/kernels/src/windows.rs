//! How windows lie on images.

/// A square pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool2d {
    /// Side of the window.
    pub kernel: usize,
    /// Pixels between neighbouring windows, both ways; at least 1. Smaller than the kernel, windows overlap.
    pub stride: usize,
    /// Rows and columns added on every side; at most half the kernel, so that every window meets the image.
    pub padding: usize,
    /// Whether a last window that the image only partly fills counts too (PyTorch's `ceil_mode`).
    pub ceil: bool,
}

impl Pool2d {
    /// A window without padding whose count is rounded down.
    ///
    /// ```
    /// let window = kernels::Pool2d { ceil: true, ..kernels::Pool2d::new(3, 2) };
    /// assert_eq!((kernels::Pool2d::new(3, 2).count(8), window.count(8)), (Some(3), Some(4)));
    /// ```
    pub const fn new(kernel: usize, stride: usize) -> Self {
        Self { kernel, stride, padding: 0, ceil: false }
    }

    /// How many windows lie along a side of `size` pixels; none if not even one fits.
    pub fn count(&self, size: usize) -> Option<usize> {
        let whole = windows(size, self.kernel, self.stride, self.padding)?;
        // A further window counts if it begins inside the image or the padding before it, not in the padding behind.
        let reaches = (whole - 1) * self.stride + self.kernel < size + 2 * self.padding;
        let begins = whole * self.stride < size + self.padding;
        Some(whole + usize::from(self.ceil && reaches && begins))
    }
}

/// How many windows fit along an axis: ⌊(size + 2·padding − kernel) / stride⌋ + 1.
pub(crate) fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let room = padding.checked_mul(2)?.checked_add(size)?.checked_sub(kernel)?;
    Some(room.checked_div(stride)? + 1)
}
