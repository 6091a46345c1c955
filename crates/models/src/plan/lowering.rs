//! A graph lowered to steps: each residual sum and each activation joins the batch-norm or convolution before it, and a linear layer
//! is a convolution with a kernel as large as its planes.

use kernels::{Activation, blocked::ConvolutionShape};

use super::step::{Dropped, Epilogue, Kind, Means, Norm, Slot, Step};
use crate::graph::{Graph, Op, parameter};

/// The steps of a graph.
pub(super) fn lower(graph: &Graph) -> Vec<Step> {
    let used = used(graph);
    let lowering = Lowering { graph, readers: readers(graph, &used) };
    (0..graph.nodes.len()).filter(|&out| used[out]).filter_map(|out| lowering.step(out)).collect()
}

/// By node: whether a result depends on it.
fn used(graph: &Graph) -> Vec<bool> {
    let mut used = vec![false; graph.nodes.len()];
    [graph.latent, graph.logits].iter().for_each(|result| used[result.0] = true);
    for (out, node) in graph.nodes.iter().enumerate().rev() {
        if used[out] {
            node.inputs.iter().for_each(|input| used[input.0] = true);
        }
    }
    used
}

/// By node: the nodes that read it, of those that are used.
fn readers(graph: &Graph, used: &[bool]) -> Vec<Vec<Slot>> {
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    for (out, node) in graph.nodes.iter().enumerate().filter(|(out, _)| used[*out]) {
        node.inputs.iter().for_each(|input| readers[input.0].push(out));
    }
    readers
}

struct Lowering<'a> {
    graph: &'a Graph,
    readers: Vec<Vec<Slot>>,
}

impl Lowering<'_> {
    fn step(&self, out: Slot) -> Option<Step> {
        let node = &self.graph.nodes[out];
        let x = node.inputs.first().map_or(0, |input| input.0);
        let kind = match &node.op {
            Op::Input => return None,
            Op::BatchNorm { .. } | Op::Convolution { .. } if self.joins_a_sum(out) => return None,
            Op::Normalise => Kind::Normalise,
            Op::Convolution { .. } => self.convolution(out, None, false),
            Op::Linear { module, size, activation } => {
                let weight = &self.graph.parameters[&parameter(module, "weight")];
                let (outputs, inputs) = (weight[0], weight[1] / (size[0] * size[1]));
                let shape = ConvolutionShape {
                    kernel: *size,
                    padding: [0; 2],
                    ..ConvolutionShape::same([inputs, outputs], 1, 1)
                };
                let relu = *activation == Activation::Relu;
                let epilogue = Some(Epilogue { bias: true, relu, ..Epilogue::default() });
                Kind::Convolution { x, module: Some(module.clone()), shape, epilogue }
            }
            Op::Subsample { stride, inputs, channels } => {
                let shape = ConvolutionShape::same([*inputs, *channels], 1, *stride);
                Kind::Convolution { x, module: None, shape, epilogue: None }
            }
            Op::BatchNorm { activation, .. } => self.batch_norm(out, None, *activation),
            Op::MaxPool(window) => Kind::MaxPool { x, window: *window },
            Op::Add { activation } => {
                let residual = Some(node.inputs[1].0);
                match self.graph.nodes[x].op {
                    Op::BatchNorm { .. } if self.joins_a_sum(x) => self.batch_norm(x, residual, *activation),
                    Op::Convolution { .. } if self.joins_a_sum(x) => {
                        self.convolution(x, residual, *activation == Activation::Relu)
                    }
                    _ => Kind::Sum { x, y: node.inputs[1].0 },
                }
            }
            Op::AvgPool(window) => Kind::Mean { x, means: Means::Windows(*window) },
            Op::AdaptiveAvgPool(size) => Kind::Mean { x, means: Means::Adaptive(*size) },
            Op::LeakyRelu { slope } => Kind::LeakyRelu { x, slope: *slope },
            Op::Nonlinear(function) => Kind::Nonlinear { x, function: *function },
            Op::ScalePlanes => Kind::ScalePlanes { x, by: node.inputs[1].0 },
            Op::Channels(channels) => Kind::Channels { x, channels: channels.clone() },
            Op::Dropout { rate } => Kind::Dropout { x, rate: *rate, dropped: Dropped::Values },
            Op::StochasticDepth { rate } => Kind::Dropout { x, rate: *rate, dropped: Dropped::Images },
            Op::Tokens(op) => Kind::Tokens { x, op: op.clone() },
            Op::Array { op, size } => {
                let inputs = node.inputs.iter().map(|input| input.0).collect();
                Kind::Array { inputs, op: op.clone(), size: *size }
            }
            Op::Concatenate => {
                Kind::Concatenate { inputs: node.inputs.iter().map(|input| input.0).collect() }
            }
        };
        Some(Step { out, kind })
    }

    /// Whether a value goes only into a sum, as the first summand, and as it is.
    fn joins_a_sum(&self, slot: Slot) -> bool {
        if let Op::Convolution { activation: Activation::Relu, .. }
        | Op::BatchNorm { activation: Activation::Relu, .. } = self.graph.nodes[slot].op
        {
            return false;
        }
        let [reader] = self.readers[slot][..] else { return false };
        let reader = &self.graph.nodes[reader];
        matches!(reader.op, Op::Add { .. }) && reader.inputs[0].0 == slot
    }

    /// Whether a value goes only into a batch-norm.
    fn is_normalised(&self, slot: Slot) -> bool {
        let [reader] = self.readers[slot][..] else { return false };
        matches!(self.graph.nodes[reader].op, Op::BatchNorm { .. })
    }

    fn convolution(&self, slot: Slot, residual: Option<Slot>, sum_relu: bool) -> Kind {
        let node = &self.graph.nodes[slot];
        let Op::Convolution { module, shape, bias, activation } = &node.op else {
            unreachable!("asked for convolutions alone")
        };
        let relu = sum_relu || *activation == Activation::Relu;
        let bias = *bias && !self.is_normalised(slot);
        let has_epilogue = bias || relu || residual.is_some();
        let epilogue = has_epilogue.then_some(Epilogue { norm: None, bias, residual, relu });
        Kind::Convolution { x: node.inputs[0].0, module: Some(module.clone()), shape: *shape, epilogue }
    }

    fn batch_norm(&self, slot: Slot, residual: Option<Slot>, activation: Activation) -> Kind {
        let node = &self.graph.nodes[slot];
        let Op::BatchNorm { module, settings, .. } = &node.op else {
            unreachable!("asked for batch-norms alone")
        };
        let x = node.inputs[0].0;
        let bias = match &self.graph.nodes[x].op {
            Op::Convolution { module, bias: true, .. } if self.is_normalised(x) => Some(module.clone()),
            _ => None,
        };
        let norm = Norm { module: module.clone(), bias, settings: *settings };
        Kind::BatchNorm { x, norm, residual, relu: activation == Activation::Relu }
    }
}
