//! How much a step of training keeps.

use crate::{
    architectures::Architecture,
    graph::TokenOp,
    plan::{Kind, Plans, Purpose},
};

/// Channels, rows and columns.
type Size = [usize; 3];

/// The numbers of four bytes that the CPU engine keeps of each image in a step of training, from the forward to the backward pass: the
/// results of all operations. What an operation needs beside them comes on top of that. Nothing where images do not suit the network.
///
/// ```
/// // Normalised pixels, 19 convolutions with as many batch-norms, a mean, ten logits.
/// let of_blocks = 2 * (7 * 16 * 1024 + 6 * 32 * 256 + 6 * 64 * 64);
/// let found = models::values_kept("resnet20".parse()?, 10, [32, 32]);
/// assert_eq!(found, Some(3 * 1024 + of_blocks + 32 * 256 + 64 * 64 + 64 + 10));
/// # Ok::<(), models::Error>(())
/// ```
pub fn values_kept(architecture: Architecture, classes: usize, image: [usize; 2]) -> Option<usize> {
    let plans = Plans::new(&architecture.graph(classes));
    let plan = plans.plan_for(Purpose::Parameters);
    let mut sizes: Vec<Option<Size>> = vec![None; plan.slots];
    let mut sum = 0;
    for step in &plan.steps {
        let from = match step.kind.reads().first() {
            Some(&slot) => sizes[slot]?,
            None => [3, image[0], image[1]],
        };
        let [height, width] = step.kind.size([from[1], from[2]])?;
        let channels = channels(&step.kind, from[0], &sizes)?;
        sizes[step.out] = Some([channels, height, width]);
        sum += channels * height * width;
    }
    Some(sum)
}

/// Channels of what a step computes from so many.
fn channels(kind: &Kind, from: usize, sizes: &[Option<Size>]) -> Option<usize> {
    Some(match kind {
        Kind::Convolution { shape, .. } => shape.outputs,
        Kind::Channels { channels, .. } => channels.len(),
        Kind::Array { size, .. } => size[0],
        Kind::Concatenate { inputs } => {
            inputs.iter().map(|&slot| Some(sizes[slot]?[0])).sum::<Option<usize>>()?
        }
        Kind::Tokens { op: TokenOp::Attention(_), .. } => from / 3,
        Kind::Tokens { op: TokenOp::MergeSquares, .. } => 4 * from,
        Kind::Tokens { op: TokenOp::Swap { pixels, .. }, .. } => *pixels,
        _ => from,
    })
}
