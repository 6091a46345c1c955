//! Functions of single values that are operations of their own.

/// A function of single values that is an operation of its own: no other applies it before it writes its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonlinearity {
    /// min(max(x, 0), 6), with gradient 0 at both corners (MobileNet).
    Relu6,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// x · sigmoid(x), also called swish.
    Silu,
    /// min(max(x + 3, 0), 6) / 6, with gradient 0 at both corners (MobileNetV3).
    Hardsigmoid,
    /// x · hardsigmoid(x), with gradient 0 at −3 and 1 at 3.
    Hardswish,
    /// x · Φ(x), Φ the cumulative distribution of the standard normal (Hendrycks & Gimpel 2016): PyTorch's exact one, by erf.
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Nonlinearity {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Relu6, Self::Sigmoid, Self::Silu, Self::Hardsigmoid, Self::Hardswish, Self::Gelu, Self::Tanh];
}
