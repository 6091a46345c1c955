//! How windows lie on images: the public settings, and the checked numbers that the loops run on.

use candle_core::Result;

use crate::error::KernelError;

/// How a convolution's kernel moves over the image; the kernel's size is the weight's.
///
/// ```
/// let geometry = kernels::Conv2d { padding: 1, ..Default::default() };
/// assert_eq!((geometry.stride, geometry.groups), (1, 1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Pixels between neighbouring windows, both ways; at least 1.
    pub stride: usize,
    /// Rows and columns of zeros added on every side.
    pub padding: usize,
    /// Independent convolutions side by side: group g reads the g-th part of the input channels and writes
    /// the g-th part of the output channels.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: 1, padding: 0, groups: 1 }
    }
}

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
    /// let window = kernels::Pool2d { ceil: true, ..kernels::Pool2d::of(3, 2) };
    /// assert_eq!((kernels::Pool2d::of(3, 2).count(8), window.count(8)), (Some(3), Some(4)));
    /// ```
    pub const fn of(kernel: usize, stride: usize) -> Self {
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

/// A convolution's sizes, checked: every product below fits in a `usize`, every window in the padded image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Geometry {
    pub(crate) images: usize,
    pub(crate) groups: usize,
    /// Input channels of one group.
    pub(crate) inputs: usize,
    /// Output channels of one group.
    pub(crate) outputs: usize,
    /// Rows and columns of the input.
    pub(crate) size: [usize; 2],
    /// Rows and columns of the kernel.
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    /// Zeros above and below, left and right.
    pub(crate) padding: [usize; 2],
    /// Rows and columns of the output.
    pub(crate) out: [usize; 2],
}

impl Geometry {
    /// Checks an input (N, C, H, W) against a weight (O, C / groups, kH, kW).
    pub(crate) fn new(x: [usize; 4], weight: [usize; 4], conv: Conv2d) -> Result<Self> {
        Self::padded(x, weight, conv, [conv.padding; 2])
    }

    /// The same with other zeros above and below than left and right.
    pub(crate) fn padded(
        x: [usize; 4],
        weight: [usize; 4],
        conv: Conv2d,
        padding: [usize; 2],
    ) -> Result<Self> {
        let op = "conv2d";
        let refuse = |problem: String| Err(KernelError::Window { op, problem }.into());
        let (groups, [images, channels, ..], [outputs, inputs, ..]) = (conv.groups, x, weight);
        if groups == 0 || outputs % groups != 0 || inputs.checked_mul(groups) != Some(channels) {
            return refuse(format!(
                "input (N, C, H, W) = {x:?} and weight (O, C/groups, kH, kW) = {weight:?} do not fit {groups} groups: \
                 expected C = groups · C/groups and O divisible by groups"
            ));
        }
        let (size, kernel) = ([x[2], x[3]], [weight[2], weight[3]]);
        let out = [0, 1].map(|axis| windows(size[axis], kernel[axis], conv.stride, padding[axis]));
        let [Some(height), Some(width)] = out else {
            return refuse(format!(
                "a kernel of {kernel:?} pixels with stride {} and padding {padding:?} does not fit an image of {size:?}",
                conv.stride
            ));
        };
        let outputs = outputs / groups;
        let (stride, out) = (conv.stride, [height, width]);
        let geometry = Self { images, groups, inputs, outputs, size, kernel, stride, padding, out };
        if geometry.largest_buffer().is_none() {
            return refuse(format!(
                "input {x:?} with weight {weight:?} and {conv:?} is too large to address"
            ));
        }
        Ok(geometry)
    }

    /// Elements of the largest thing that is ever held, if it can be counted.
    fn largest_buffer(&self) -> Option<usize> {
        let product = |sizes: &[usize]| sizes.iter().try_fold(4usize, |total, &n| total.checked_mul(n));
        let [height, width] = self.out;
        let channels = self.groups.checked_mul(self.outputs.max(self.inputs))?;
        let padded = self.padded_size();
        let columns = product(&[self.inputs, self.kernel[0], self.kernel[1], height, width])?;
        let images = product(&[self.images, channels, padded[0].max(height), padded[1].max(width)])?;
        Some(columns.max(images))
    }

    /// The input with its zeros.
    pub(crate) fn padded_size(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.size[axis] + 2 * self.padding[axis])
    }

    /// Weights of one output channel.
    pub(crate) fn depth(&self) -> usize {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    /// Weights in all.
    pub(crate) fn weights(&self) -> usize {
        self.groups * self.outputs * self.depth()
    }

    /// Pixels of one input plane.
    pub(crate) fn in_pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Pixels of one output plane.
    pub(crate) fn out_pixels(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// Elements of one image on the way in.
    pub(crate) fn in_image(&self) -> usize {
        self.groups * self.inputs * self.in_pixels()
    }

    /// Elements of one image on the way out.
    pub(crate) fn out_image(&self) -> usize {
        self.groups * self.outputs * self.out_pixels()
    }

    /// Whether the patch of an output pixel is the input pixel at the same place.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == 1 && self.padding == [0, 0]
    }

    /// The convolution that takes the output's gradient to the input's: stride 1, weights turned by 180° and
    /// transposed. There is none where a stride leaves gaps or more zeros were added than a kernel reaches.
    pub(crate) fn turned(&self) -> Option<Self> {
        if self.stride != 1 {
            return None;
        }
        let padding = |axis: usize| (self.kernel[axis] - 1).checked_sub(self.padding[axis]);
        Some(Self {
            inputs: self.outputs,
            outputs: self.inputs,
            size: self.out,
            out: self.size,
            padding: [padding(0)?, padding(1)?],
            ..*self
        })
    }
}

/// How many windows fit along an axis: ⌊(size + 2·padding − kernel) / stride⌋ + 1.
pub(crate) fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let room = padding.checked_mul(2)?.checked_add(size)?.checked_sub(kernel)?;
    Some(room.checked_div(stride)? + 1)
}
