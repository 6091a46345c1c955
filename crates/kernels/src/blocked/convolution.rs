//! A convolution with its weights packed: which algorithm serves which pass.
//!
//! | pass | 3×3, stride 1 or 2, padding 1 | other |
//! |---|---|---|
//! | forward | Winograd | direct; scatter to few channels |
//! | input gradient | Winograd's adjoint, same weights | direct with turned weights; scatter with a stride or to few channels |
//! | weight gradient | Winograd | direct; with pixels and gradients swapped for few output channels |
//!
//! *Direct* multiplies patches with weights, *scatter* multiplies single pixels and adds each product where it belongs. With
//! fewer than eight channels on one side, a register tile of eight rows is best filled from the other side.

use super::{
    direct,
    gemm::Panel,
    pointwise::{self, After},
    simd::Path,
    tensor::{Arena, Blocked, Dims, Mask},
    winograd::{self, Transformed},
};

/// Channels, kernel, stride and padding of a convolution without groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolutionShape {
    /// Channels that go in.
    pub inputs: usize,
    /// Channels that come out.
    pub outputs: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step between output pixels.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
}

/// Channels that fill a register tile.
const ENOUGH: usize = 8;

impl ConvolutionShape {
    /// The size of the output.
    pub fn output_dims(&self, input: Dims) -> Dims {
        let side = |size: usize| (size + 2 * self.padding - self.kernel) / self.stride + 1;
        Dims {
            images: input.images,
            channels: self.outputs,
            height: side(input.height),
            width: side(input.width),
        }
    }

    /// Products summed for one output value.
    pub(crate) fn depth(&self) -> usize {
        self.inputs * self.kernel * self.kernel
    }

    fn suits_winograd(&self) -> bool {
        self.kernel == 3 && self.stride <= 2 && self.padding == 1 && self.inputs >= ENOUGH
    }

    /// Whether few channels come out of many: the adjoint of a convolution from few to many.
    fn scatters_forward(&self) -> bool {
        self.stride == 1 && self.outputs < ENOUGH && self.inputs >= ENOUGH && !self.suits_winograd()
    }

    /// The convolution that gives the input gradient of one with stride 1.
    fn turned(&self) -> Self {
        Self { inputs: self.outputs, outputs: self.inputs, padding: self.kernel - 1 - self.padding, ..*self }
    }
}

#[derive(Debug)]
enum Weights {
    Winograd(Transformed),
    Direct(Panel),
    Scatter(Panel),
    /// Those of the forward pass serve the input gradient too.
    Shared,
}

impl Weights {
    fn for_forward(shape: ConvolutionShape) -> Self {
        if shape.suits_winograd() {
            Self::Winograd(Transformed::new(shape.outputs, shape.inputs, shape.stride))
        } else if shape.scatters_forward() {
            Self::Scatter(Panel::new(shape.turned().depth(), shape.inputs))
        } else {
            Self::Direct(Panel::new(shape.outputs, shape.depth()))
        }
    }

    fn for_input_gradient(shape: ConvolutionShape) -> Self {
        if shape.suits_winograd() {
            Self::Shared
        } else if shape.stride == 1 && shape.inputs >= ENOUGH {
            Self::Direct(Panel::new(shape.inputs, shape.outputs * shape.kernel * shape.kernel))
        } else {
            Self::Scatter(Panel::new(shape.depth(), shape.outputs))
        }
    }
}

/// A convolution's weights, packed for the passes that are wanted.
#[derive(Debug)]
pub struct Convolution {
    shape: ConvolutionShape,
    path: Path,
    forward: Weights,
    backward: Option<Weights>,
}

impl Convolution {
    /// Packs `weight`, (outputs, inputs, k, k).
    ///
    /// # Panics
    /// If `weight` has another length than `shape` says.
    pub fn new(weight: &[f32], shape: ConvolutionShape, with_input_gradient: bool, path: Path) -> Self {
        let forward = Weights::for_forward(shape);
        let backward = with_input_gradient.then(|| Weights::for_input_gradient(shape));
        let mut convolution = Self { shape, path, forward, backward };
        convolution.repack(weight);
        convolution
    }

