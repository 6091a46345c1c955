//! kernels
pub mod blocked;
/// Act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// None
    None,
    /// Relu
    Relu,
}
/// Conv.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// s
    pub stride: usize,
    /// p
    pub padding: usize,
    /// g
    pub groups: usize,
}
