//! A graph lowered to the steps that the engine runs.

use std::collections::{BTreeMap, BTreeSet};

use kernels::blocked::{Cells, ConvolutionShape};
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
    /// A convolution or a linear layer, and what its results go through while they are in the cache; without a module it has the
    /// fixed weights of a subsampling shortcut.
    Convolution { x: Slot, module: Option<String>, shape: ConvolutionShape, tail: Option<Tail> },
    /// Batch-norm, the residual sum if there is one, ReLU if wanted: one pass over the values. `bias` is the convolution before it
    /// that has one, which is not in its values.
    BatchNorm { x: Slot, module: String, bias: Option<String>, residual: Option<Slot>, relu: bool },
    /// The maximum over windows.
    MaxPool { x: Slot, window: Pool2d },
    /// The mean over cells.
    Mean { x: Slot, means: Means },
    /// ReLU with a slope for negative values.
    Rectify { x: Slot, slope: f32 },
    /// Zeroes values at random while statistics are the batch's.
    Dropout { x: Slot, rate: f32 },
    /// Channels side by side.
    Concatenate { inputs: Vec<Slot> },
}

/// What the results of a convolution go through: + shift + residual, then ReLU.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail {
    /// The batch-norm whose scale is part of the weights and whose shift is added.
    pub(crate) norm: Option<String>,
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

impl Kind {
    /// The slots that it reads.
    fn reads(&self) -> Vec<Slot> {
        match self {
            Self::Normalise => Vec::new(),
            Self::MaxPool { x, .. } | Self::Mean { x, .. } => vec![*x],
            Self::Rectify { x, .. } | Self::Dropout { x, .. } => vec![*x],
            Self::Convolution { x, tail, .. } => {
                let residual = tail.as_ref().and_then(|tail| tail.residual);
                std::iter::once(*x).chain(residual).collect()
            }
            Self::BatchNorm { x, residual, .. } => std::iter::once(*x).chain(*residual).collect(),
            Self::Concatenate { inputs } => inputs.clone(),
        }
    }

    fn reads_mut(&mut self) -> Vec<&mut Slot> {
        match self {
            Self::Normalise => Vec::new(),
            Self::MaxPool { x, .. } | Self::Mean { x, .. } => vec![x],
            Self::Rectify { x, .. } | Self::Dropout { x, .. } => vec![x],
            Self::Convolution { x, tail, .. } => {
                std::iter::once(x).chain(tail.as_mut().and_then(|tail| tail.residual.as_mut())).collect()
            }
            Self::BatchNorm { x, residual, .. } => std::iter::once(x).chain(residual.as_mut()).collect(),
            Self::Concatenate { inputs } => inputs.iter_mut().collect(),
        }
    }

    /// Rows and columns of what it computes from planes of a size; none if its windows do not fit there.
    fn size(&self, x: [usize; 2]) -> Option<[usize; 2]> {
        match self {
            Self::Convolution { shape, .. } => shape.output_size(x),
            Self::MaxPool { window, .. } => Some([window.count(x[0])?, window.count(x[1])?]),
            Self::Mean { means, .. } => means.cells(x).map(|cells| cells.out()),
            _ => Some(x),
        }
    }
}

/// The steps of a network, and what follows from their order.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// By slot: the index of the last step that reads it; results are read after all of them.
    pub(crate) last_reads: BTreeMap<Slot, usize>,
    /// By step whose convolution is the first to read the results of another that has ReLU: what it reads. On the way back its gradient
    /// is the last to be added, and goes through that ReLU at once.
    gates: BTreeMap<Slot, Slot>,
    pub(crate) slots: usize,
    pub(crate) latent: Slot,
    pub(crate) logits: Slot,
}

