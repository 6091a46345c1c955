//! How exact products are.

/// How products are computed where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// In f32 throughout.
    #[default]
    Full,
    /// Factors rounded to TF32 (ten bits of mantissa) before they are multiplied, on CUDA devices that have it.
    Tf32,
    /// Factors rounded to bf16 (seven bits of mantissa), products summed in f32; on CUDA devices results are rounded too.
    Bf16,
}
