//! A convolution's sizes.

use candle_core::Result;

use crate::blocked::ConvolutionShape;

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
    /// Checks images (N, C, H, W) against a convolution.
    pub(crate) fn new(x: [usize; 4], shape: ConvolutionShape) -> Result<Self> {
        let ConvolutionShape { inputs, outputs, kernel, stride, padding, groups } = shape;
        let [images, channels, height, width] = x;
        let is_empty = x.contains(&0) || inputs == 0 || outputs == 0;
        if is_empty || channels != inputs || groups == 0 || inputs % groups != 0 || outputs % groups != 0 {
            candle_core::bail!(
                "convolution: images (N, C, H, W) = {x:?} do not fit {shape:?}: expected C = inputs, and inputs and \
                 outputs divisible by groups, none of them 0"
            );
        }
        let size = [height, width];
        let Some(out) = shape.output_size(size) else {
            candle_core::bail!(
                "convolution: a kernel of {kernel:?} pixels with stride {stride} and padding {padding:?} does not fit \
                 an image of {size:?}"
            );
        };
        let (inputs, outputs) = (inputs / groups, outputs / groups);
        let geometry = Self { images, groups, inputs, outputs, size, kernel, stride, padding, out };
        if geometry.largest_buffer().is_none() {
            candle_core::bail!("convolution: images {x:?} with {shape:?} are too large to address");
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