impl Plan {
    /// Lowers a graph: each residual sum joins the batch-norm or convolution before it.
    pub(crate) fn new(graph: &Graph) -> Self {
        let lowering = Lowering { graph, readers: readers(graph) };
        let steps = (0..graph.nodes.len()).filter_map(|out| lowering.step(out)).collect();
        Self::of(steps, graph.nodes.len(), [graph.latent.0, graph.logits.0])
    }

    fn of(steps: Vec<Step>, slots: usize, [latent, logits]: [Slot; 2]) -> Self {
        let mut last_reads = last_reads(&steps);
        last_reads.extend([latent, logits].map(|result| (result, steps.len())));
        let gates = gates(&steps);
        Self { steps, last_reads, gates, slots, latent, logits }
    }

    /// Whether the gradient that the convolution of step `out` leaves to `x` completes that of another convolution with ReLU.
    pub(crate) fn completes(&self, out: Slot, x: Slot) -> bool {
        self.gates.get(&out) == Some(&x)
    }

    /// The same network while its statistics stand still: each batch-norm that is a convolution's only reader joins it, and
    /// nothing is dropped.
    pub(crate) fn folded(&self) -> Self {
        let mut readers = vec![0; self.slots];
        self.steps.iter().flat_map(|step| step.kind.reads()).for_each(|slot| readers[slot] += 1);
        let kinds: BTreeMap<Slot, &Kind> = self.steps.iter().map(|step| (step.out, &step.kind)).collect();
        let fold = |step: &Step| match &step.kind {
            Kind::BatchNorm { x, .. } if readers[*x] == 1 => Some((*x, joined(kinds[x], &step.kind)?)),
            _ => None,
        };
        let folded: BTreeMap<Slot, (Slot, Kind)> =
            self.steps.iter().filter_map(|step| Some((step.out, fold(step)?))).collect();
        let gone: BTreeSet<Slot> = folded.values().map(|(convolution, _)| *convolution).collect();
        let mut same_as: BTreeMap<Slot, Slot> = BTreeMap::new();
        let mut steps = Vec::new();
        for step in self.steps.iter().filter(|step| !gone.contains(&step.out)) {
            let mut kind = folded.get(&step.out).map_or_else(|| step.kind.clone(), |(_, kind)| kind.clone());
            for slot in kind.reads_mut() {
                *slot = same_as.get(slot).copied().unwrap_or(*slot);
            }
            match kind {
                Kind::Dropout { x, .. } => drop(same_as.insert(step.out, x)),
                kind => steps.push(Step { out: step.out, kind }),
            }
        }
        let results = [self.latent, self.logits].map(|slot| same_as.get(&slot).copied().unwrap_or(slot));
        Self::of(steps, self.slots, results)
    }

    /// Whether every window of the network fits on what reaches it from images of a size.
    pub(crate) fn fits(&self, image: [usize; 2]) -> bool {
        let mut sizes = vec![image; self.slots];
        self.steps.iter().all(|step| {
            let from = step.kind.reads().first().map_or(image, |&slot| sizes[slot]);
            let found = step.kind.size(from);
            sizes[step.out] = found.unwrap_or(image);
            found.is_some()
        })
    }
}

/// A convolution with the batch-norm after it.
fn joined(convolution: &Kind, norm: &Kind) -> Option<Kind> {
    let Kind::Convolution { x, module: Some(module), shape, tail: None } = convolution else { return None };
    let Kind::BatchNorm { module: norm, bias, residual, relu, .. } = norm else { return None };
    let (norm, bias) = (Some(norm.clone()), bias.is_some());
    let tail = Some(Tail { norm, bias, residual: *residual, relu: *relu });
    Some(Kind::Convolution { x: *x, module: Some(module.clone()), shape: *shape, tail })
}

