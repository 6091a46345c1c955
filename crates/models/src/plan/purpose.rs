//! What a pass over a network is for: it decides which steps run and what is kept.

/// Where batch-norm takes its statistics from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// From the batch.
    Train,
    /// From the running statistics.
    Evaluate,
}

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Logits only.
    Evaluation,
    /// The gradient of the pixels.
    Pixels,
    /// The gradients of the parameters.
    Parameters,
}

impl Purpose {
    /// Whether the pass goes backward, so that steps keep what their gradients need.
    pub(crate) fn goes_back(self) -> bool {
        self != Self::Evaluation
    }

    /// Whether the values that steps read are kept for the gradients of the parameters.
    pub(crate) fn keeps_values(self) -> bool {
        self == Self::Parameters
    }
}
