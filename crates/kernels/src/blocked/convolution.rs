//! A convolution with its weights packed: which algorithm serves which pass.
//!
//! | pass | on AMX's tiles | 3×3, stride 1 or 2, padding 1 | groups of few channels | other, and groups one by one |
//! |---|---|---|---|---|
//! | forward | as defined, for bf16 and for training | Winograd | windows that slide | direct; scatter to few channels |
//! | input gradient | as defined | Winograd's adjoint, same weights | windows with turned weights | direct with turned weights; scatter where the size changes or to few channels |
//! | weight gradient | as defined | Winograd | sums by tap | direct; with pixels and gradients swapped for few output channels |
//!
//! A linear layer is a convolution whose kernel is as large as the image.
//! *Direct* multiplies patches with weights, *scatter* multiplies single pixels and adds each product where it belongs. With
//! fewer than eight channels on one side, a register tile of eight rows is best filled from the other side.

use super::{
    direct,
    epilogue::{self, Epilogue, GradientEpilogue, Then},
    factors::{self, Factors},
    gemm::Panel,
    shape::{ConvolutionShape, ENOUGH},
    simd::InstructionSet,
    tensor::{Arena, Blocked, Dims, Mask},
    tiled::{self, Tiled},
    windowed::{self, Windowed},
    winograd::{self, Transformed},
};
use crate::Precision;

/// Packed weights; panels are one for each group.
#[derive(Debug)]
pub(super) enum Weights {
    Tiled(Tiled),
    Winograd(Transformed),
    Windowed(Windowed),
    Direct(Vec<Panel>),
    Scatter(Vec<Panel>),
    /// Those of the forward pass serve the input gradient too.
    Shared,
}

/// A panel for each group.
fn panels(shape: ConvolutionShape, rows: usize, depth: usize, factors: Factors) -> Vec<Panel> {
    vec![Panel::new(rows, depth, factors); shape.groups]
}

impl Weights {
    fn for_forward(
        shape: ConvolutionShape,
        precision: Precision,
        with_input_gradient: bool,
        instructions: InstructionSet,
    ) -> Self {
        let (part, factors) = (shape.part(), factors::of(precision));
        if precision == Precision::Bf16 && tiled::suits(shape, precision, instructions) {
            Self::Tiled(Tiled::new(shape, precision, false, instructions))
        } else if windowed::suits(shape) {
            Self::Windowed(Windowed::new(shape, factors, false))
        } else if shape.suits_winograd() {
            let channels = [shape.outputs, shape.inputs];
            Self::Winograd(Transformed::new(channels, shape.stride, factors, with_input_gradient))
        } else if shape.scatters_forward() {
            Self::Scatter(panels(shape, part.turned().depth(), part.inputs, factors))
        } else {
            Self::Direct(panels(shape, part.outputs, part.depth(), factors))
        }
    }

    fn for_input_gradient(
        shape: ConvolutionShape,
        precision: Precision,
        instructions: InstructionSet,
    ) -> Self {
        let (part, factors) = (shape.part(), factors::of(precision));
        let fills = part.inputs >= ENOUGH || part.inputs >= part.outputs;
        if tiled::suits(shape, precision, instructions) {
            Self::Tiled(Tiled::new(shape, precision, true, instructions))
        } else if windowed::suits(shape) {
            Self::Windowed(Windowed::new(shape, factors, true))
        } else if shape.suits_winograd() {
            Self::Shared
        } else if shape.keeps_size() && fills {
            Self::Direct(panels(shape, part.inputs, part.outputs * part.taps(), factors))
        } else {
            Self::Scatter(panels(shape, part.depth(), part.outputs, factors))
        }
    }
}

/// A convolution's weights, packed for the passes that are wanted.
#[derive(Debug)]
pub struct Convolution {
    pub(super) shape: ConvolutionShape,
    pub(super) precision: Precision,
    pub(super) instructions: InstructionSet,
    pub(super) forward: Weights,
    backward: Option<Weights>,
}

