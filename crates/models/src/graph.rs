//! A network as data: a list of operations on values, in the order in which they run.
//!
//! An architecture is a function that builds a [`Graph`]; it says nothing about how the graph is executed: that
//! is the seam between architectures and engines.

mod arrays;
mod tokens;

use std::{collections::BTreeMap, ops::Range};

use kernels::{Activation, Nonlinearity, Pool2d, blocked::ConvolutionShape};

pub use arrays::{ArrayOp, Side};
pub(crate) use tokens::perceptron;
pub use tokens::{BiasNumbers, RelativeBias, SelfAttention, Shift, TokenOp};

/// Names and shapes of tensors, ordered by name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// The result of one operation of a graph under construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub(crate) usize);

/// One operation. Strings are PyTorch's names of the module that holds the weights (`layer1.0.conv1`).
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum Op {
    /// The pixels, (B, C, H, W) in [0, 1].
    Input,
    /// (x − mean) / std per channel.
    Normalise,
    /// `{module}.weight` (out, in / groups, rows, columns); with `bias` also `{module}.bias` (out); then the activation.
    Convolution { module: String, shape: ConvolutionShape, bias: bool, activation: Activation },
    /// `{module}.weight`, `.bias`, `.running_mean`, `.running_var` (C), then the activation.
    BatchNorm { module: String, settings: NormSettings, activation: Activation },
    /// The output of a batch-norm or convolution without activation plus another value of its shape, then the activation; or, without
    /// activation, the sum of any two.
    Add { activation: Activation },
    /// Every `stride`-th pixel; the `inputs` channels set in the middle of `channels`, zeros around them (the
    /// shortcut without parameters of He et al. 2016, option A).
    Subsample { stride: usize, inputs: usize, channels: usize },
    /// The maximum over windows.
    MaxPool(Pool2d),
    /// The mean over windows, padding counting as zeros.
    AvgPool(Pool2d),
    /// Means over this many rows and columns of cells, whatever the size; [1, 1] for the mean over all pixels.
    AdaptiveAvgPool([usize; 2]),
    /// max(x, 0) + slope · min(x, 0).
    LeakyRelu { slope: f32 },
    /// A function of each value.
    Nonlinear(Nonlinearity),
    /// Planes times one number each: the second input is (B, C, 1, 1).
    ScalePlanes,
    /// The channels of these numbers, in this order; none twice.
    Channels(Vec<usize>),
    /// In training, zeroes this share of the values and divides the others by 1 − rate.
    Dropout { rate: f32 },
    /// In training, zeroes all values of this share of the images and divides those of the others by 1 − rate.
    StochasticDepth { rate: f32 },
    /// The channels of all inputs, one input after the other.
    Concatenate,
    /// What transformers are made of.
    Tokens(TokenOp),
    /// An operation on arrays of any shape; its result is planes of this size: channels, rows, columns.
    Array { op: ArrayOp, size: [usize; 3] },
    /// Of planes of `size`, flattened channel by channel: `{module}.weight` (out, C · H · W) and `{module}.bias` (out), then the
    /// activation.
    Linear { module: String, size: [usize; 2], activation: Activation },
}

/// The full name of a module's parameter. PyTorch's multi-head attention has no module for its first layer: a name that ends in `_` goes
/// on without a dot (`self_attention.in_proj_weight`).
pub(crate) fn parameter(module: &str, name: &str) -> String {
    if module.ends_with('_') { format!("{module}{name}") } else { format!("{module}.{name}") }
}

/// What batch-norms of one network have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormSettings {
    /// What is added to the variance.
    pub epsilon: f64,
    /// How much of a batch's moments enters the running statistics.
    pub momentum: f64,
}

impl Default for NormSettings {
    /// PyTorch's defaults.
    fn default() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1 }
    }
}

/// An operation and the values that it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From what; always earlier nodes.
    pub inputs: Vec<Value>,
}

/// A network: its operations in execution order, the shapes of its weights, and which values are its results.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) parameters: Shapes,
    pub(crate) buffers: Shapes,
    pub(crate) latent: Value,
    pub(crate) logits: Value,
    /// Rows and columns of the images, of a graph that was built for one size alone.
    pub(crate) image: Option<[usize; 2]>,
}

impl Graph {
    /// The operations, in execution order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The same network for images of these rows and columns alone, as one with operations on arrays is.
    pub fn for_images_of(self, size: [usize; 2]) -> Self {
        Self { image: Some(size), ..self }
    }

    /// The network whose logits are these of this one's, in this order; none twice.
    pub fn with_outputs(mut self, outputs: &[usize]) -> Self {
        self.nodes.push(Node { op: Op::Channels(outputs.to_vec()), inputs: vec![self.logits] });
        self.logits = Value(self.nodes.len() - 1);
        self
    }

