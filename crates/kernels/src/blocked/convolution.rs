//! A convolution with its weights packed: which algorithm serves which pass.
//!
//! | pass | 3×3, stride 1, padding 1 | stride 1 | stride > 1 |
//! |---|---|---|---|
//! | forward | Winograd | direct | direct |
//! | input gradient | Winograd's adjoint, same weights | direct, turned weights | scatter |
//! | weight gradient | Winograd | direct | direct |
//!
//! With fewer than eight input channels the patches are so short that the direct sum wins.

use super::{
    direct,
    gemm::Panel,
    simd::Path,
    tensor::{Arena, Blocked, Dims},
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

/// Fewest input channels for Winograd.
const WINOGRAD_CHANNELS: usize = 8;

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
        (self.kernel, self.stride, self.padding) == (3, 1, 1) && self.inputs >= WINOGRAD_CHANNELS
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
            Self::Winograd(Transformed::new(shape.outputs, shape.inputs))
        } else {
            Self::Direct(Panel::new(shape.outputs, shape.depth()))
        }
    }

    fn for_input_gradient(shape: ConvolutionShape) -> Self {
        if shape.suits_winograd() {
            Self::Shared
        } else if shape.stride == 1 {
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
            Weights::Scatter(_) | Weights::Shared => unreachable!("weights of input gradients"),
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
        match &self.forward {
            Weights::Winograd(weights) => winograd::forward(x, weights, self.path, arena),
            Weights::Direct(panel) => direct::convolve(x, panel, self.shape, self.path, arena),
            Weights::Scatter(_) | Weights::Shared => unreachable!("weights of input gradients"),
        }
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
            (_, Weights::Winograd(weights)) => winograd::input_gradient(g, weights, self.path, arena),
            _ => unreachable!("only Winograd's weights are shared"),
        }
    }

    /// The gradient of the weights, (outputs, inputs, k, k), given the input and the gradient of the output.
    pub fn weight_gradient(&self, x: &Blocked, g: &Blocked, arena: &Arena) -> Vec<f32> {
        if matches!(self.forward, Weights::Winograd(_)) {
            winograd::weight_gradient(x, g, self.path, arena)
        } else {
            direct::weight_gradient(x, g, self.shape, self.path, arena)
        }
    }
}
