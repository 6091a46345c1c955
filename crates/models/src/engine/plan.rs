//! A graph lowered to the steps that the engine runs.

use std::collections::{BTreeMap, BTreeSet};

use kernels::blocked::ConvolutionShape;
use kernels::{Activation, Pool2d};

use crate::graph::{Graph, Op};

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
    /// Pixels to normalised blocks.
    Normalise,
    /// A convolution; `identity` stands for the fixed weights of a subsampling shortcut.
    Convolution { x: Slot, module: Option<String>, shape: ConvolutionShape },
    /// A convolution whose weights hold the scale of the batch-norm after it; then its shift, the residual sum if there is
    /// one, and ReLU if wanted, all in one pass.
    Folded {
        x: Slot,
        module: String,
        shape: ConvolutionShape,
        norm: String,
        bias: Option<String>,
        residual: Option<Slot>,
        relu: bool,
    },
    /// Batch-norm, the residual sum if there is one, ReLU if wanted: one pass over the values. `bias` is the convolution before it
    /// that has one, which is not in its values.
    BatchNorm { x: Slot, module: String, bias: Option<String>, residual: Option<Slot>, relu: bool },
    /// The maximum over windows.
    MaxPool { x: Slot, window: Pool2d },
    /// The mean over pixels.
    Mean { x: Slot },
    /// The head.
    Linear { x: Slot, module: String },
}

impl Kind {
    fn reads(&self) -> impl Iterator<Item = Slot> {
        let (first, second) = match *self {
            Self::Normalise => (None, None),
            Self::Convolution { x, .. }
            | Self::MaxPool { x, .. }
            | Self::Mean { x }
            | Self::Linear { x, .. } => (Some(x), None),
            Self::BatchNorm { x, residual, .. } | Self::Folded { x, residual, .. } => (Some(x), residual),
        };
        first.into_iter().chain(second)
    }
}

/// The steps of a network, and when each value is read for the last time.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// By slot: the index of the last step that reads it.
    pub(crate) last_reads: BTreeMap<Slot, usize>,
    pub(crate) slots: usize,
    pub(crate) latent: Slot,
    pub(crate) logits: Slot,
}

impl Plan {
    /// Lowers a graph: each residual sum joins the batch-norm before it.
    pub(crate) fn new(graph: &Graph) -> Self {
        let fused = residual_sums(graph);
        let steps: Vec<Step> = (0..graph.nodes.len()).filter_map(|out| lower(graph, out, &fused)).collect();
        Self {
            last_reads: last_reads(&steps),
            steps,
            slots: graph.nodes.len(),
            latent: graph.latent.0,
            logits: graph.logits.0,
        }
    }

    /// The same network while its statistics stand still: each batch-norm that is a convolution's only reader joins it.
    pub(crate) fn folded(&self) -> Self {
        let mut readers = vec![0; self.slots];
        self.steps.iter().flat_map(|step| step.kind.reads()).for_each(|slot| readers[slot] += 1);
        let convolutions: BTreeMap<Slot, &Kind> =
            self.steps.iter().map(|step| (step.out, &step.kind)).collect();
        let fold = |step: &Step| match &step.kind {
            Kind::BatchNorm { x, module: norm, bias, residual, relu } if readers[*x] == 1 => {
                match convolutions[x] {
                    Kind::Convolution { x: from, module: Some(module), shape } => Some((
                        *x,
                        Kind::Folded {
                            x: *from,
                            module: module.clone(),
                            shape: *shape,
                            norm: norm.clone(),
                            bias: bias.clone(),
                            residual: *residual,
                            relu: *relu,
                        },
                    )),
                    _ => None,
                }
            }
            _ => None,
        };
        let folded: BTreeMap<Slot, (Slot, Kind)> =
            self.steps.iter().filter_map(|step| Some((step.out, fold(step)?))).collect();
        let joined: BTreeSet<Slot> = folded.values().map(|(convolution, _)| *convolution).collect();
        let kind =
            |step: &Step| folded.get(&step.out).map_or_else(|| step.kind.clone(), |(_, kind)| kind.clone());
        let rest = self.steps.iter().filter(|step| !joined.contains(&step.out));
        let steps: Vec<Step> = rest.map(|step| Step { out: step.out, kind: kind(step) }).collect();
        Self { last_reads: last_reads(&steps), steps, ..self.clone() }
    }
}

fn last_reads(steps: &[Step]) -> BTreeMap<Slot, usize> {
    let reads =
        |(index, step): (usize, &Step)| step.kind.reads().map(move |slot| (slot, index)).collect::<Vec<_>>();
    steps.iter().enumerate().flat_map(reads).collect()
}

/// From a batch-norm without activation to the sum that is its only reader.
fn residual_sums(graph: &Graph) -> BTreeMap<Slot, Slot> {
    let mut readers = vec![0; graph.nodes.len()];
    graph.nodes.iter().flat_map(|node| &node.inputs).for_each(|input| readers[input.0] += 1);
    let sum = |(out, node): (usize, &crate::Node)| {
        let first = node.inputs.first()?.0;
        let plain = matches!(graph.nodes[first].op, Op::BatchNorm { activation: Activation::None, .. });
        (matches!(node.op, Op::Add { .. }) && plain && readers[first] == 1).then_some((first, out))
    };
    graph.nodes.iter().enumerate().filter_map(sum).collect()
}

fn lower(graph: &Graph, out: Slot, fused: &BTreeMap<Slot, Slot>) -> Option<Step> {
    let node = &graph.nodes[out];
    let x = node.inputs.first().map_or(0, |input| input.0);
    let channels = |module: &str| graph.parameters[&format!("{module}.weight")].clone();
    let kind = match &node.op {
        Op::Input => return None,
        Op::BatchNorm { .. } if fused.contains_key(&out) => return None,
        Op::Normalise => Kind::Normalise,
        Op::Convolution { module, geometry, .. } => {
            let weight = channels(module);
            let (stride, padding) = (geometry.stride, geometry.padding);
            let shape = ConvolutionShape {
                inputs: weight[1],
                outputs: weight[0],
                kernel: weight[2],
                stride,
                padding,
            };
            Kind::Convolution { x, module: Some(module.clone()), shape }
        }
        Op::Subsample { stride, inputs, channels } => {
            let shape = ConvolutionShape {
                inputs: *inputs,
                outputs: *channels,
                kernel: 1,
                stride: *stride,
                padding: 0,
            };
            Kind::Convolution { x, module: None, shape }
        }
        Op::BatchNorm { module, activation } => batch_norm(graph, x, module, None, *activation),
        Op::MaxPool(window) => Kind::MaxPool { x, window: *window },
        Op::Add { activation } => {
            let norm = &graph.nodes[x];
            let Op::BatchNorm { module, .. } = &norm.op else {
                unreachable!("a residual sum after a batch-norm")
            };
            batch_norm(graph, norm.inputs[0].0, module, Some(node.inputs[1].0), *activation)
        }
        Op::GlobalAvgPool => Kind::Mean { x },
        Op::Linear { module } => Kind::Linear { x, module: module.clone() },
    };
    Some(Step { out, kind })
}

fn batch_norm(graph: &Graph, x: Slot, module: &str, residual: Option<Slot>, activation: Activation) -> Kind {
    let bias = match &graph.nodes[x].op {
        Op::Convolution { module, bias: true, .. } => Some(module.clone()),
        _ => None,
    };
    Kind::BatchNorm { x, module: module.to_owned(), bias, residual, relu: activation == Activation::Relu }
}
