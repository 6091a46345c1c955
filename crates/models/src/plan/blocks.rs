//! Where the blocks of a network end.

use super::step::{Kind, Slot, Step};
use crate::graph::ArrayOp;

/// A value that a block of the network hands on, and the module that it ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) slot: Slot,
    pub(crate) name: String,
}

/// What counts as a block's end, the first of these that a network has two of: the sums of residual blocks; the concatenations of dense
/// ones; rectified layers. Values of operations on arrays of any shape are left out: nothing says which axes are an image's.
pub(super) fn blocks(steps: &[Step]) -> Vec<Block> {
    let kinds: [fn(&Kind) -> bool; 3] = [is_sum, is_concatenation, is_rectified];
    for is_end in kinds {
        let ends = steps.iter().enumerate().filter(|(_, step)| is_end(&step.kind));
        let blocks: Vec<Block> =
            ends.map(|(at, step)| Block { slot: step.out, name: name(steps, at) }).collect();
        if blocks.len() > 1 {
            return blocks;
        }
    }
    Vec::new()
}

fn is_sum(kind: &Kind) -> bool {
    match kind {
        Kind::Sum { .. } => true,
        Kind::Convolution { epilogue: Some(epilogue), .. } => epilogue.residual.is_some(),
        Kind::BatchNorm { residual, .. } => residual.is_some(),
        _ => false,
    }
}

fn is_concatenation(kind: &Kind) -> bool {
    matches!(kind, Kind::Concatenate { .. })
}

fn is_rectified(kind: &Kind) -> bool {
    match kind {
        Kind::Convolution { epilogue: Some(epilogue), .. } => epilogue.relu,
        Kind::BatchNorm { relu, .. } => *relu,
        Kind::LeakyRelu { .. } | Kind::Nonlinear { .. } => true,
        _ => false,
    }
}

/// The module with weights that ran last before the end of a block, on the way that leads to it.
fn name(steps: &[Step], mut at: usize) -> String {
    loop {
        let step = &steps[at];
        match &step.kind {
            Kind::Convolution { module: Some(module), .. } => return module.clone(),
            Kind::BatchNorm { norm, .. } => return norm.module.clone(),
            Kind::Array { op: ArrayOp::Constant { parameter }, .. } => return parameter.clone(),
            _ => {}
        }
        // Of the values that it reads the newest is the branch.
        let made = |slot: Slot| steps[..at].iter().rposition(|step| step.out == slot);
        let Some(before) = step.kind.reads().into_iter().filter_map(made).max() else {
            return format!("operation {at}");
        };
        at = before;
    }
}

/// Tokens as pixels of a grid again: what follows planes of more than one column as one column has their pixels, with learned tokens in
/// front.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Grid {
    plane: [usize; 2],
}

impl Grid {
    /// Takes note of a value's rows and columns, and says of which planes its pixels are, and how many tokens are in front of them.
    pub(crate) fn of(&mut self, [rows, columns]: [usize; 2]) -> ([usize; 2], usize) {
        let pixels = self.plane[0] * self.plane[1];
        if columns == 1 && self.plane[1] > 1 && rows >= pixels {
            return (self.plane, rows - pixels);
        }
        self.plane = [rows, columns];
        (self.plane, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Architecture, Family,
        plan::{Plans, Purpose},
    };

    /// Of a network for large images, in evaluation.
    fn names(architecture: &str) -> Vec<String> {
        let known: Architecture = architecture.parse().expect("known");
        let known = known.in_family(Family::Imagenet).expect("for large images");
        let plans = Plans::new(&known.graph(10));
        plans.plan_for(Purpose::Evaluation).blocks.iter().map(|block| block.name.clone()).collect()
    }

    #[test]
    fn blocks_end_where_papers_say() {
        let resnet = names("resnet50");
        assert_eq!(
            (resnet.len(), resnet[0].as_str(), resnet[15].as_str()),
            (16, "layer1.0.conv3", "layer4.2.conv3")
        );
        let vit = names("vit_b_16");
        assert_eq!(vit.len(), 24, "attention and perceptron by turns");
        assert!(vit[0].ends_with("self_attention.out_proj") && vit[1].contains("mlp"), "{vit:?}");
        assert_eq!(names("densenet121").len(), 58, "one for each dense layer");
        assert_eq!(names("vgg11").len(), 10, "eight convolutions and two linear layers");
        assert_eq!(names("convnext_tiny").len(), 18);
    }

    #[test]
    fn tokens_in_front_are_told_from_pixels() {
        let mut grid = Grid::default();
        assert_eq!(grid.of([224, 224]), ([224, 224], 0));
        assert_eq!(grid.of([14, 14]), ([14, 14], 0));
        assert_eq!(grid.of([197, 1]), ([14, 14], 1));
        assert_eq!(grid.of([196, 1]), ([14, 14], 0));
        assert_eq!(grid.of([1, 1]), ([1, 1], 0));
        assert_eq!(grid.of([10, 1]), ([10, 1], 0), "after a single pixel nothing is known");
    }
}
