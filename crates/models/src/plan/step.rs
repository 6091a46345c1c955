//! The steps that engines run.

use kernels::{
    Nonlinearity, Pool2d,
    blocked::{Cells, ConvolutionShape},
};

use crate::graph::{ArrayOp, NormSettings, TokenOp};

/// Index of a graph's node, and of the value that it computes.
pub(crate) type Slot = usize;

/// One step; `out` is the slot that it fills.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) out: Slot,
    pub(crate) kind: Kind,
}

/// What a step does, and which slots it reads.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Pixels to normalised values.
    Normalise,
    /// A convolution or a linear layer, and what its results go through while they are in the cache; without a module it has the
    /// fixed weights of a subsampling shortcut.
    Convolution { x: Slot, module: Option<String>, shape: ConvolutionShape, epilogue: Option<Epilogue> },
    /// Batch-norm, the residual sum if there is one, ReLU if wanted: one pass over the values.
    BatchNorm { x: Slot, norm: Norm, residual: Option<Slot>, relu: bool },
    /// The maximum over windows.
    MaxPool { x: Slot, window: Pool2d },
    /// The mean over cells.
    Mean { x: Slot, means: Means },
    /// ReLU with a slope for negative values.
    LeakyRelu { x: Slot, slope: f32 },
    /// A function of each value.
    Nonlinear { x: Slot, function: Nonlinearity },
    /// Planes times one number each.
    ScalePlanes { x: Slot, by: Slot },
    /// Some channels, or all in another order.
    Channels { x: Slot, channels: Vec<usize> },
    /// The sum of two values that no step before could add as it wrote.
    Sum { x: Slot, y: Slot },
    /// Zeroes values at random while statistics are the batch's.
    Dropout { x: Slot, rate: f32, dropped: Dropped },
    /// What transformers are made of.
    Tokens { x: Slot, op: TokenOp },
    /// An operation on arrays of any shape; its result is planes of `size`.
    Array { inputs: Vec<Slot>, op: ArrayOp, size: [usize; 3] },
    /// Channels side by side.
    Concatenate { inputs: Vec<Slot> },
}

/// What dropout zeroes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Each value by itself.
    Values,
    /// All values of an image (stochastic depth).
    Images,
}

/// A batch-norm by PyTorch's name. `bias` is the convolution before it that has one: it is not in the convolution's values, as the
/// statistics of the batch would take it away again.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) module: String,
    pub(crate) bias: Option<String>,
    pub(crate) settings: NormSettings,
}

/// What the results of a convolution go through: + shift + residual, then ReLU.
#[derive(Debug, Clone, Default)]
pub(crate) struct Epilogue {
    /// The batch-norm whose scale is part of the weights and whose shift is added.
    pub(crate) norm: Option<Norm>,
    /// Whether the convolution's own bias is added.
    pub(crate) bias: bool,
    pub(crate) residual: Option<Slot>,
    pub(crate) relu: bool,
}

/// Cells of a mean, for planes of any size.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Means {
    Windows(Pool2d),
    Adaptive([usize; 2]),
}

impl Means {
    /// The cells on planes of a size; none if no window fits.
    pub(crate) fn cells(self, size: [usize; 2]) -> Option<Cells> {
        match self {
            Self::Windows(window) => Cells::windows(window, size),
            Self::Adaptive(out) => Some(Cells::adaptive(out, size)),
        }
    }
}

impl Epilogue {
    /// Whether anything is added to each channel.
    pub(crate) fn has_shift(&self) -> bool {
        self.bias || self.norm.is_some()
    }
}

impl Kind {
    /// The slots that it reads.
    pub(crate) fn reads(&self) -> Vec<Slot> {
        match self {
            Self::Normalise => Vec::new(),
            Self::MaxPool { x, .. } | Self::Mean { x, .. } => vec![*x],
            Self::LeakyRelu { x, .. } | Self::Dropout { x, .. } => vec![*x],
            Self::Nonlinear { x, .. } | Self::Channels { x, .. } | Self::Tokens { x, .. } => vec![*x],
            Self::ScalePlanes { x, by: y } | Self::Sum { x, y } => vec![*x, *y],
            Self::Convolution { x, epilogue, .. } => {
                let residual = epilogue.as_ref().and_then(|epilogue| epilogue.residual);
                std::iter::once(*x).chain(residual).collect()
            }
            Self::BatchNorm { x, residual, .. } => std::iter::once(*x).chain(*residual).collect(),
            Self::Concatenate { inputs } | Self::Array { inputs, .. } => inputs.clone(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn reads_mut(&mut self) -> Vec<&mut Slot> {
        match self {
            Self::Normalise => Vec::new(),
            Self::MaxPool { x, .. } | Self::Mean { x, .. } => vec![x],
            Self::LeakyRelu { x, .. } | Self::Dropout { x, .. } => vec![x],
            Self::Nonlinear { x, .. } | Self::Channels { x, .. } | Self::Tokens { x, .. } => vec![x],
            Self::ScalePlanes { x, by: y } | Self::Sum { x, y } => vec![x, y],
            Self::Convolution { x, epilogue, .. } => {
                let residual = epilogue.as_mut().and_then(|epilogue| epilogue.residual.as_mut());
                std::iter::once(x).chain(residual).collect()
            }
            Self::BatchNorm { x, residual, .. } => std::iter::once(x).chain(residual.as_mut()).collect(),
            Self::Concatenate { inputs } | Self::Array { inputs, .. } => inputs.iter_mut().collect(),
        }
    }

    /// The slots whose values its gradient is computed from, besides those of the parameters.
    pub(crate) fn needs_on_the_way_back(&self) -> Vec<Slot> {
        match self {
            Self::Nonlinear { x, .. } => vec![*x],
            Self::Tokens { x, op } if op.needs_on_the_way_back() => vec![*x],
            Self::ScalePlanes { x, by } => vec![*x, *by],
            Self::Array { inputs, op, .. } => {
                op.needs_on_the_way_back().iter().map(|&input| inputs[input]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Rows and columns of what it computes from planes of a size; none if its windows do not fit there.
    pub(crate) fn size(&self, x: [usize; 2]) -> Option<[usize; 2]> {
        match self {
            Self::Convolution { shape, .. } => shape.output_size(x),
            Self::MaxPool { window, .. } => Some([window.count(x[0])?, window.count(x[1])?]),
            Self::Tokens { op, .. } => op.size(x),
            Self::Array { size, .. } => Some([size[1], size[2]]),
            Self::Mean { means, .. } => means.cells(x).map(|cells| cells.out()),
            _ => Some(x),
        }
    }
}
