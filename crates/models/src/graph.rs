//! A network as data: a list of operations on values, in the order in which they run.
//!
//! An architecture is a function that builds a [`Graph`]; it says nothing about how the graph is executed: that
//! is the seam between architectures and engines.

use std::collections::BTreeMap;

use kernels::{Activation, Conv2d, Pool2d};

/// Names and shapes of tensors, ordered by name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// The result of one operation of a graph under construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value(pub(crate) usize);

/// One operation. Strings are PyTorch's names of the module that holds the weights (`layer1.0.conv1`).
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the variants say what the fields are
pub enum Op {
    /// The pixels, (B, C, H, W) in [0, 1].
    Input,
    /// (x − mean) / std per channel.
    Normalise,
    /// `{module}.weight` (out, in, k, k); with `bias` also `{module}.bias` (out), and a batch-norm after it.
    Convolution { module: String, geometry: Conv2d, bias: bool },
    /// `{module}.weight`, `.bias`, `.running_mean`, `.running_var` (C), then the activation.
    BatchNorm { module: String, activation: Activation },
    /// The output of a batch-norm without activation plus another value of its shape, then the activation.
    Add { activation: Activation },
    /// Every `stride`-th pixel; the `inputs` channels set in the middle of `channels`, zeros around them (the
    /// shortcut without parameters of He et al. 2016, option A).
    Subsample { stride: usize, inputs: usize, channels: usize },
    /// The maximum over windows.
    MaxPool(Pool2d),
    /// (B, C, H, W) → (B, C), the mean over pixels.
    GlobalAvgPool,
    /// `{module}.weight` (out, in) and `{module}.bias` (out).
    Linear { module: String },
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
}

impl Graph {
    /// The operations, in execution order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Names and shapes of what is learned.
    pub fn parameters(&self) -> &Shapes {
        &self.parameters
    }

    /// Names and shapes of what is tracked but not learned: the batch-norm statistics.
    pub fn buffers(&self) -> &Shapes {
        &self.buffers
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
}

impl GraphBuilder {
    /// Starts a graph: pixels of `channels` channels, normalised.
    pub fn images(channels: usize) -> (Self, Value) {
        let mut builder = Self::default();
        let pixels = builder.push(Op::Input, &[], channels);
        let normalised = builder.push(Op::Normalise, &[pixels], channels);
        (builder, normalised)
    }

    /// How many channels a value has.
    pub fn channels(&self, x: Value) -> usize {
        self.channels[x.0]
    }

    /// A k×k convolution without bias and with padding (k − 1) / 2.
    pub fn conv(&mut self, x: Value, module: &str, out: usize, kernel: usize, stride: usize) -> Value {
        let geometry = Conv2d { stride, padding: (kernel - 1) / 2, groups: 1 };
        self.parameters.insert(format!("{module}.weight"), vec![out, self.channels(x), kernel, kernel]);
        self.push(Op::Convolution { module: module.to_owned(), geometry, bias: false }, &[x], out)
    }

    /// A 3×3 convolution with bias and padding 1, and the batch-norm and ReLU that must follow it: what the bias adds, the
    /// batch's statistics take away again, so that it matters to the running mean alone.
    pub fn biased_conv(&mut self, x: Value, conv: &str, norm: &str, out: usize) -> Value {
        let geometry = Conv2d { stride: 1, padding: 1, groups: 1 };
        self.parameters.insert(format!("{conv}.weight"), vec![out, self.channels(x), 3, 3]);
        self.parameters.insert(format!("{conv}.bias"), vec![out]);
        let x = self.push(Op::Convolution { module: conv.to_owned(), geometry, bias: true }, &[x], out);
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
            self.parameters.insert(format!("{module}.{name}"), vec![channels]);
        }
        for name in ["running_mean", "running_var"] {
            self.buffers.insert(format!("{module}.{name}"), vec![channels]);
        }
        self.push(Op::BatchNorm { module: module.to_owned(), activation }, &[x], channels)
    }

    /// The residual sum, then the activation.
    pub fn add(&mut self, x: Value, y: Value, activation: Activation) -> Value {
        let channels = self.channels(x);
        self.push(Op::Add { activation }, &[x, y], channels)
    }

    /// The shortcut without parameters: see [`Op::Subsample`].
    pub fn subsample(&mut self, x: Value, stride: usize, channels: usize) -> Value {
        self.push(Op::Subsample { stride, inputs: self.channels(x), channels }, &[x], channels)
    }

    /// The mean over pixels, (B, C).
    pub fn global_avg_pool(&mut self, x: Value) -> Value {
        let channels = self.channels(x);
        self.push(Op::GlobalAvgPool, &[x], channels)
    }

    /// The classifying head on the latent features; ends the graph.
    pub fn head(mut self, latent: Value, module: &str, classes: usize) -> Graph {
        self.parameters.insert(format!("{module}.weight"), vec![classes, self.channels(latent)]);
        self.parameters.insert(format!("{module}.bias"), vec![classes]);
        let logits = self.push(Op::Linear { module: module.to_owned() }, &[latent], classes);
        Graph { nodes: self.nodes, parameters: self.parameters, buffers: self.buffers, latent, logits }
    }

    fn push(&mut self, op: Op, inputs: &[Value], channels: usize) -> Value {
        self.nodes.push(Node { op, inputs: inputs.to_vec() });
        self.channels.push(channels);
        Value(self.nodes.len() - 1)
    }
}
