//! ReLU or nothing.

/// What an operation applies to its result before it writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing: the result as it is.
    None,
    /// max(0, ·), with gradient 0 at 0, as PyTorch has it (candle's own `relu` has 1 there).
    Relu,
}