impl Convolution {
    /// Packs `weight`, (outputs, inputs / groups, rows, columns of the kernel).
    ///
    /// # Panics
    /// If `weight` has another length than `shape` says, or the groups do not divide the channels.
    pub fn new(
        weight: &[f32],
        shape: ConvolutionShape,
        with_input_gradient: bool,
        instructions: InstructionSet,
    ) -> Self {
        Self::with(Precision::Full, weight, shape, with_input_gradient, instructions)
    }

    /// The same, whose factors are rounded as `precision` says; for TF32 there are no instructions here, and it is f32.
    ///
    /// # Panics
    /// As [`Convolution::new`].
    pub fn with(
        precision: Precision,
        weight: &[f32],
        shape: ConvolutionShape,
        with_input_gradient: bool,
        instructions: InstructionSet,
    ) -> Self {
        let forward = Weights::for_forward(shape, precision, with_input_gradient, instructions);
        Self::packed(weight, shape, precision, forward, with_input_gradient, instructions)
    }

    /// The same for training steps, whose gradients are sums over a batch: on AMX's tiles f32 goes forward with an error of
    /// 4 · 10⁻⁶ of a layer's root mean square, too, as gradients do in any case.
    ///
    /// # Panics
    /// As [`Convolution::new`].
    pub fn for_training(
        precision: Precision,
        weight: &[f32],
        shape: ConvolutionShape,
        with_input_gradient: bool,
        instructions: InstructionSet,
    ) -> Self {
        let forward = if tiled::suits(shape, precision, instructions) {
            Weights::Tiled(Tiled::new(shape, precision, false, instructions))
        } else {
            Weights::for_forward(shape, precision, with_input_gradient, instructions)
        };
        Self::packed(weight, shape, precision, forward, with_input_gradient, instructions)
    }

    fn packed(
        weight: &[f32],
        shape: ConvolutionShape,
        precision: Precision,
        forward: Weights,
        with_input_gradient: bool,
        instructions: InstructionSet,
    ) -> Self {
        let divides = |channels: usize| shape.groups > 0 && channels.is_multiple_of(shape.groups);
        assert!(divides(shape.inputs) && divides(shape.outputs), "groups of {shape:?}");
        let backward =
            with_input_gradient.then(|| Weights::for_input_gradient(shape, precision, instructions));
        let mut convolution = Self { shape, precision, instructions, forward, backward };
        convolution.repack(weight);
        convolution
    }

    /// Packs other weights of the same shape into the same memory.
    ///
    /// # Panics
    /// If `weight` has another length than the shape says.
    pub fn repack(&mut self, weight: &[f32]) {
        let (shape, part, instructions) = (self.shape, self.shape.part(), self.instructions);
        assert_eq!(weight.len(), shape.weights(), "weights of {shape:?}");
        let of_groups = || weight.chunks((part.outputs * part.depth()).max(1));
        match &mut self.forward {
            Weights::Tiled(weights) => weights.fill(weight),
            Weights::Winograd(weights) => weights.fill(instructions, weight),
            Weights::Windowed(weights) => weights.fill(weight, false),
            Weights::Direct(panels) => {
                panels.iter_mut().zip(of_groups()).for_each(|(panel, weight)| {
                    panel.fill(instructions.rows(), |row, k| weight[row * part.depth() + k]);
                });
            }
            Weights::Scatter(panels) => {
                panels.iter_mut().zip(of_groups()).for_each(|(panel, weight)| {
                    let (taps, inputs) = (part.taps(), part.inputs);
                    let place =
                        |row: usize, k: usize| (row / taps * inputs + k) * taps + taps - 1 - row % taps;
                    panel.fill(instructions.rows(), |row, k| weight[place(row, k)]);
                });
            }
            Weights::Shared => unreachable!("only input gradients share"),
        }
        match &mut self.backward {
            Some(Weights::Direct(panels)) => {
                panels.iter_mut().zip(of_groups()).for_each(|(panel, weight)| {
                    let (taps, inputs) = (part.taps(), part.inputs);
                    let place = |row: usize, k: usize| (k / taps * inputs + row) * taps + taps - 1 - k % taps;
                    panel.fill(instructions.rows(), |row, k| weight[place(row, k)]);
                });
            }
            Some(Weights::Scatter(panels)) => {
                panels.iter_mut().zip(of_groups()).for_each(|(panel, weight)| {
                    panel.fill(instructions.rows(), |row, k| weight[k * part.depth() + row]);
                });
            }
            Some(Weights::Tiled(weights)) => weights.fill(weight),
            Some(Weights::Windowed(weights)) => weights.fill(weight, true),
            Some(Weights::Shared | Weights::Winograd(_)) | None => {}
        }
    }