    /// Packs other weights of the same shape into the same memory.
    ///
    /// # Panics
    /// If `weight` has another length than the shape says.
    pub fn repack(&mut self, weight: &[f32]) {
        let (shape, path) = (self.shape, self.path);
        let (depth, taps) = (shape.depth(), shape.kernel * shape.kernel);
        assert_eq!(weight.len(), shape.outputs * depth, "weights of {shape:?}");
        match &mut self.forward {
            Weights::Winograd(weights) => weights.fill(path, weight),
            Weights::Direct(panel) => panel.fill(path.rows(), |row, k| weight[row * depth + k]),
            Weights::Scatter(panel) => panel.fill(path.rows(), |row, k| {
                weight[(row / taps * shape.inputs + k) * taps + taps - 1 - row % taps]
            }),
            Weights::Shared => unreachable!("only input gradients share"),
        }
        let turned =
            |row: usize, k: usize, tap: usize| weight[(k * shape.inputs + row) * taps + taps - 1 - tap];
        match &mut self.backward {
            Some(Weights::Direct(panel)) => panel.fill(path.rows(), |row, k| turned(row, k / taps, k % taps)),
            Some(Weights::Scatter(panel)) => panel.fill(path.rows(), |row, k| weight[k * depth + row]),
            Some(Weights::Shared | Weights::Winograd(_)) | None => {}
        }
    }

    /// (N, inputs, H, W) → (N, outputs, H', W').
    pub fn forward(&self, x: &Blocked, arena: &Arena) -> Blocked {
        self.pass(x, None, arena).0
    }

    /// The same, then what follows it, while the results are in the cache; the mask is there if that has ReLU.
    pub fn forward_finished(&self, x: &Blocked, after: After<'_>, arena: &Arena) -> (Blocked, Option<Mask>) {
        self.pass(x, Some(after), arena)
    }

    fn pass(&self, x: &Blocked, after: Option<After<'_>>, arena: &Arena) -> (Blocked, Option<Mask>) {
        let to = self.shape.output_dims(x.dims);
        let mut y = match &self.forward {
            Weights::Winograd(weights) => {
                return winograd::forward(x, weights, to, after, self.path, arena);
            }
            Weights::Direct(panel) => direct::convolve(x, panel, self.shape, self.path, arena),
            Weights::Scatter(panel) => {
                direct::input_gradient(x, panel, self.shape.turned(), to, self.path, arena)
            }
            Weights::Shared => unreachable!("only input gradients share"),
        };
        let mask = after.and_then(|after| pointwise::finish_in_place(&mut y, after, self.path, arena));
        (y, mask)
    }

    /// The gradient of an input of size `dims`, given the gradient of the output.
    ///
    /// # Panics
    /// If the convolution was made without input gradient.
    pub fn input_gradient(&self, g: &Blocked, dims: Dims, arena: &Arena) -> Blocked {
        match (self.backward.as_ref().expect("a convolution made with input gradient"), &self.forward) {
            (Weights::Direct(panel), _) => direct::convolve(g, panel, self.shape.turned(), self.path, arena),
            (Weights::Scatter(panel), _) => {
                direct::input_gradient(g, panel, self.shape, dims, self.path, arena)
            }
            (_, Weights::Winograd(weights)) => winograd::input_gradient(g, weights, dims, self.path, arena),
            _ => unreachable!("only Winograd's weights are shared"),
        }
    }

    /// The gradient of the weights, (outputs, inputs, k, k), given the input and the gradient of the output.
    pub fn weight_gradient(&self, x: &Blocked, g: &Blocked, arena: &Arena) -> Vec<f32> {
        if matches!(self.forward, Weights::Winograd(_)) {
            winograd::weight_gradient(x, g, self.shape.stride, self.path, arena)
        } else if self.shape.scatters_forward() {
            let swapped = direct::weight_gradient(g, x, self.shape.turned(), self.path, arena);
            self.swap_back(&swapped)
        } else {
            direct::weight_gradient(x, g, self.shape, self.path, arena)
        }
    }

    /// (inputs, outputs, turned taps) → (outputs, inputs, taps).
    fn swap_back(&self, swapped: &[f32]) -> Vec<f32> {
        let ConvolutionShape { inputs, outputs, kernel, .. } = self.shape;
        let taps = kernel * kernel;
        let place = |at: usize| {
            let (output, input, tap) = (at / (inputs * taps), at / taps % inputs, at % taps);
            swapped[(input * outputs + output) * taps + taps - 1 - tap]
        };
        (0..swapped.len()).map(place).collect()
    }
}