    /// Names and shapes of what is learned.
    pub fn parameters(&self) -> &Shapes {
        &self.parameters
    }

    /// Names and shapes of what is tracked but not learned: the batch-norm statistics.
    pub fn buffers(&self) -> &Shapes {
        &self.buffers
    }

    /// The same with the largest rate of stochastic depth brought to `most` and the others in proportion; none if it has no such rates.
    pub(crate) fn with_stochastic_depth(&self, most: f32) -> Option<Self> {
        let mut scaled = self.clone();
        let rates = |nodes: &[Node]| {
            let rate =
                |node: &Node| if let Op::StochasticDepth { rate } = node.op { Some(rate) } else { None };
            nodes.iter().filter_map(rate).reduce(f32::max)
        };
        let factor = most / rates(&self.nodes)?;
        for node in &mut scaled.nodes {
            if let Op::StochasticDepth { rate } = &mut node.op {
                *rate *= factor;
            }
        }
        Some(scaled)
    }

    /// Parameters and buffers together: everything that a checkpoint holds.
    pub fn shapes(&self) -> Shapes {
        self.parameters
            .iter()
            .chain(&self.buffers)
            .map(|(name, shape)| (name.clone(), shape.clone()))
            .collect()
    }
}

/// Builds a [`Graph`] operation by operation, following the channel count so that architectures need not.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
    channels: Vec<usize>,
    parameters: Shapes,
    buffers: Shapes,
    norms: NormSettings,
}

impl GraphBuilder {
    /// Starts a graph: pixels of `channels` channels, normalised.
    pub fn images(channels: usize) -> (Self, Value) {
        let mut builder = Self::default();
        let pixels = builder.push(Op::Input, &[], channels);
        let normalised = builder.push(Op::Normalise, &[pixels], channels);
        (builder, normalised)
    }

    /// Sets ε and momentum of all batch-norms that follow.
    pub fn set_norms(&mut self, norms: NormSettings) {
        self.norms = norms;
    }

    /// How many channels a value has.
    pub fn channels(&self, x: Value) -> usize {
        self.channels[x.0]
    }

    /// A k×k convolution without bias and with padding (k − 1) / 2.
    pub fn conv(&mut self, x: Value, module: &str, out: usize, kernel: usize, stride: usize) -> Value {
        let shape = ConvolutionShape::same([self.channels(x), out], kernel, stride);
        self.convolution(x, module, shape, false, Activation::None)
    }

    /// Any convolution.
    pub fn convolution(
        &mut self,
        x: Value,
        module: &str,
        shape: ConvolutionShape,
        bias: bool,
        activation: Activation,
    ) -> Value {
        let ConvolutionShape { inputs, outputs, kernel: [rows, columns], groups, .. } = shape;
        self.parameters.insert(parameter(module, "weight"), vec![outputs, inputs / groups, rows, columns]);
        if bias {
            self.parameters.insert(parameter(module, "bias"), vec![outputs]);
        }
        self.push(Op::Convolution { module: module.to_owned(), shape, bias, activation }, &[x], outputs)
    }

    /// A 3×3 convolution with bias and padding 1, then batch-norm and ReLU: what the bias adds, the batch's statistics take away
    /// again, so that it matters to the running mean alone.
    pub fn biased_conv(&mut self, x: Value, conv: &str, norm: &str, out: usize) -> Value {
        let shape = ConvolutionShape::same([self.channels(x), out], 3, 1);
        let x = self.convolution(x, conv, shape, true, Activation::None);
        self.batch_norm(x, norm, Activation::Relu)
    }

    /// The maximum over windows.
    pub fn max_pool(&mut self, x: Value, window: Pool2d) -> Value {
        let channels = self.channels(x);
        self.push(Op::MaxPool(window), &[x], channels)
    }

    /// Batch normalisation, then the activation.
    pub fn batch_norm(&mut self, x: Value, module: &str, activation: Activation) -> Value {
        let channels = self.channels(x);
        for name in ["weight", "bias"] {
            self.parameters.insert(parameter(module, name), vec![channels]);
        }
        for name in ["running_mean", "running_var"] {
            self.buffers.insert(parameter(module, name), vec![channels]);
        }
        let settings = self.norms;
        self.push(Op::BatchNorm { module: module.to_owned(), settings, activation }, &[x], channels)
    }

    /// The residual sum, then the activation. `x` is the result of a batch-norm or convolution without activation, and of no other
    /// use; or the sum has no activation.
    pub fn add(&mut self, x: Value, y: Value, activation: Activation) -> Value {
        let channels = self.channels(x);
        self.push(Op::Add { activation }, &[x, y], channels)
    }

    /// The shortcut without parameters: see [`Op::Subsample`].
    pub fn subsample(&mut self, x: Value, stride: usize, channels: usize) -> Value {
        self.push(Op::Subsample { stride, inputs: self.channels(x), channels }, &[x], channels)
    }