fn gates(steps: &[Step]) -> BTreeMap<Slot, Slot> {
    let first_reads: BTreeMap<Slot, usize> = reads(steps).rev().collect();
    let has_relu =
        |step: &&Step| matches!(&step.kind, Kind::Convolution { tail: Some(tail), .. } if tail.relu);
    let gate = |made: &Step| {
        let reader = &steps[*first_reads.get(&made.out)?];
        let Kind::Convolution { x, tail, .. } = &reader.kind else { return None };
        // Where it adds what it reads to its results, another gradient follows.
        let adds = tail.as_ref().and_then(|tail| tail.residual) == Some(made.out);
        (*x == made.out && !adds).then_some((reader.out, made.out))
    };
    steps.iter().filter(has_relu).filter_map(gate).collect()
}

fn last_reads(steps: &[Step]) -> BTreeMap<Slot, usize> {
    reads(steps).collect()
}

/// Which slots are read by which step, in the steps' order.
fn reads(steps: &[Step]) -> impl DoubleEndedIterator<Item = (Slot, usize)> {
    let of_step =
        |(index, step): (usize, &Step)| step.kind.reads().into_iter().map(move |slot| (slot, index));
    steps.iter().enumerate().flat_map(of_step)
}

/// By node: the nodes that read it.
fn readers(graph: &Graph) -> Vec<Vec<Slot>> {
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    for (out, node) in graph.nodes.iter().enumerate() {
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
                let weight = &self.graph.parameters[&format!("{module}.weight")];
                let (outputs, inputs) = (weight[0], weight[1] / (size[0] * size[1]));
                let shape = ConvolutionShape {
                    kernel: *size,
                    padding: [0; 2],
                    ..ConvolutionShape::same([inputs, outputs], 1, 1)
                };
                let tail = Tail { bias: true, relu: *activation == Activation::Relu, ..Tail::default() };
                Kind::Convolution { x, module: Some(module.clone()), shape, tail: Some(tail) }
            }
            Op::Subsample { stride, inputs, channels } => {
                let shape = ConvolutionShape::same([*inputs, *channels], 1, *stride);
                Kind::Convolution { x, module: None, shape, tail: None }
            }
            Op::BatchNorm { activation, .. } => self.batch_norm(out, None, *activation),
            Op::MaxPool(window) => Kind::MaxPool { x, window: *window },
            Op::Add { activation } => {
                let residual = Some(node.inputs[1].0);
                match self.graph.nodes[x].op {
                    Op::BatchNorm { .. } => self.batch_norm(x, residual, *activation),
                    Op::Convolution { .. } => self.convolution(x, residual, *activation == Activation::Relu),
                    _ => unreachable!("the builder puts sums after a batch-norm or a convolution"),
                }
            }
            Op::AvgPool(window) => Kind::Mean { x, means: Means::Windows(*window) },
            Op::AdaptiveAvgPool(size) => Kind::Mean { x, means: Means::Adaptive(*size) },
            Op::Rectify { slope } => Kind::Rectify { x, slope: *slope },
            Op::Dropout { rate } => Kind::Dropout { x, rate: *rate },
            Op::Concatenate => {
                Kind::Concatenate { inputs: node.inputs.iter().map(|input| input.0).collect() }
            }
        };
        Some(Step { out, kind })
    }

    /// Whether a value goes only into a sum, as the first summand.
    fn joins_a_sum(&self, slot: Slot) -> bool {
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
        let tail = (bias || relu || residual.is_some()).then_some(Tail { norm: None, bias, residual, relu });
        Kind::Convolution { x: node.inputs[0].0, module: Some(module.clone()), shape: *shape, tail }
    }

    fn batch_norm(&self, slot: Slot, residual: Option<Slot>, activation: Activation) -> Kind {
        let node = &self.graph.nodes[slot];
        let Op::BatchNorm { module, .. } = &node.op else { unreachable!("asked for batch-norms alone") };
        let x = node.inputs[0].0;
        let bias = match &self.graph.nodes[x].op {
            Op::Convolution { module, bias: true, .. } if self.is_normalised(x) => Some(module.clone()),
            _ => None,
        };
        Kind::BatchNorm { x, module: module.clone(), bias, residual, relu: activation == Activation::Relu }
    }
}