    /// (N, inputs, H, W) → (N, outputs, H', W').
    pub fn forward(&self, x: &Blocked, arena: &Arena) -> Blocked {
        self.pass(x, None, arena).0
    }

    /// The same, then what follows it, while the results are in the cache; the mask is there if that has ReLU.
    pub fn forward_with_epilogue(
        &self,
        x: &Blocked,
        epilogue: Epilogue<'_>,
        arena: &Arena,
    ) -> (Blocked, Option<Mask>) {
        self.pass(x, Some(epilogue), arena)
    }

    fn pass(&self, x: &Blocked, epilogue: Option<Epilogue<'_>>, arena: &Arena) -> (Blocked, Option<Mask>) {
        let (shape, instructions, to) = (self.shape, self.instructions, self.shape.output_dims(x.dims));
        let then = epilogue.map_or_else(Then::default, Then::Epilogue);
        match &self.forward {
            Weights::Tiled(weights) => weights.convolve(x, to, then, arena),
            Weights::Winograd(weights) => winograd::forward(x, weights, to, epilogue, instructions, arena),
            Weights::Windowed(weights) => weights.convolve(x, to, then, instructions, arena),
            Weights::Direct(panels) => direct::convolve(x, panels, shape, then, instructions, arena),
            Weights::Scatter(panels) => {
                let mut y = direct::scatter(x, panels, shape.turned(), to, instructions, arena);
                let mask = epilogue
                    .and_then(|epilogue| epilogue::apply_epilogue(&mut y, epilogue, instructions, arena));
                (y, mask)
            }
            Weights::Shared => unreachable!("only input gradients share"),
        }
    }

    /// The gradient of an input of size `dims`, given the gradient of the output.
    ///
    /// # Panics
    /// If the convolution was made without input gradient.
    pub fn input_gradient(&self, g: &Blocked, dims: Dims, arena: &Arena) -> Blocked {
        self.input_gradient_with_epilogue(g, dims, GradientEpilogue::default(), arena)
    }

    /// The same, joined with what other readers of the input have left, while it is in the cache if possible.
    ///
    /// # Panics
    /// As [`Convolution::input_gradient`], or if what it is joined with is of another size.
    pub fn input_gradient_with_epilogue(
        &self,
        g: &Blocked,
        dims: Dims,
        epilogue: GradientEpilogue<'_>,
        arena: &Arena,
    ) -> Blocked {
        let (instructions, then) = (self.instructions, Then::GradientEpilogue(epilogue));
        let backward = self.backward.as_ref().expect("a convolution made with input gradient");
        let mut gradient = match (backward, &self.forward) {
            (Weights::Direct(panels), _) => {
                return direct::convolve(g, panels, self.shape.turned(), then, instructions, arena).0;
            }
            (Weights::Scatter(panels), _) => {
                direct::scatter(g, panels, self.shape, dims, instructions, arena)
            }
            (Weights::Tiled(weights), _) => return weights.convolve(g, dims, then, arena).0,
            (Weights::Windowed(weights), _) => return weights.convolve(g, dims, then, instructions, arena).0,
            (_, Weights::Winograd(weights)) => {
                winograd::input_gradient(g, weights, dims, instructions, arena)
            }
            _ => unreachable!("only Winograd's weights are shared"),
        };
        epilogue::apply_gradient_epilogue(&mut gradient, epilogue, instructions);
        gradient
    }
}