    /// The mean over pixels, (B, C, 1, 1).
    pub fn global_avg_pool(&mut self, x: Value) -> Value {
        self.adaptive_avg_pool(x, [1, 1])
    }

    /// Means over this many rows and columns of cells.
    pub fn adaptive_avg_pool(&mut self, x: Value, size: [usize; 2]) -> Value {
        let channels = self.channels(x);
        self.push(Op::AdaptiveAvgPool(size), &[x], channels)
    }

    /// The mean over windows.
    pub fn avg_pool(&mut self, x: Value, window: Pool2d) -> Value {
        let channels = self.channels(x);
        self.push(Op::AvgPool(window), &[x], channels)
    }

    /// Leaky ReLU: `slope` for negative values.
    pub fn leaky_relu(&mut self, x: Value, slope: f32) -> Value {
        let channels = self.channels(x);
        self.push(Op::LeakyRelu { slope }, &[x], channels)
    }

    /// A function of each value.
    pub fn nonlinear(&mut self, x: Value, function: Nonlinearity) -> Value {
        let channels = self.channels(x);
        self.push(Op::Nonlinear(function), &[x], channels)
    }

    /// Planes times one number each, `by`: (B, C, 1, 1).
    pub fn scale_planes(&mut self, x: Value, by: Value) -> Value {
        let channels = self.channels(x);
        self.push(Op::ScalePlanes, &[x, by], channels)
    }

    /// Some neighbouring channels.
    pub fn some_channels(&mut self, x: Value, channels: Range<usize>) -> Value {
        let count = channels.len();
        self.push(Op::Channels(channels.collect()), &[x], count)
    }

    /// The first channel of each of as many groups, then the second of each, and so on (channel shuffle, Zhang et al. 2018).
    pub fn shuffle(&mut self, x: Value, groups: usize) -> Value {
        let channels = self.channels(x);
        let size = channels / groups;
        let order = (0..size).flat_map(|place| (0..groups).map(move |group| group * size + place));
        self.push(Op::Channels(order.collect()), &[x], channels)
    }

    /// Zeroes a share of the images' values in training, so that a residual sum passes them by (Huang et al. 2016).
    pub fn stochastic_depth(&mut self, x: Value, rate: f32) -> Value {
        let channels = self.channels(x);
        self.push(Op::StochasticDepth { rate }, &[x], channels)
    }

    /// Zeroes a share of the values in training.
    pub fn dropout(&mut self, x: Value, rate: f32) -> Value {
        let channels = self.channels(x);
        self.push(Op::Dropout { rate }, &[x], channels)
    }

    /// Channels side by side.
    pub fn concatenate(&mut self, inputs: &[Value]) -> Value {
        let channels = inputs.iter().map(|&x| self.channels(x)).sum();
        self.push(Op::Concatenate, inputs, channels)
    }

    /// A linear layer on planes of `size`, flattened; then the activation.
    pub fn linear(
        &mut self,
        x: Value,
        module: &str,
        size: [usize; 2],
        out: usize,
        activation: Activation,
    ) -> Value {
        let inputs = self.channels(x) * size[0] * size[1];
        self.parameters.insert(parameter(module, "weight"), vec![out, inputs]);
        self.parameters.insert(parameter(module, "bias"), vec![out]);
        self.push(Op::Linear { module: module.to_owned(), size, activation }, &[x], out)
    }

    /// The classifying head on latent features of one pixel; ends the graph.
    pub fn head(mut self, latent: Value, module: &str, classes: usize) -> Graph {
        let logits = self.linear(latent, module, [1, 1], classes, Activation::None);
        self.finish(latent, logits)
    }

    /// Ends the graph.
    pub fn finish(self, latent: Value, logits: Value) -> Graph {
        let Self { nodes, parameters, buffers, .. } = self;
        Graph { nodes, parameters, buffers, latent, logits, image: None }
    }

    fn push(&mut self, op: Op, inputs: &[Value], channels: usize) -> Value {
        self.nodes.push(Node { op, inputs: inputs.to_vec() });
        self.channels.push(channels);
        Value(self.nodes.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two blocks, of which training skips the first for a tenth of the images and the second for a fifth.
    #[test]
    fn rates_of_stochastic_depth_keep_their_proportion() {
        let graph = |rates: &[f32]| {
            let (mut g, x) = GraphBuilder::images(3);
            let last = rates.iter().fold(x, |x, rate| g.stochastic_depth(x, *rate));
            g.head(last, "fc", 10)
        };
        let scaled = graph(&[0.1, 0.2]).with_stochastic_depth(0.5).expect("rates");
        assert_eq!(scaled, graph(&[0.25, 0.5]));
        assert_eq!(graph(&[]).with_stochastic_depth(0.5), None);
    }
}
